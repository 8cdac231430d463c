"""Counting what runs on an engine, and waiting for it to end."""

import asyncio

from spark_control.engines.domain import Address
from spark_control.gateway.in_flight import InFlight

A, B = Address("10.88.0.11", 8888), Address("10.88.0.12", 8888)


async def test_counting_over_all_workers() -> None:
    running = InFlight()
    running.take(1, {A.base_url: 2, B.base_url: 1})
    running.take(2, {A.base_url: 1})
    assert (running.in_flight(A), running.in_flight(B)) == (3, 1)
    running.take(1, {})
    assert (running.in_flight(A), running.busy()) == (1, {A.base_url: 1})


async def test_draining() -> None:
    running = InFlight()
    assert await running.drained(A, timeout_s=1)
    running.take(1, {A.base_url: 1})
    assert not await running.drained(A, timeout_s=0)
    waiter = asyncio.gather(running.drained(A, timeout_s=5))
    running.take(2, {B.base_url: 1})
    await asyncio.wait([waiter], timeout=0)
    running.take(1, {})
    assert list(await waiter) == [True]


async def test_the_routes_come_before_the_counts() -> None:
    """A request that a worker still sends by old routes would come after the count."""
    running = InFlight()

    async def settle() -> None:
        running.take(1, {A.base_url: 1})

    running.settle = settle
    assert not await running.drained(A, timeout_s=0.01)
