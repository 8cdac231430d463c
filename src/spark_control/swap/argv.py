"""Reads the words after `vllm serve` as vLLM's parser does, and goes on after each fault.

vLLM's parser stops at the first thing it does not understand. This one tells all of them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spark_control.swap.options import Option, Table

_NUMBER = re.compile(r"^-\d+$|^-\d*\.\d+$")


@dataclass(frozen=True, slots=True)
class Use:
    """One option as it was used. `said` is the word as written, `flag` the spelling it is for."""

    option: Option
    flag: str
    said: str
    values: tuple[str, ...] = ()
    dotted: bool = False

    @property
    def shortened(self) -> bool:
        """Tell whether the word was a prefix only."""
        return _dashed(self.said.partition("=")[0].partition(".")[0]) != self.flag


class Fault(NamedTuple):
    """Something that vLLM's parser refuses: what kind, the word, and what to say of it."""

    code: str
    word: str
    message: str


@dataclass(slots=True)
class Scan:
    """What the words were taken for."""

    model: str | None = None
    uses: list[Use] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def of(self, flag: str) -> list[Use]:
        """Return the uses of the option that has `flag` among its spellings."""
        return [use for use in self.uses if flag in use.option.flags]

    def last(self, flag: str) -> str | None:
        """Return the value that counts: the last one."""
        values = [use.values[-1] for use in self.of(flag) if use.values]
        return values[-1] if values else None


class _Word(NamedTuple):
    """A word as the parser sees it, and as it was written."""

    text: str
    said: str
    dotted: bool = False


def scan(table: Table, words: Sequence[str]) -> Scan:
    """Read `words` with the options of `table`."""
    found = Scan()
    queue = _spelled(words, found)
    kinds = [_is_option(word.text, table) for word in queue]
    at = 0
    while at < len(queue):
        if not kinds[at]:
            _plain(queue[at], found)
            at += 1
            continue
        stop = at + 1
        while stop < len(queue) and not kinds[stop]:
            stop += 1
        at += 1 + _option(table, found, queue[at], queue[at + 1 : stop])
    return found


def _dashed(name: str) -> str:
    return name.replace("_", "-") if name.startswith("--") else name


def _spelled(words: Sequence[str], found: Scan) -> list[_Word]:
    """Return the words with dashes for underscores, `-O3` written out, dotted options joined."""
    plain: list[_Word] = []
    joined: list[_Word] = []
    queue = [_one(word) for word in words]
    while queue:
        word = queue.pop(0)
        key, equals, value = word.text.partition("=")
        if not (word.text.startswith("-") and "." in key) or _NUMBER.match(word.text):
            plain += _level(word)
            continue
        if not equals:
            if not queue:
                found.faults.append(_missing(word.said, "a value"))
                break
            value = queue.pop(0).said
        head, _, rest = key.partition(".")
        joined += [_Word(head, word.said), _Word(json.dumps({rest: value}), value, dotted=True)]
    return plain + joined


def _one(word: str) -> _Word:
    key, equals, value = word.partition("=")
    head, dot, rest = key.partition(".")
    return _Word(_dashed(head) + dot + rest + equals + value, word)


def _level(word: _Word) -> list[_Word]:
    """Write `-O3` and `-O=3` as vLLM does."""
    if not re.match(r"^-O=?\d$", word.text):
        return [word]
    level = word.text[2:].removeprefix("=")
    return [_Word("--optimization-level", "--optimization-level"), _Word(level, level)]


def _is_option(word: str, table: Table) -> bool:
    if not word.startswith("-") or word in {"-", "--"}:
        return False
    if table.match(word).flags:
        return True
    return not _NUMBER.match(word) and " " not in word


def _plain(word: _Word, found: Scan) -> None:
    if found.model is None:
        found.model = word.said
        return
    found.faults.append(Fault("stray_word", word.said, _why_stray(word.said, found)))


def _why_stray(said: str, found: Scan) -> str:
    before = found.uses[-1].said if found.uses else ""
    if said[:1] in "\u2013\u2014\u2212" or said.startswith("-"):
        why = "an option is one word with plain dashes, its value another word"
    elif before and found.uses[-1].option.values == "none":
        why = f"`{before}` takes no value"
    else:
        why = "it belongs to no option"
    return f"vLLM does not take the word `{said}`: {why}."


def _option(table: Table, found: Scan, word: _Word, follow: Sequence[_Word]) -> int:
    """Take one option with its values out of `follow`; return how many it took."""
    flags, glued = table.match(word.text)
    if len(flags) != 1:
        found.faults.append(_none_or_several(table, word.said, flags))
        # The word behind it was meant for it; telling of both would tell one thing twice.
        return 0 if found.model is None else min(1, len(follow))
    option = table.by_flag[flags[0]]
    if glued is not None:
        return _glued(found, Use(option, flags[0], word.said, (glued,)))
    taken = _count(option, follow)
    if option.values in {"one", "many"} and not taken:
        found.faults.append(_missing(word.said, "a value"))
        return 0
    values = tuple(one.text if one.dotted else one.said for one in follow[:taken])
    dotted = any(one.dotted for one in follow[:taken])
    found.uses.append(Use(option, flags[0], word.said, values, dotted))
    return taken


def _glued(found: Scan, use: Use) -> int:
    if use.option.values == "none":
        name = use.said.partition("=")[0]
        found.faults.append(Fault("value_not_taken", use.said, f"`{name}` takes no value."))
    else:
        found.uses.append(use)
    return 0


def _count(option: Option, follow: Sequence[_Word]) -> int:
    most = {"none": 0, "one": 1, "maybe": 1, "many": len(follow)}[option.values]
    return min(most, len(follow))


def _missing(said: str, what: str) -> Fault:
    return Fault("value_missing", said, f"`{said}` needs {what}.")


def _none_or_several(table: Table, said: str, flags: Sequence[str]) -> Fault:
    word = said.partition("=")[0]
    if flags:
        several = ", ".join(f"`{flag}`" for flag in flags[:4])
        return Fault("ambiguous_option", said, f"`{word}` could be {several}; write it out.")
    near = ", ".join(f"`{flag}`" for flag in table.near(said))
    guess = f" Near it: {near}." if near else ""
    return Fault("unknown_option", said, f"vLLM {table.version} has no option `{word}`.{guess}")
