"""The files of the page as one set."""

import re
from pathlib import Path

import pytest

from spark_control.dashboard.errors import AssetUnknown
from spark_control.dashboard.pages import read

STATIC = Path(__file__).parents[3] / "src/spark_control/dashboard/static"


def made(folder: Path, script: str) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<link href="assets/a.css"><script src="assets/a.js">')
    (folder / "docs.html").write_text('<script src="assets/a.js">')
    (folder / "assets/a.js").write_text(script)
    (folder / "assets/a.css").write_text("a{}")
    (folder / "assets/notes.txt").write_text("not part of the page")
    return folder


def test_links_carry_a_version_that_changes_with_any_file(tmp_path: Path) -> None:
    one, same, other = (
        read(made(tmp_path / name, script))
        for name, script in (("1", "x"), ("2", "x"), ("3", "y"))
    )
    assert one.version == same.version != other.version
    assert f'src="assets/{one.version}/a.js"'.encode() in one.index
    assert f'src="assets/{one.version}/a.js"'.encode() in one.docs
    assert f'href="assets/{one.version}/a.css"'.encode() in one.index


def test_only_files_of_the_page_are_served(tmp_path: Path) -> None:
    page = read(made(tmp_path, "x"))
    assert set(page.assets) == {"a.js", "a.css"}
    assert page.asset(page.version, "a.js").body == b"x"
    for version, name in ((page.version, "notes.txt"), ("old", "a.js"), (page.version, "")):
        with pytest.raises(AssetUnknown):
            page.asset(version, name)


def test_the_page_ships_with_the_package() -> None:
    assert {"app.css", "app.js", "theme.js", "icon.svg"} <= set(read().assets)


def test_every_script_of_the_page_is_announced_so_that_all_load_at_once() -> None:
    index = (STATIC / "index.html").read_text()
    needed = ["app.js"]
    for name in needed:
        assert f'"assets/{name}"' in index, name
        imported = re.findall(r'from "\./([\w-]+\.js)"', (STATIC / "assets" / name).read_text())
        needed += [one for one in imported if one not in needed]
    assert len(needed) > 5


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("*.html", r"\son\w+\s*="),  # inline handlers
        ("*.html", r"\sstyle\s*="),
        ("*.html", r"<script(?![^>]*\ssrc=)"),
        ("*.html", r"<style"),
        ("assets/*.js", r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\("),
        ("assets/*.js", r"setAttribute\(\s*[\"']style"),
        ("**/*.*", r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//"),  # other sites
        ("**/*.*", r"=[\"']/(?!/)|fetch\([\"'`]/"),  # addresses that break behind a path prefix
    ],
)
def test_the_page_holds_nothing_its_security_policy_forbids(where: str, what: str) -> None:
    for file in STATIC.glob(where):
        assert not re.search(what, file.read_text()), f"{what} in {file.name}"
