"""The lock over a store of memory: what is said, and that its end is noticed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from spark_control.core.bus import Bus
from spark_control.core.sql import DatabaseTrouble
from spark_control.core.tasks import Tasks
from spark_control.jobs.ports import Together
from spark_control.swap.domain import Fence
from spark_control.swap.errors import LockWishIncomplete
from spark_control.swap.lock import Lock
from spark_control.swap.locks import LOOK_S, Locks
from spark_control.swap.ports import Change, Reading
from tests.service.swap.fakes import QuickClock

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class Memory:
    """A store whose time the test sets, and which may be out of order for a while."""

    def __init__(self) -> None:
        self.lock, self.now, self.broken = Lock(Fence("r", 0)), T0, 0
        self.asked = asyncio.Event()

    async def change(self, change: Change) -> Reading:
        self.asked.set()
        if self.broken:
            self.broken -= 1
            raise DatabaseTrouble("Away.")
        self.lock = change(self.lock, self.now)
        return Reading(self.lock, self.now)

    async def look(self) -> Reading | None:
        return await self.change(lambda lock, _now: lock)

    def within(self, change: Change) -> Together:
        def work(_connection: object) -> None:
            change(self.lock, self.now)

        return work


def made() -> tuple[Locks, Memory, Bus]:
    store, bus = Memory(), Bus(boot="b")
    return Locks(store=store, bus=bus, clock=QuickClock(), tokens=lambda: "sc_1"), store, bus


def said(bus: Bus) -> list[object]:
    return [event.data["holder"] for event in bus.since("b-0") or ()]


async def test_each_change_is_said_once() -> None:
    locks, store, bus = made()
    token, _ = await locks.acquire("bench", None, 60)
    await locks.look()
    await locks.renew(token, None, None)  # at the same moment: nothing new
    store.now += timedelta(seconds=10)
    await locks.renew(token, None, None)
    await locks.release(token)
    await locks.look()
    assert said(bus) == ["bench", "bench", None]


async def test_the_end_of_a_hold_is_noticed_even_when_the_database_was_away() -> None:
    locks, store, bus = made()
    await locks.acquire("bench", None, 60)
    store.now += timedelta(seconds=60)
    store.broken = 2
    tasks, heard = Tasks("test"), bus.subscribe("lock")
    _ = tasks.spawn(locks.watch(), name="watch")
    async with asyncio.timeout(5):
        assert (await heard.__anext__()).data == {"holder": None}
    await tasks.close()
    assert locks.clock.monotonic() >= 3 * LOOK_S


async def test_between_two_looks_time_goes_on() -> None:
    locks, _, _ = made()
    assert locks.shape().holder is None
    await locks.acquire("bench", "why", 60)
    await locks.clock.sleep(20)
    shown = locks.shape()
    assert (shown.holder, shown.model_dump().get("expires_in_s")) == ("bench", 40.0)
    await locks.clock.sleep(40)
    assert locks.shape().holder is None


@pytest.mark.parametrize(("holder", "ttl"), [(None, 60), ("bench", None)])
async def test_a_wish_that_lacks_something(holder: str | None, ttl: int | None) -> None:
    locks, store, _ = made()
    with pytest.raises(LockWishIncomplete):
        await locks.acquire(holder, None, ttl)
    assert not store.asked.is_set()
