"""Counting what runs on an engine, and waiting for it to end."""

import asyncio

from spark_control.engines.domain import Address
from spark_control.gateway.in_flight import InFlight

A, B = Address("10.88.0.11", 8888), Address("10.88.0.12", 8888)


async def test_counting() -> None:
    running = InFlight()
    with running.counted(A), running.counted(A), running.counted(B):
        assert (running.in_flight(A), running.in_flight(B)) == (2, 1)
    assert (running.in_flight(A), running.busy()[B.base_url]) == (0, 0)


async def test_draining() -> None:
    running = InFlight()
    assert await running.drained(A, timeout_s=0)
    with running.counted(A):
        assert not await running.drained(A, timeout_s=0)
    with running.counted(A):
        waiter = asyncio.gather(running.drained(A, timeout_s=5))
        with running.counted(B):
            pass
    assert list(await waiter) == [True]
