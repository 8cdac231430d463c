"""Bodies of HTTP/1 messages as they come in: where one ends, and its bytes without the chunks."""

import re
from typing import Protocol

from typing_extensions import override

from spark_control.gateway.errors import FramingBroken

LAST = b"0\r\n\r\n"
LINE_BYTES = 1024
TRAILER_BYTES = 8192

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\r\n]*)?\r\n")
_PLAIN = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
_END_OF_CHUNK = b"\r\n"


class Body(Protocol):
    """What follows a head. `ended`: all of it was seen; `rest` came after it."""

    ended: bool
    rest: bytes
    whole: bool
    """What was fed last was whole chunks and nothing else, so it can go on as it is."""

    def feed(self, data: bytes) -> bytes:
        """Take what came and return the bytes of the body in it. Raises FramingBroken."""

    def close(self) -> bool:
        """Tell whether a connection that ends here ends the body properly."""


class Sized:
    """A body of a stated length, which may be 0."""

    __slots__ = ("_left", "ended", "rest", "whole")

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0
        self.rest = b""
        self.whole = False

    def feed(self, data: bytes) -> bytes:
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data
        self.ended = True
        if left == 0:
            return data
        self.rest = data[left:]
        return data[:left]

    def close(self) -> bool:
        return self.ended


class UntilClose:
    """A body that ends with its connection."""

    __slots__ = ("ended", "rest", "whole")

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self.whole = False

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> bool:
        return True


class Chunked:
    """A body in chunks. Extensions and trailers are read and dropped."""

    __slots__ = ("_held", "_left", "_trailed", "_trailers", "ended", "rest", "whole")

    def __init__(self) -> None:
        self._left = 0
        """Bytes of the chunk that are still to come, with the line break after them."""
        self._held = b""
        self._trailers = False
        self._trailed = 0
        self.ended = False
        self.rest = b""
        self.whole = False

    def feed(self, data: bytes) -> bytes:
        if not self._left and not self._held and not self._trailers:
            found = _PLAIN.match(data)
            if found:  # nearly always: one chunk a read
                size, start = int(found[1], 16), found.end()
                if size and len(data) == start + size + 2 and data.endswith(_END_OF_CHUNK):
                    self.whole = True
                    return data[start:-2]
        self.whole = False
        return self._slow(data)

    def _slow(self, data: bytes) -> bytes:
        if self._held:
            data, self._held = self._held + data, b""
        parts: list[bytes] = []
        at = 0
        while at < len(data) and not self.ended:
            if self._trailers:
                at = self._trailer(data, at)
            elif self._left:
                at = self._inside(data, at, parts)
            else:
                at = self._size(data, at)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _size(self, data: bytes, at: int) -> int:
        found = _SIZE.match(data, at)
        if found is None:
            return self._hold(data, at, LINE_BYTES)
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailers = True
        return found.end()

    def _inside(self, data: bytes, at: int, parts: list[bytes]) -> int:
        here = min(self._left, len(data) - at)
        payload = min(self._left - 2, here)
        if payload > 0:
            parts.append(data[at : at + payload])
        payload = max(payload, 0)
        seen = data[at + payload : at + here]
        want = _END_OF_CHUNK[2 - (self._left - payload) :] if self._left - payload <= 2 else b""
        if seen != want[: len(seen)]:
            raise FramingBroken("A chunk does not end where it says.")
        self._left -= here
        return at + here

    def _trailer(self, data: bytes, at: int) -> int:
        stop = data.find(b"\r\n", at)
        if stop < 0:
            return self._hold(data, at, TRAILER_BYTES)
        self._trailed += stop - at
        if self._trailed > TRAILER_BYTES:
            raise FramingBroken("What follows the chunks is too long.")
        if stop == at:
            self.ended = True
            self.rest = data[stop + 2 :]
        return stop + 2

    def _hold(self, data: bytes, at: int, most: int) -> int:
        """Keep the beginning of a line until the rest of it comes."""
        self._held = data[at:]
        if len(self._held) > most or b"\n" in self._held:
            raise FramingBroken("The size of a chunk cannot be read.")
        return len(data)

    def close(self) -> bool:
        return self.ended


class Nothing(Sized):
    """No body: an answer to HEAD, or one whose status allows none."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(0)

    @override
    def feed(self, data: bytes) -> bytes:
        self.rest = data
        return b""


def chunk(data: bytes) -> bytes:
    """Return `data`, which is not empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def of_request(length: int | None, *, chunked: bool) -> Body:
    """Return the body that follows a request."""
    return Chunked() if chunked else Sized(length or 0)


def of_answer(status: int, length: int | None, *, chunked: bool, bodiless: bool) -> Body:
    """Return the body that follows an answer; `bodiless`: to HEAD there is none."""
    if bodiless or status in {204, 304}:
        return Nothing()
    if chunked:
        return Chunked()
    return UntilClose() if length is None else Sized(length)
