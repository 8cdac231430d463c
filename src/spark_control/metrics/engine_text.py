"""An engine's metrics with our labels on them.

The text comes from outside: only what is understood goes on, rewritten from its parts, so no line
of it can pass for one of ours or break the page that Prometheus reads.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PREFIX = "vllm:"
MOST_SAMPLES = 5000
"""Of one engine; a real one has some hundreds."""
LONGEST = 256
KINDS = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})
_NAME = re.compile(r"vllm:[a-zA-Z0-9_:]{1,120}")
_SAMPLE = re.compile(r"(vllm:[a-zA-Z0-9_:]{1,120})(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]{0,80})\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_VALUE = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|[Ii]nf|[Nn]a[Nn])")
_SUFFIXES = ("", "_bucket", "_sum", "_count", "_total", "_created")


@dataclass(slots=True)
class Family:
    """Samples that belong together, as lines."""

    kind: str
    lines: list[str] = field(default_factory=list)


def merge(texts: Iterable[tuple[Mapping[str, str], str]]) -> str:
    """Return the `vllm:` samples of all engines, each with the labels given for it."""
    families: dict[str, Family] = {}
    for labels, text in texts:
        _add(families, labels, text)
    return "".join(
        f"# TYPE {name} {family.kind}\n" + "".join(family.lines)
        for name, family in sorted(families.items())
        if family.lines
    )


def _add(families: dict[str, Family], labels: Mapping[str, str], text: str) -> None:
    kinds: dict[str, str] = {}
    count = 0
    for line in text.split("\n"):
        if line.startswith("# TYPE vllm:"):
            _learn(kinds, line)
        elif line.startswith(PREFIX) and count < MOST_SAMPLES:
            count += _sample(families, kinds, labels, line)


def _learn(kinds: dict[str, str], line: str) -> None:
    words = line.split()
    if len(words) == 4 and _NAME.fullmatch(words[2]) and words[3] in KINDS:
        kinds[words[2]] = words[3]


def _sample(
    families: dict[str, Family], kinds: Mapping[str, str], labels: Mapping[str, str], line: str
) -> bool:
    """Take one line; tell whether it was a sample."""
    found = _SAMPLE.fullmatch(line)
    if not found or not _VALUE.fullmatch(found[3]):
        return False
    given = _labels(found[2] or "")
    if given is None:
        return False
    name = found[1]
    owner = next((base for end in _SUFFIXES if (base := name.removesuffix(end)) in kinds), name)
    family = families.setdefault(owner, Family(kinds.get(owner, "untyped")))
    # A label of the engine's own that is named like one of ours is kept under another name.
    all_of = {f"exported_{key}" if key in labels else key: value for key, value in given.items()}
    all_of |= {key: _escaped(value) for key, value in labels.items()}
    shown = ",".join(f'{key}="{value}"' for key, value in all_of.items())
    family.lines.append(f"{name}{{{shown}}} {found[3]}\n")
    return True


def _labels(text: str) -> dict[str, str] | None:
    """Return the labels with their values escaped as they came, None for what is no labels."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _LABEL.match(text, at)
        if (
            not pair
            or len(pair[2]) > LONGEST
            or not re.fullmatch(r"(?:[^\\]|\\[\\n\"])*", pair[2])
        ):
            return None
        found[pair[1]] = pair[2]
        at = pair.end()
    return found


def _escaped(text: str) -> str:
    return text[:LONGEST].replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
