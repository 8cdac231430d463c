"""How many requests run on each engine, as the workers say, so that a swap can let them finish."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from spark_control.engines.domain import Address


async def _at_once() -> None:
    """Stand in for a gateway without workers."""


@dataclass(slots=True)
class InFlight:
    """The requests that run now, by base URL.

    `settle` returns once every worker routes by what is true now; only then the counts can fall
    to nothing and stay there.
    """

    settle: Callable[[], Awaitable[None]] = _at_once
    _of: dict[object, Mapping[str, int]] = field(init=False, default_factory=dict)
    _changed: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def take(self, worker: object, counts: Mapping[str, int]) -> None:
        """Note what runs on `worker` now; nothing when it is gone."""
        if counts:
            self._of[worker] = counts
        else:
            self._of.pop(worker, None)
        self._changed.set()
        self._changed = asyncio.Event()

    def busy(self) -> dict[str, int]:
        """Return the running requests by base URL."""
        total: Counter[str] = Counter()
        for counts in self._of.values():
            total.update(counts)
        return dict(total)

    def in_flight(self, address: Address) -> int:
        """Return the requests that run on the engine at `address`."""
        return self.busy().get(address.base_url, 0)

    async def drained(self, address: Address, *, timeout_s: float) -> bool:
        """Return True as soon as nothing runs there, False after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.settle()
                while self.in_flight(address):
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True
