"""A clock that stands still until it is told to go on, for tests that must not wait."""

import asyncio
from datetime import UTC, datetime, timedelta


class TestClock:
    """Time moves by `advance` only; sleepers wake in the order of their times."""

    __test__ = False

    def __init__(self) -> None:
        self._passed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._passed + seconds, waiter))
        await waiter

    @property
    def waiting(self) -> int:
        """Return how many sleep now."""
        return sum(not waiter.done() for _, waiter in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who is due."""
        self._passed += seconds
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._passed]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._passed]
        for _, waiter in sorted(due, key=lambda sleeper: sleeper[0]):
            if not waiter.done():
                waiter.set_result(None)
