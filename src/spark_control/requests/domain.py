"""The record of one request, and which records are asked for. Prompts and answers are not in it.

The workers of the gateway import this, so it must import little.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

LONGEST_NAME = 200
OTHER = "other"
CLIENT_LEFT = 499
"""The status of a request whose client did not wait for the answer; no error of anybody."""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request that has ended. None is not known; it is never zero."""

    id: str
    at_ms: int
    """When its head was there, in milliseconds since 1970."""
    path: str
    asked: str | None = None
    """The name that the body had."""
    model: str | None = None
    """The key it was routed by; None when it reached no engine."""
    target: str | None = None
    """The Spark or the outside server that answered."""
    client: str = ""
    """The address it came from."""
    status: int
    error: str | None = None
    """Our code, when the answer was ours or broke off."""
    streamed: bool = False
    queue_ms: float = 0.0
    ttft_ms: float | None = None
    """To the first byte of the answer's body, with the time in the queue."""
    duration_ms: float
    tokens_in: int | None = None
    tokens_out: int | None = None
    estimated: bool = False
    """`tokens_out` was counted from the events of the stream."""
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def at(self) -> datetime:
        """Return when its head was there, UTC."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def failed(self) -> bool:
        """Tell whether it counts as an error: refused, or broken off by the engine."""
        return self.status != CLIENT_LEFT and (self.status >= 400 or self.error is not None)

    @property
    def tokens_per_s(self) -> float | None:
        """Return how fast the answer came; for a stream without the time to its first byte."""
        if not self.tokens_out:
            return None
        made, took = self.tokens_out, self.duration_ms - self.queue_ms
        if self.streamed and self.ttft_ms is not None and made > 1:
            made, took = made - 1, self.duration_ms - self.ttft_ms
        return made / took * 1000 if took >= 1 else None


class Outcome(StrEnum):
    """How requests ended, as a filter."""

    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records; None is all of them."""

    model: str | None = None
    client: str | None = None
    outcome: Outcome | None = None
    statuses: tuple[int, int] | None = None
    """First and last of a range."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place among the records, newest first: behind this one."""

    at_ms: int
    id: str


@dataclass(frozen=True, slots=True)
class Slot:
    """What the records of one step of time add up to."""

    number: int
    requests: int
    errors: int
    tokens_in: int
    tokens_out: int
    ttft: dict[int, int]
    """How many are in each bin of milliseconds."""
    speed: dict[int, int]
    """How many are in each bin of hundredths of a token a second."""


def millis(moment: datetime) -> int:
    """Return the milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
