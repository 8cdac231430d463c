"""The in-process bus: a change is said once, and everyone who cares reads it here.

A subscriber's queue is bounded. When a reader is too slow the oldest waiting event of the same
key is replaced (latest wins), so a slow page never holds memory and still ends on the truth.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One change: `topic` says what kind, `key` which thing, `data` the new truth as JSON."""

    seq: int
    topic: str
    key: str
    data: Mapping[str, object]


class Subscription:
    """An async iterator over events; latest wins per topic and key."""

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._waiting: OrderedDict[tuple[str, str], Event] = OrderedDict()
        self._wake = asyncio.Event()
        self._closed = False

    def wants(self, topic: str) -> bool:
        """Tell whether events of `topic` are asked for; without topics all are."""
        return not self._topics or topic in self._topics

    def offer(self, event: Event) -> None:
        """Take `event` if it is of a topic asked for."""
        if not self.wants(event.topic):
            return
        self._waiting.pop((event.topic, event.key), None)
        self._waiting[event.topic, event.key] = event
        self._wake.set()

    def close(self) -> None:
        """End the iteration after what is waiting."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popitem(last=False)[1]


class Bus:
    """Publishes events and keeps the newest `history` of them for readers that come back."""

    def __init__(self, *, boot: str, history: int = 512) -> None:
        self.boot = boot
        self._seq = 0
        self._past: deque[Event] = deque(maxlen=history)
        self._readers: set[Subscription] = set()

    def publish(self, topic: str, key: str, data: Mapping[str, object]) -> Event:
        """Give the change a number and hand it to every reader; never blocks."""
        self._seq += 1
        event = Event(self._seq, topic, key, data)
        self._past.append(event)
        for reader in self._readers:
            reader.offer(event)
        return event

    def event_id(self, event: Event) -> str:
        """Return the id clients resume from: `<boot>-<seq>`."""
        return f"{self.boot}-{event.seq}"

    @property
    def last_id(self) -> str:
        """Return the id of the newest event, for a snapshot taken now."""
        return f"{self.boot}-{self._seq}"

    def since(self, event_id: str) -> list[Event] | None:
        """Return the events after `event_id`, or None when it is not known any more."""
        boot, _, text = event_id.rpartition("-")
        if boot != self.boot or not text.isdecimal() or int(text) > self._seq:
            return None
        missed = self._seq - int(text)
        return None if missed > len(self._past) else list(self._past)[len(self._past) - missed :]

    def subscribe(self, *topics: str) -> Subscription:
        """Start to listen; end it with `unsubscribe`."""
        reader = Subscription(frozenset(topics))
        self._readers.add(reader)
        return reader

    def unsubscribe(self, reader: Subscription) -> None:
        """Stop listening and end the reader's iteration."""
        self._readers.discard(reader)
        reader.close()

    def heard(self, topic: str) -> bool:
        """Tell whether anybody listens to `topic` now."""
        return any(reader.wants(topic) for reader in self._readers)

    def close(self) -> None:
        """End every reader, so that open streams finish when the process drains."""
        for reader in list(self._readers):
            self.unsubscribe(reader)
