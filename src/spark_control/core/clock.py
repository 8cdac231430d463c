"""Time as an argument: nothing else in the project asks what time it is or sleeps."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the time is, and a way to wait for it."""

    def now(self) -> datetime:
        """Return the time of day, UTC, aware."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; cancellation passes through."""


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one home of the real clock

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - the one home of the real clock


def iso(moment: datetime) -> str:
    """Return `moment` as UTC ISO 8601 with milliseconds and a `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
