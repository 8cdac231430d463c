"""Records are taken at once, kept in batches, told while somebody listens, and forgotten."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from spark_control.core.bus import Bus
from spark_control.core.sql import DatabaseTrouble
from spark_control.core.tasks import Tasks
from spark_control.requests import usecases
from spark_control.requests.domain import Filter, Place, Record, Slot, millis
from spark_control.requests.usecases import RequestLog
from tests.service.clock import TestClock
from tests.unit.requests.samples import T0, record
from tests.until import settle


class Store:
    """A store in memory that can be away."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.away = False
        self.old = 0
        self.pruned: list[datetime] = []

    @property
    def kept(self) -> list[Record]:
        return [record for batch in self.batches for record in batch]

    async def add(self, records: Sequence[Record]) -> None:
        if self.away:
            raise DatabaseTrouble("away")
        self.batches.append(list(records))

    async def page(self, _wanted: Filter, *, after: Place | None, limit: int) -> list[Record]:
        rows = sorted(self.kept, key=lambda one: (one.at, one.id), reverse=True)
        behind = [
            one
            for one in rows
            if after is None or (millis(one.at), one.id) < (after.at_ms, after.id)
        ]
        return behind[:limit]

    async def slots(self, _wanted: Filter, *, start: datetime, step_s: int) -> list[Slot]:
        assert start.timestamp() % step_s == 0
        return [Slot(0, 2, 1, 3, 4, {}, {})]

    async def models(self, _wanted: Filter, *, start: datetime) -> dict[str | None, Slot]:
        del start
        return {}

    async def prune(self, *, before: datetime, rows: int, most: int) -> int:
        if self.away:
            raise DatabaseTrouble("away")
        assert rows == 1_000_000
        self.pruned.append(before)
        gone = min(self.old, most)
        self.old -= gone
        return gone


class World:
    """A log over that store, with its tasks running."""

    def __init__(self) -> None:
        self.store, self.clock, self.bus = Store(), TestClock(), Bus(boot="b")
        self.heard: list[Record] = []
        self.log = RequestLog(
            store=self.store, bus=self.bus, clock=self.clock, days=lambda: 30,
            listeners=(self.heard.extend,),
        )  # fmt: skip

    async def pass_time(self, seconds: float = usecases.EVERY_S) -> None:
        await settle()
        self.clock.advance(seconds)
        await settle()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made, tasks = World(), Tasks("test")
    _ = tasks.spawn(made.log.run(), name="run")
    await settle()
    yield made
    await tasks.close()


async def test_what_comes_within_a_second_is_one_batch(world: World) -> None:
    world.log.take([record(1)])
    world.log.take([record(2), record(3)])
    assert [one.id for one in world.heard] == ["rq_1", "rq_2", "rq_3"]
    await world.pass_time()
    assert [len(batch) for batch in world.store.batches] == [3]
    await world.pass_time()
    assert len(world.store.batches) == 1


async def test_a_large_batch_is_cut(world: World) -> None:
    world.log.take([record(n) for n in range(usecases.BATCH + 1)])
    await world.pass_time()
    assert [len(batch) for batch in world.store.batches] == [usecases.BATCH, 1]


async def test_records_wait_while_the_database_is_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.store.away = True
    world.log.take([record(1), record(2)])
    await world.pass_time()
    await world.pass_time(usecases.RETRY_S)
    await world.pass_time()
    world.log.take([record(3)])
    world.store.away = False
    await world.pass_time(usecases.RETRY_S)
    await world.pass_time()
    assert [one.id for one in world.store.kept] == ["rq_1", "rq_2", "rq_3"]
    said = [line for line in caplog.messages if "request records" in line]
    assert len(said) == 2  # once when it began, once when it ended


async def test_only_so_many_wait(world: World) -> None:
    world.store.away = True
    world.log.take([record(n) for n in range(usecases.MOST_WAITING + 3)])
    assert world.log.lost == 3
    world.store.away = False
    await world.log.flush()
    assert world.store.kept[0].id == "rq_3"


async def test_the_page_is_told_once_a_second_and_not_everything(world: World) -> None:
    world.log.take([record(0)])
    await world.pass_time()
    assert world.bus.last_id == "b-0"  # nobody listened
    reader = world.bus.subscribe()
    world.log.take([record(n) for n in range(1, 100)])
    await world.pass_time()
    world.bus.close()
    [told] = [event async for event in reader]
    assert told.topic == "requests"
    assert told.data["count"] == 99
    rows = told.data["requests"]
    assert isinstance(rows, list)
    assert [row["id"] for row in rows[:2]] == ["rq_99", "rq_98"]
    assert len(rows) == usecases.MOST_TOLD
    assert rows[0]["tokens_per_s"] == 50.0


async def test_old_ones_are_forgotten_in_small_steps(world: World) -> None:
    world.store.old = usecases.PRUNE_AT_ONCE + 5
    tasks = Tasks("prune")
    _ = tasks.spawn(world.log.prune(), name="prune")
    await settle()
    assert world.store.pruned == [T0 - timedelta(days=30)] * 2
    assert world.store.old == 0
    world.store.away = True
    await world.pass_time(usecases.PRUNE_EVERY_S)
    world.store.away = False
    await world.pass_time(usecases.PRUNE_EVERY_S)
    assert len(world.store.pruned) == 3
    await tasks.close()


async def test_a_table_holds_every_record(world: World) -> None:
    count = usecases.AT_ONCE * 2 + 1
    world.log.take([record(n) for n in range(count)])
    await world.log.flush()
    lines = "".join([part async for part in world.log.csv(Filter())]).splitlines()
    assert len(lines) == count + 1
    assert lines[1].startswith(f"rq_{count - 1},2026-01-01T00:33:20.000Z,")


async def test_series_begin_at_whole_steps(world: World) -> None:
    world.clock.advance(7)
    shape = await world.log.stats(Filter(since=T0), window_s=60, step_s=10)
    assert [point.at for point in shape.points[:2]] == [
        "2025-12-31T23:59:00.000Z", "2025-12-31T23:59:10.000Z"]  # fmt: skip
    assert len(shape.points) == 7
    assert (shape.points[0].requests, shape.points[1].requests) == (2, 0)
    assert (shape.total.requests, shape.total.errors, shape.step_s) == (2, 1, 10)


async def test_a_series_is_reckoned_once_a_second(world: World) -> None:
    first = await world.log.stats(Filter(), window_s=60, step_s=10)
    assert await world.log.stats(Filter(), window_s=60, step_s=10) is first
    assert await world.log.stats(Filter(model="m"), window_s=60, step_s=10) is not first
    for n in range(usecases.MOST_KNOWN + 1):
        await world.log.stats(Filter(), window_s=60, step_s=n + 1)
    assert len(world.log._known) == usecases.MOST_KNOWN
    world.clock.advance(usecases.FRESH_S)
    assert await world.log.stats(Filter(), window_s=60, step_s=10) is not first
    assert len(world.log._known) == 1


async def test_a_flush_that_is_cancelled_loses_nothing(world: World) -> None:
    class Stuck(Store):
        @override
        async def add(self, _: Sequence[Record]) -> None:
            await asyncio.Event().wait()

    world.log.store = Stuck()
    tasks = Tasks("flush")
    world.log.take([record(1), record(2)])
    _ = tasks.spawn(world.log.flush(), name="flush")
    await settle()
    await tasks.close()
    world.log.store = world.store
    await world.log.flush()
    assert [one.id for one in world.store.kept] == ["rq_1", "rq_2"]
