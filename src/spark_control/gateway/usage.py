"""How many tokens an answer took, read from its bytes as they pass; no text outlives the answer.

What the engine says counts. Where it says nothing, the tokens of a stream are estimated from its
events and marked as such, since engines send about one event a token.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from spark_control.gateway.sse import MAX_EVENT, Scanner, data_of, split

WHOLE = 64 * 1024
"""A plain answer up to here is kept whole until its end; of a longer one the end is kept."""
TAIL = 8 * 1024
_SAID = (b'"usage":{', b'"usage": {')


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What an answer took; None is not known."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    estimated: bool = False
    """The engine did not say `tokens_out`; it was counted from events."""


NOTHING = Usage()


class Tap(Protocol):
    """Looks at the bytes of one answer as they pass."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body, as they came."""

    def finish(self) -> Usage:
        """Return what was used; the answer has ended or was broken off."""


class NoTap:
    """Looks at nothing: audio, packed bodies."""

    __slots__ = ()

    def feed(self, _chunk: bytes) -> None: ...

    def finish(self) -> Usage:
        return NOTHING


class _Counts(msgspec.Struct, frozen=True, gc=False):
    """The names of all the APIs; a number that is none makes the whole unreadable."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None

    @property
    def into(self) -> int | None:
        given = self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens
        if given is None and self.out is None:
            given = self.total_tokens  # a reranker says only this
        return _sane(given)

    @property
    def out(self) -> int | None:
        made = self.completion_tokens
        return _sane(made if made is not None else self.output_tokens)


class _Inner(msgspec.Struct, frozen=True):
    usage: _Counts | None = None


class _Body(msgspec.Struct, frozen=True):
    """Where the APIs put their counts: at the top, in `message` or in `response`."""

    type: str = ""
    usage: _Counts | None = None
    message: _Inner | None = None
    response: _Inner | None = None

    @property
    def counts(self) -> _Counts | None:
        if self.usage is not None:
            return self.usage
        inner = self.message or self.response
        return inner.usage if inner is not None else None


_BODY = msgspec.json.Decoder(_Body)
_COUNTS = msgspec.json.Decoder(_Counts)


class JsonTap:
    """Looks at a plain answer."""

    __slots__ = ("_kept", "_size", "_tail", "_whole")

    def __init__(self, whole: int = WHOLE, tail: int = TAIL) -> None:
        self._whole = whole
        self._tail = tail
        self._kept: bytes | bytearray = b""
        """The first piece, nearly always the whole of it, is not copied."""
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        kept = self._kept
        if not kept:
            self._kept = chunk if len(chunk) <= self._whole else chunk[-self._tail :]
            return
        if not isinstance(kept, bytearray):
            kept = self._kept = bytearray(kept)
        kept += chunk
        if self._size > self._whole and len(kept) > 2 * self._tail:
            del kept[: -self._tail]

    def finish(self) -> Usage:
        whole = self._size <= self._whole
        kept = bytes(self._kept if whole else self._kept[-self._tail :])
        found = _read(kept) if whole else None
        counts = found.counts if found is not None else _at_the_end(kept)
        return NOTHING if counts is None else Usage(counts.into, counts.out)


class SseTap:
    """Looks at a stream. Holds on to the first and the last events that say what was used."""

    __slots__ = ("_first", "_last", "_limit", "_scanner")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._scanner = Scanner(limit)
        self._first = b""
        self._last = b""

    def feed(self, chunk: bytes) -> None:
        done = self._scanner.feed(chunk)
        if done and (_SAID[0] in done or _SAID[1] in done):
            self._keep(done)

    def _keep(self, done: bytes) -> None:
        # With counts in every event this runs for each chunk: the events are told apart at the
        # end, unless that would hold on to much.
        if not self._first or len(done) > self._limit:
            found = self._saying(done)
            self._first = self._first or next(iter(found), b"")
            self._last = found[-1] if found else self._last
            return
        self._last = done

    def _saying(self, done: bytes) -> list[bytes]:
        parts = (part for part in split(done) if len(part) <= self._limit)
        return [part for part in parts if any(mark in part for mark in _SAID)]

    def finish(self) -> Usage:
        self.feed(b"\n\n")  # an engine may leave out the last blank line
        first, last = (_read(data_of(part)) for part in (self._first, self._end()))
        into = last.counts.into if last is not None and last.counts is not None else None
        if into is None and first is not None and first.counts is not None:
            into = first.counts.into
        out = None
        # What Anthropic's API says at the start is no count of what is to come.
        if last is not None and last.counts is not None and last.type != "message_start":
            out = last.counts.out
        if out is not None:
            return Usage(into, out)
        return Usage(into, self._scanner.events, estimated=True)

    def _end(self) -> bytes:
        found = self._saying(self._last)
        return found[-1] if found else b""


def tap_for(content_type: str, content_encoding: str = "") -> Tap:
    """Return the tap for an answer with these headers."""
    return taps_for(content_type, content_encoding)()


def taps_for(content_type: str, content_encoding: str = "") -> Callable[[], Tap]:
    """Return what makes the taps for answers with these headers."""
    kind = content_type.partition(";")[0].strip().lower()
    if content_encoding.strip().lower() not in {"", "identity"}:
        return NoTap
    if kind == "text/event-stream":
        return SseTap
    return JsonTap if kind == "application/json" else NoTap


def _sane(count: int | None) -> int | None:
    return count if count is not None and 0 <= count < 1 << 53 else None


def _read(text: bytes) -> _Body | None:
    try:
        return _BODY.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _at_the_end(text: bytes) -> _Counts | None:
    """Return the last counts of a text whose beginning is not there."""
    at = max(text.rfind(mark) + len(mark) - 1 if mark in text else -1 for mark in _SAID)
    if at < 0:
        return None
    depth = 0
    for place in range(at, len(text)):
        depth += {0x7B: 1, 0x7D: -1}.get(text[place], 0)
        if depth == 0:
            return _counts(text[at : place + 1])
    return None


def _counts(text: bytes) -> _Counts | None:
    try:
        return _COUNTS.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
