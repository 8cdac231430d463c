"""The options of one vLLM: their spellings, how many values they take, and of which kind."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

COUNTS = frozenset({"none", "one", "maybe", "many"})
_KINDS = frozenset({
    "int", "float", "human_readable_int", "human_readable_int_or_auto", "str(lower,_)",
})  # fmt: skip


class Unreadable(ValueError):
    """What should be a table of options is none."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `kind` is `str` where vLLM's own type is nothing that can be checked here.

    `choices` are the parser's; `known` are checked by vLLM later.
    """

    flags: tuple[str, ...]
    values: str = "one"
    kind: str = "str"
    optional: bool = False
    repeats: bool = False
    choices: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return its first long spelling."""
        return next((flag for flag in self.flags if flag.startswith("--")), self.flags[0])


class Match(NamedTuple):
    """What a word that looks like an option may mean: full spellings and a value glued on."""

    flags: tuple[str, ...]
    glued: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """All options of one version."""

    version: str
    options: tuple[Option, ...]
    tool_parsers: tuple[str, ...] = ()
    reasoning_parsers: tuple[str, ...] = ()
    by_flag: Mapping[str, Option] = field(default_factory=dict)

    def match(self, word: str) -> Match:
        """Return what `word`, dashes not underscores in it, is taken for: as argparse does it."""
        if word in self.by_flag:
            return Match((word,))
        said, equals, value = word.partition("=")
        glued = value if equals else None
        if said in self.by_flag:
            return Match((said,), glued)
        if word.startswith("--"):
            return Match(tuple(flag for flag in self.by_flag if flag.startswith(said)), glued)
        if word[:2] in self.by_flag:
            return Match((word[:2],), word[2:])
        return Match(tuple(flag for flag in self.by_flag if flag.startswith(word)))

    def near(self, word: str) -> tuple[str, ...]:
        """Return up to three spellings that `word` may have been meant to be."""
        said = word.partition("=")[0].replace("_", "-").lower()[:100]
        return tuple(difflib.get_close_matches(said, self.by_flag, n=3, cutoff=0.75))


def read_table(value: object) -> Table:
    """Read a table as the package and the images give it. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable("a table of options is an object")
    rows = value.get("options")
    if not isinstance(rows, list) or not rows:
        raise Unreadable("a table of options has options")
    options = tuple(_option(row) for row in rows)
    return Table(
        version=str(value.get("version", "")),
        options=options,
        tool_parsers=_texts(value.get("tool_parsers")),
        reasoning_parsers=_texts(value.get("reasoning_parsers")),
        by_flag={flag: option for option in options for flag in option.flags},
    )


def _option(row: object) -> Option:
    if not isinstance(row, dict):
        raise Unreadable("an option is an object")
    flags, values = _texts(row.get("flags")), row.get("values")
    if not flags or values not in COUNTS:
        raise Unreadable("an option has flags and a number of values")
    said = str(row.get("type", "str"))
    kind = said.removesuffix("?")
    known = kind in _KINDS or (kind.startswith("json") and kind != "json|str")
    return Option(
        flags=flags,
        values=str(values),
        kind=("json" if kind.startswith("json") else kind) if known else "str",
        optional=said.endswith("?"),
        repeats=bool(row.get("repeats")),
        choices=_texts(row.get("choices")),
        known=_texts(row.get("known")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, Sequence | list) else ()
