"""Count the events of a stream while its bytes pass through, wherever they were cut.

The common case, whole events of the engine one chunk at a time, costs a few searches in the chunk
and copies nothing. An event that is cut is kept until its end is there, up to a limit.
"""

MAX_EVENT = 256 * 1024
"""Of a longer event nothing is kept; it still counts as one."""
END = b"\n\n"
_JSON = b"data: {"
_NEXT_JSON = END + _JSON


class Scanner:
    """Reads one stream of server-sent events."""

    __slots__ = ("_after_cr", "_carry", "_huge", "_limit", "events")

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self.events = 0
        """Events that carry a piece of the answer, as far as that can be told cheaply."""
        self._limit = limit
        self._carry = bytearray()
        self._huge = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return the events they completed, lines ended by LF.

        An event above the limit that was cut is counted and left out.
        """
        if self._after_cr or b"\r" in chunk:
            chunk = self._plain(chunk)
        done = chunk if not self._carry and chunk[-2:] == END else self._joined(chunk)
        if done:
            self._count(done)
        return done

    def _plain(self, chunk: bytes) -> bytes:
        """Return the chunk with LF for CR and CRLF, also where a chunk ends between the two."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _joined(self, chunk: bytes) -> bytes:
        """Put the chunk behind what is kept; return what is complete then."""
        carry = self._carry
        looked = max(0, len(carry) - 1)
        carry += chunk
        if self._huge and not self._skipped(looked):
            return b""
        cut = carry.rfind(END, 0 if self._huge else looked) + 2
        self._huge = False
        done = bytes(carry[:cut]) if cut > 1 else b""
        if done:
            del carry[:cut]
        self._bound()
        return done

    def _skipped(self, looked: int) -> bool:
        """Drop what belongs to an event that is too long; tell whether its end was there."""
        end = self._carry.find(END, looked)
        del self._carry[: len(self._carry) - 1 if end < 0 else end + 2]
        return end >= 0

    def _bound(self) -> None:
        carry = self._carry
        while carry[:1] == b"\n":  # blank lines before an event are none of it
            del carry[:1]
        if len(carry) > self._limit + 1:  # its last byte may begin the end
            self.events += tells(bytes(carry[: self._limit]))
            self._huge = True
            del carry[:-1]

    def _count(self, done: bytes) -> None:
        ends = done.count(END)
        if done[:7] == _JSON and (ends == 1 or done.count(_NEXT_JSON) == ends - 1):
            self.events += ends
            return
        self.events += sum(tells(part[: self._limit]) for part in split(done))


def split(done: bytes) -> list[bytes]:
    """Return the events out of bytes that end with one."""
    return [part for raw in done.split(END) if (part := raw.strip(b"\n"))]


def tells(event: bytes) -> bool:
    """Tell whether an event carries a piece of the answer.

    With a name it does when that is of a delta; without one when its data is JSON.
    """
    for line in event.split(b"\n"):
        if line.startswith(b"event:"):
            name = line[6:].strip()
            return name.endswith(b"delta") and name != b"message_delta"
        if line.startswith(b"data:"):
            return line[5:].lstrip().startswith(b"{")
    return False


def data_of(event: bytes) -> bytes:
    """Return the data of an event, its lines joined."""
    lines = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(line.removeprefix(b" ") for line in lines)
