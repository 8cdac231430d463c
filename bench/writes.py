"""Writes per second: the swap lock, and jobs with a lease, on SQLite and on PostgreSQL."""

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from bench.table import Outcome, Row, single, spread
from bench.wish import Wish, on_a_loop
from spark_control.core.secret import Secret
from spark_control.core.sql import Sql, make_engine
from spark_control.jobs.adapters.schema import ensure
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.exclusion import SWAP, wants
from spark_control.swap.adapters.sql_lock import SqlLock
from spark_control.swap.lock import LockWish, acquire, release
from tests.contract.databases import MISSING, postgres, postgres_server

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MINE = Secret("bench")
NOTES = (
    "One after the other, as the one writer thread does it; each is one durable transaction. A "
    "job is made with its leases, started, enters a phase and ends: four transactions.",
    "SQLite: WAL with full sync, on the disk of the temporary folder. PostgreSQL: the machine's "
    "own over a socket, as the tests start it, without sync to the disk.",
)


def measure(wish: Wish) -> Outcome:
    """Write with both, PostgreSQL where it is there."""
    count = wish.times(2000, 100)
    rows: list[Row] = []
    for name, url in _databases(wish):
        sql = Sql(make_engine(url))
        ensure(sql.engine)
        try:
            rows += on_a_loop(_written(name, sql, count))
        finally:
            sql.close()
    missing = ("PostgreSQL is not on this machine and was left out.",) if MISSING else ()
    return Outcome(tuple(rows), (*NOTES, *missing))


def _databases(wish: Wish) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{wish.folder / 'x.db'}"
    if not MISSING:
        with postgres_server() as server, postgres(server, "bench") as database:
            yield "PostgreSQL", database.url


async def _written(name: str, sql: Sql, count: int) -> list[Row]:
    lock, jobs = SqlLock(sql), SqlJobs(sql)
    acts: dict[str, Callable[[int], Awaitable[None]]] = {
        "lock taken and given back": partial(_locked, lock),
        "job with leases": partial(_job, jobs),
    }
    rows: list[Row] = []
    for what, act in acts.items():
        await act(-1)
        took, began = [], time.perf_counter()
        for n in range(count):
            start = time.perf_counter()
            await act(n)
            took.append((time.perf_counter() - start) * 1000)
        rate = count / (time.perf_counter() - began)
        rows += [spread(f"{name}: {what}", "ms", took), single(f"{name}: {what}", "/s", rate)]
    return rows


async def _locked(lock: SqlLock, n: int) -> None:
    held = LockWish(f"bench {n}", None, 60)
    await lock.change(lambda now, at: acquire(now, held, MINE, at))
    await lock.change(lambda now, at: release(now, MINE, at))


async def _job(jobs: SqlJobs, n: int) -> None:
    job = Job(f"sw_{n}", SWAP, "qwen36", T0)
    await jobs.create(job, wants(SWAP, ["spark1", "spark2"]), None)
    job = job.advance(JobState.RUNNING, at=T0)
    await jobs.save(job)
    job = job.enter("loading", at=T0)
    await jobs.save(job)
    await jobs.save(job.advance(JobState.DONE, at=T0))
