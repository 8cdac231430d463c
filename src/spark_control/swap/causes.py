"""Find in the log of a failed launch why it failed: the first root cause, not what followed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from spark_control.core.errors import AppError
from spark_control.swap.parse import bare
from spark_control.swap.signatures import SIGNATURES, Rank, Signature

_LEVEL = re.compile(
    r"^(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d [\d:]+ (?:\[[^\]]*\] )?"
)
_QUIET = frozenset({"DEBUG", "INFO", "WARNING"})
LONGEST = 600
UNTOLD = len(Rank)
"""The weight of lines that tell of no cause."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it failed: a code for programs, a title and sentences, and the line that told."""

    code: str
    title: str
    says: str
    remedy: str
    line: str


def diagnose(lines: Iterable[str]) -> Cause | None:
    """Return the cause that `lines` tell of, or None when they tell of none.

    The highest rank wins, and in one rank the earliest line: what comes later followed from it.
    """
    best = _best(lines)
    return None if best is None else _cause(*best)


def weight(lines: Iterable[str]) -> int:
    """Return how little `lines` tell of a cause: 0 for a root, more for less, UNTOLD for none."""
    best = _best(lines)
    return UNTOLD if best is None else best[0].rank


def _best(lines: Iterable[str]) -> tuple[Signature, re.Match[str]] | None:
    best: tuple[Signature, re.Match[str]] | None = None
    for text in _spoken(lines):
        found = _first(text)
        if found is not None and (best is None or found[0].rank < best[0].rank):
            best = found
    return best


def explain(error: AppError, lines: Iterable[str]) -> None:
    """Let `error` say the cause that `lines` tell of, and what to do; without one it stays."""
    cause = diagnose(lines)
    if cause is not None:
        error.message = f"{error.message} {cause.says}"
        error.advice = cause.remedy
        error.detail["cause"] = asdict(cause)


def _spoken(lines: Iterable[str]) -> Iterator[str]:
    """Give the lines that may tell of a failure, without what stands before their words."""
    for line in lines:
        text = bare(line.strip("\r\n"))
        level = _LEVEL.match(text)
        if level is None:
            yield text
        elif level["level"] not in _QUIET:
            yield text[level.end() :]


def _first(text: str) -> tuple[Signature, re.Match[str]] | None:
    matches = ((one, one.pattern.search(text)) for one in SIGNATURES)
    return next(((one, match) for one, match in matches if match is not None), None)


def _cause(one: Signature, match: re.Match[str]) -> Cause:
    values = {name: value or "" for name, value in match.groupdict().items()}
    values = {name: value.rstrip(" .,") for name, value in values.items()}
    if one.more is not None:
        values |= one.more(values)
    return Cause(
        code=one.code,
        title=one.title,
        says=_filled(one.says, values),
        remedy=_filled(one.remedy, values),
        line=match.string.strip()[:LONGEST],
    )


def _filled(sentence: str, values: dict[str, str]) -> str:
    """Put the values in; a brace in a value is only a brace."""
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], sentence)
