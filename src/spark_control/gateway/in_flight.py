"""Counts the requests that run on each engine, so that a swap can let them finish."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from spark_control.engines.domain import Address


class InFlight:
    """The requests that run now, by engine."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._changed = asyncio.Event()

    @contextmanager
    def counted(self, address: Address) -> Iterator[None]:
        """Count one request on the engine at `address` while the context is open."""
        self._running[address.base_url] += 1
        try:
            yield
        finally:
            self._running[address.base_url] -= 1
            self._changed.set()
            self._changed = asyncio.Event()

    def busy(self) -> dict[str, int]:
        """Return the running requests by base URL."""
        return dict(self._running)

    def in_flight(self, address: Address) -> int:
        """Return the requests that run on the engine at `address`."""
        return self._running[address.base_url]

    async def drained(self, address: Address, *, timeout_s: float) -> bool:
        """Return True as soon as nothing runs there, False after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.in_flight(address):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True
