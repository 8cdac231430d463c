"""Server-sent events out of pieces of text, wherever the pieces were cut."""

import re
from dataclasses import dataclass, field

# A CR at the very end may be the first half of a CRLF: it waits for the next piece.
_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `event_id` is the last id that was sent, also by an event before it."""

    name: str
    data: str
    event_id: str = ""


@dataclass(slots=True)
class Parser:
    """Reads one stream. Start it with the id from which the stream goes on."""

    last_id: str = ""
    _rest: str = field(init=False, default="")
    _name: str = field(init=False, default="")
    _data: list[str] = field(init=False, default_factory=list)

    def feed(self, piece: str) -> list[Event]:
        """Take the next piece and return the events that it completed."""
        *lines, self._rest = _LINE_END.split(self._rest + piece)
        return [event for line in lines if (event := self._take(line)) is not None]

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self.last_id = value
        return None

    def _complete(self) -> Event | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return Event(name, "\n".join(data), self.last_id) if data else None
