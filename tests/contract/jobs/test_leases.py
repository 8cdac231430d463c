"""Leases and owners, over real databases: who has a Spark, whose job it is, who takes it up."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from spark_control.core.sql import Sql
from spark_control.jobs.adapters import schema
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import BusyHost, JobLost
from spark_control.jobs.exclusion import DELETE, DOWNLOAD, SWAP, Want, service, wants
from spark_control.jobs.ports import Asked
from tests.contract.databases import Database

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def job(n: int, kind: str = SWAP) -> Job:
    return Job(f"sw_{n}", kind, "qwen36", T0 + timedelta(seconds=n))


def ended(one: Job) -> Job:
    return one.advance(JobState.RUNNING, at=T0).advance(JobState.DONE, at=T0)


@pytest.fixture
def store(sql: Sql) -> SqlJobs:
    return SqlJobs(sql, "here")


@pytest.fixture
def other(database: Database, sql: Sql) -> Iterator[SqlJobs]:
    """Another process on the same database."""
    assert sql is not None
    there = Sql(database.engine())
    yield SqlJobs(there, "there")
    there.close()


async def leases(sql: Sql) -> set[tuple[str, str, str]]:
    query = sa.select(schema.leases.c.host, schema.leases.c.kind, schema.leases.c.job_id)
    return await sql.read(lambda c: {(r.host, r.kind, r.job_id) for r in c.execute(query)})


async def silent(sql: Sql, *, by: float) -> None:
    """Let the last sign of life of every job be `by` seconds past its time."""
    past = datetime.now(UTC) - timedelta(seconds=by)  # noqa: TID251 - the clock of the database
    await sql.write(lambda c: c.execute(sa.update(schema.jobs).values(until=past)).rowcount)


async def test_a_job_has_its_sparks_until_it_ends(store: SqlJobs, sql: Sql) -> None:
    await store.create(job(1), wants(SWAP, ["spark1", "spark2"]), None)
    assert await leases(sql) == {
        ("*", "swap", "sw_1"), ("spark1", "swap", "sw_1"), ("spark2", "swap", "sw_1"),
    }  # fmt: skip
    with pytest.raises(BusyHost, match=r"spark2 is busy: swap of qwen36 \(sw_1\)"):
        await store.create(job(2, DOWNLOAD), wants(DOWNLOAD, ["spark3", "spark2"]), None)
    assert await store.get("sw_2") is None
    await store.create(job(3, DOWNLOAD), wants(DOWNLOAD, ["spark3"]), None)
    restart = service("kokoro-tts")
    await store.create(job(4, "service"), (Want("spark1", restart),), None)
    await store.save(ended(job(1)))
    assert await leases(sql) == {("spark3", "download", "sw_3"), ("spark1", restart, "sw_4")}
    held = await store.leases()
    assert {(one.host, one.kind, one.job, one.target) for one in held} == {
        ("spark3", "download", "sw_3", "qwen36"), ("spark1", restart, "sw_4", "qwen36"),
    }  # fmt: skip
    await store.create(job(5, DELETE), wants(DELETE, ["spark1"]), None)


async def test_what_refuses_in_the_transaction_leaves_nothing(store: SqlJobs, sql: Sql) -> None:
    def refuses(connection: sa.Connection) -> None:
        assert connection.in_transaction()
        raise BusyHost("Not now.")

    with pytest.raises(BusyHost, match="Not now"):
        await store.create(job(1), wants(SWAP, ["spark1"]), refuses)
    assert await leases(sql) == set()
    assert await store.unfinished() == []


async def test_of_many_at_once_one_gets_the_spark(store: SqlJobs, other: SqlJobs) -> None:
    async def ask(n: int) -> bool:
        try:
            await (store, other)[n % 2].create(job(n), wants(SWAP, ["spark1"]), None)
        except BusyHost:
            return False
        return True

    assert sum(await asyncio.gather(*(ask(n) for n in range(10)))) == 1


async def test_the_job_of_another_cannot_be_saved(store: SqlJobs, other: SqlJobs) -> None:
    await store.create(job(1), (), None)
    with pytest.raises(JobLost):
        await other.save(ended(job(1)))
    assert await store.get("sw_1") == job(1)


async def test_a_silent_owner_loses_its_jobs_to_one(
    store: SqlJobs, other: SqlJobs, sql: Sql
) -> None:
    await store.create(job(1), wants(SWAP, ["spark1"]), None)
    await store.save(ended(job(2)))
    assert await other.lapsed() == []
    await silent(sql, by=1)
    assert await store.lapsed() == []  # never our own
    signs = await other.lapsed()
    assert [(sign.job, sign.owner) for sign in signs] == [("sw_1", "here")]
    await store.renew()
    assert await other.claim(signs) == []  # it has given another sign of life
    await silent(sql, by=1)
    signs = await other.lapsed()
    assert await other.claim(signs) == [job(1)]
    assert await other.claim(signs) == []
    with pytest.raises(JobLost):
        await store.save(ended(job(1)))
    assert ("spark1", "swap", "sw_1") in await leases(sql)
    await other.save(ended(job(1)))
    assert await leases(sql) == set()


async def test_own_jobs_and_those_of_nobody(store: SqlJobs, other: SqlJobs, sql: Sql) -> None:
    await store.create(job(1), (), None)
    await other.create(job(2), (), None)
    await store.save(ended(job(3)))
    assert await store.own() == [job(1)]
    nobody = sa.update(schema.jobs).values(owner=None, until=None)
    await sql.write(lambda c: c.execute(nobody.where(schema.jobs.c.id == "sw_2")).rowcount)
    assert await store.own() == [job(1), job(2)]
    await store.save(ended(job(2)))


async def test_pages(store: SqlJobs) -> None:
    for n in (1, 2, 3, 4):
        await store.save(job(n) if n % 2 else ended(job(n)))
    twin = Job("sw_9", SWAP, "qwen36", job(3).created_at)
    await store.save(twin)
    seen: list[str] = []
    before = None
    while page := await store.newest(Asked(limit=2, before=before)):
        seen += [one.id for one in page]
        before = seen[-1]
    assert seen == ["sw_4", "sw_3", "sw_9", "sw_2", "sw_1"]
    done = await store.newest(Asked(state=JobState.DONE))
    assert [one.id for one in done] == ["sw_4", "sw_2"]
    assert await store.newest(Asked(before="sw_none")) == []


async def test_only_the_newest_ended_ones_are_kept(store: SqlJobs) -> None:
    await store.save(job(0))
    for n in range(1, 6):
        await store.save(ended(job(n)))
    await store.save(ended(job(7, DOWNLOAD)))
    assert await store.prune(3) == 2
    assert await store.prune(3) == 0
    kept = [one.id for one in await store.newest(Asked())]
    assert kept == ["sw_7", "sw_5", "sw_4", "sw_3", "sw_0"]
