"""Wait for a condition, with a bound."""

import asyncio
from collections.abc import Callable

from spark_control.core.clock import RealClock


async def until(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return once `condition` holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(within_s):
        while not condition():
            await RealClock().sleep(0.005)


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(20):
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0)
