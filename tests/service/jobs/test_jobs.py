"""Jobs of two processes over one database: beats, take-over, ends that are owed, streams."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typing_extensions import override

from spark_control.core.bus import Bus
from spark_control.core.errors import Internal
from spark_control.core.ids import RandomIds
from spark_control.core.sql import DatabaseTrouble, Sql, make_engine
from spark_control.core.tasks import Tasks
from spark_control.jobs.adapters import schema
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import BusyHost, JobLost, JobUnknown
from spark_control.jobs.exclusion import DOWNLOAD, wants
from spark_control.jobs.follow import follow
from spark_control.jobs.ports import Asked
from spark_control.jobs.usecases import BEAT_S, Jobs
from tests.service.clock import TestClock
from tests.until import until


class Store(SqlJobs):
    """A store that may be out of order for a while."""

    broken = False
    prunes = 0

    @override
    async def prune(self, keep: int) -> int:
        self.prunes += 1
        if self.broken:
            raise DatabaseTrouble("Away.")
        return await super().prune(keep)

    @override
    async def save(self, job: Job) -> None:
        if self.broken:
            raise DatabaseTrouble("Away.")
        await super().save(job)


class Process:
    """One Spark Control on the database, and what it has taken up."""

    def __init__(self, sql: Sql, owner: str) -> None:
        self.sql = sql
        self.clock, self.store, self.bus = TestClock(), Store(sql, owner), Bus(boot="b")
        self.jobs = Jobs(store=self.store, bus=self.bus, clock=self.clock, ids=RandomIds())
        self.taken: list[str] = []

    async def take_up(self, left: list[Job]) -> None:
        self.taken += [job.id for job in left]
        await self.jobs.fail_interrupted(left)

    async def beat(self) -> None:
        await self.jobs.beat(self.take_up)

    async def download(self, spark: str = "spark1") -> Job:
        job = await self.jobs.create(
            kind=DOWNLOAD, prefix="dl", target="org/one", args={}, wants=wants(DOWNLOAD, [spark])
        )
        return await self.jobs.start(job)


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[Sql]:
    sql = Sql(make_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    schema.ensure(sql.engine)
    yield sql
    sql.close()


@pytest.fixture
def here(sql: Sql) -> Process:
    return Process(sql, "here")


@pytest.fixture
def there(sql: Sql) -> Process:
    return Process(sql, "there")


async def jump(sql: Sql, by: timedelta) -> None:
    """Move every sign of life, as a jump of the database's clock the other way would."""

    def work(connection: sa.Connection) -> None:
        for row in connection.execute(sa.select(schema.jobs.c.id, schema.jobs.c.until)).all():
            moved = None if row.until is None else row.until + by
            one = sa.update(schema.jobs).where(schema.jobs.c.id == row.id)
            connection.execute(one.values(until=moved))

    await sql.write(work)


HOUR = timedelta(hours=1)


async def test_a_dead_process_loses_its_jobs_after_two_beats(
    here: Process, there: Process, sql: Sql
) -> None:
    job = await here.download()
    await there.beat()
    await jump(sql, -HOUR)
    await there.beat()
    assert there.taken == []  # its clock alone is no proof
    with pytest.raises(BusyHost):
        await there.download()
    await there.beat()
    assert there.taken == [job.id]
    ended = await there.jobs.get(job.id)
    assert (ended.state, ended.error and ended.error["code"]) == (JobState.FAILED, "interrupted")
    await there.download()
    with pytest.raises(JobLost):
        await here.jobs.enter(job, "loading")
    with pytest.raises(JobLost):
        await here.jobs.hold(job)


@pytest.mark.parametrize("by", [-HOUR, HOUR])
async def test_a_clock_that_jumps_takes_no_job_from_who_lives(
    here: Process, there: Process, sql: Sql, by: timedelta
) -> None:
    job = await here.download()
    await jump(sql, by)
    for _ in range(3):
        await there.beat()
        await here.beat()
    assert there.taken == []
    await here.jobs.finish(job)


async def test_only_what_an_earlier_process_of_ours_left_is_taken_up_at_once(
    here: Process, there: Process, sql: Sql
) -> None:
    mine, other = await here.download(), await there.download("spark2")
    again = Process(sql, "here")
    left = await again.jobs.left()
    assert [job.id for job in left] == [mine.id]
    await again.take_up(left)
    assert (await here.jobs.get(other.id)).state is JobState.RUNNING


async def test_an_end_that_could_not_be_stored_is_stored_later(here: Process) -> None:
    job = await here.download()
    here.store.broken = True
    failed = await here.jobs.fail(job, Internal("Broke."))
    assert failed.ended
    assert await here.jobs.get(job.id) == failed
    assert await here.jobs.newest() == [failed]
    stored = await here.store.get(job.id)
    assert stored is not None
    assert stored.state is JobState.RUNNING
    with pytest.raises(DatabaseTrouble):
        await here.beat()
    here.store.broken = False
    await here.download()  # the Spark is free again
    assert await here.store.get(job.id) == failed


async def test_an_end_of_a_job_that_another_has_ended_is_forgotten(
    here: Process, there: Process, sql: Sql
) -> None:
    job = await here.download()
    here.store.broken = True
    await here.jobs.finish(job)
    await jump(sql, -HOUR)
    await there.beat()
    await there.beat()
    here.store.broken = False
    await here.beat()
    assert (await here.jobs.get(job.id)).state is JobState.FAILED


async def test_watching_beats_and_outlives_a_database_that_is_away(
    here: Process, there: Process, sql: Sql
) -> None:
    job, tasks = await here.download(), Tasks("test")
    await jump(sql, -HOUR)
    there.store.broken = True
    _ = tasks.spawn(there.jobs.watch(there.take_up), name="watch")
    for _ in range(2):
        await until(lambda: there.clock.waiting == 1)
        there.clock.advance(BEAT_S)
    await until(lambda: there.taken == [job.id])
    await tasks.close()
    assert there.store.prunes == 1, "one that fails waits like one that does not"


async def test_one_that_is_lost_does_not_end_the_beats(here: Process, there: Process) -> None:
    """Without beats, the others would take everything that runs here."""

    async def lose(left: list[Job]) -> None:
        for job in left:
            raise JobLost(f"Another one goes on with {job.id}.")
        there.taken.append("asked")

    await here.download("spark1")
    tasks = Tasks("test")
    await jump(there.sql, -HOUR)
    _ = tasks.spawn(there.jobs.watch(lose), name="watch")
    for _ in range(4):
        await until(lambda: there.clock.waiting == 1)
        there.clock.advance(BEAT_S)
    await until(lambda: there.clock.waiting == 1)
    assert any("watch" in name for name in tasks.names())
    await tasks.close()


async def test_of_two_left_jobs_one_that_is_lost_leaves_the_other_to_be_ended(
    here: Process,
) -> None:
    lost, left = await here.download("spark1"), await here.download("spark2")
    taken = sa.update(schema.jobs).where(schema.jobs.c.id == lost.id).values(owner="there")
    await here.sql.write(lambda connection: connection.execute(taken).rowcount)
    ended = await here.jobs.fail_interrupted([lost, left])
    assert [job.id for job in ended] == [left.id]
    assert (await here.jobs.get(left.id)).state is JobState.FAILED


async def test_a_short_job_ends_however_its_work_does(here: Process) -> None:
    async def made() -> Job:
        asked = wants(DOWNLOAD, ["spark1"])
        return await here.jobs.create(kind=DOWNLOAD, prefix="dl", target="x", args={}, wants=asked)

    job = await made()
    async with here.jobs.during(job):
        assert await here.jobs.busy() == {"spark1": f"download of x ({job.id})"}
        with pytest.raises(BusyHost):
            await made()
    assert (await here.jobs.get(job.id)).state is JobState.DONE
    job = await made()
    with pytest.raises(BusyHost):
        async with here.jobs.during(job):
            raise BusyHost("It is busy.")
    assert (await here.jobs.get(job.id)).error == BusyHost("It is busy.").as_dict()
    job, work = await made(), asyncio.Event()

    async def for_ever() -> None:
        async with here.jobs.during(job):
            work.set()
            await asyncio.Event().wait()

    tasks = Tasks("test")
    _ = tasks.spawn(for_ever(), name="short")
    await work.wait()
    await tasks.close()
    assert (await here.jobs.get(job.id)).state is JobState.FAILED
    assert await here.jobs.busy() == {}


async def test_pages_of_the_list(here: Process) -> None:
    first = await here.download()
    second = await here.download("spark2")
    page = await here.jobs.newest(Asked(limit=1))
    rest = await here.jobs.newest(Asked(limit=1, before=page[0].id))
    assert {page[0].id, rest[0].id} == {first.id, second.id}
    with pytest.raises(JobUnknown):
        await here.jobs.newest(Asked(before="dl_none"))


def shape(frame: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(frame.split("data: ")[1])
    return found


def id_of(frame: str) -> str:
    return frame.split("id: ")[1].splitlines()[0]


async def rest(frames: AsyncIterator[str]) -> Sequence[str]:
    return [frame async for frame in frames]


async def test_a_job_is_followed_to_its_end(here: Process) -> None:
    job = await here.download()
    other = await here.download("spark2")
    frames = follow(here.jobs, job.id, None)
    first = await anext(frames)
    assert shape(first)["state"] == "running"
    job = await here.jobs.enter(job, "copying")
    await here.jobs.enter(other, "copying")
    second = await anext(frames)
    assert shape(second)["phase"] == "copying"
    await here.jobs.finish(job)
    (last,) = await rest(frames)
    assert shape(last)["state"] == "done"
    steps = shape(last)["steps"]
    assert isinstance(steps, list)
    assert (steps[0]["step"], steps[0]["state"]) == ("copying", "done")
    # Who comes back behind the second frame gets what it missed and the end.
    assert [shape(frame)["state"] for frame in await rest(follow(here.jobs, job.id, id_of(second)))
            ] == ["done"]  # fmt: skip


async def test_who_missed_nothing_waits_and_is_told_that_the_line_lives(here: Process) -> None:
    job = await here.download()
    frames = follow(here.jobs, job.id, here.bus.last_id)
    beat, tasks = [""], Tasks("test")

    async def read() -> None:
        beat[0] = await anext(frames)

    _ = tasks.spawn(read(), name="read")
    await until(lambda: here.clock.waiting == 1)
    here.clock.advance(15)
    await until(lambda: beat[0].startswith(":"))
    await tasks.close()
    assert datetime(2026, 1, 1, tzinfo=UTC) < here.clock.now()
