"""vLLM's flags in all the spellings its parser takes, found and replaced in a list of words.

Dashes and underscores are the same to vLLM, a value may follow after a blank or `=`, and a prefix
that no other flag shares counts as the whole name.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Flags that set the same thing: each full name with the shortest prefix we take for it."""

    names: tuple[tuple[str, str], ...]
    takes_value: bool = True

    def name_of(self, word: str) -> str | None:
        """Return the full name that `word` spells, or None when it is another flag or a value."""
        said = word.partition("=")[0].replace("_", "-")
        for name, shortest in self.names:
            if said == name or (said.startswith(shortest) and name.startswith(said)):
                return name
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """One use of a family: words `start` up to `stop`."""

    start: int
    stop: int
    name: str
    value: str | None


def family(*names: str, takes_value: bool = True) -> Family:
    """Return the family of `names`, prefixes not taken."""
    return Family(tuple((name, name) for name in names), takes_value)


def find(args: Sequence[str], wanted: Family) -> list[Found]:
    """Return every use of `wanted` in the order of `args`; vLLM lets the last one win."""
    found = []
    for start, word in enumerate(args):
        name = wanted.name_of(word)
        if name is not None:
            found.append(_at(args, start, name, takes_value=wanted.takes_value))
    return found


def last(args: Sequence[str], wanted: Family) -> str | None:
    """Return the value that counts: of the last use, None where there is none."""
    uses = find(args, wanted)
    return uses[-1].value if uses else None


def _at(args: Sequence[str], start: int, name: str, *, takes_value: bool) -> Found:
    _, equals, value = args[start].partition("=")
    if equals:
        return Found(start, start + 1, name, value)
    follows = takes_value and start + 1 < len(args) and not args[start + 1].startswith("--")
    if follows:
        return Found(start, start + 2, name, args[start + 1])
    return Found(start, start + 1, name, None)


def replaced(args: Sequence[str], wanted: Family, words: Sequence[str]) -> tuple[str, ...]:
    """Return `args` with every use of `wanted` gone and `words` where the first one was."""
    uses = find(args, wanted)
    gone = {at for use in uses for at in range(use.start, use.stop)}
    place = uses[0].start if uses else len(args)
    head = [word for at, word in enumerate(args[:place]) if at not in gone]
    tail = [word for at, word in enumerate(args[place:], place) if at not in gone]
    return (*head, *words, *tail)
