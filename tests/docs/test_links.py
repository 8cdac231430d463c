"""Every link from one page to another leads to a file that is there, and to a heading in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
IMAGE = re.compile(r'<(?:img|a)\b[^>]*?\b(?:src|href)="([^"]+)"')
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Yield the targets of a page, but not those of other hosts."""
    bare = CODE.sub("", text)
    for found in (*LINK.finditer(bare), *IMAGE.finditer(bare)):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1]


def anchors(text: str) -> set[str]:
    """Return the names that headings can be linked by."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        more = sum(1 for one in found if re.fullmatch(rf"{re.escape(name)}(-\d+)?", one))
        found.add(f"{name}-{more}" if more else name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in links(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        other = (page.parent / name) if name else page
        found = other.exists()
        if not found or (anchor and anchor not in anchors(other.read_text(encoding="utf-8"))):
            broken.append(target)
    assert not broken


def test_pages_of_docs_are_reached() -> None:
    """A page that no other names is read by nobody."""
    reached = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in links(page.read_text(encoding="utf-8"))
    }
    lost = [page.name for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in reached]
    assert not lost


def test_headings_and_links_are_read() -> None:
    text = """# A `b` c-d?
## A
## A
```
# no
[x](no.md)
```
[y](z.md#a-1) `[q](no)` <a href="e">
"""
    assert anchors(text) == {"a-b-c-d", "a", "a-1"}
    assert list(links(text)) == ["z.md#a-1", "e"]
