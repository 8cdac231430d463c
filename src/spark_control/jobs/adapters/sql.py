"""Jobs in SQL, one code for SQLite and PostgreSQL."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from spark_control.core.sql import Sql
from spark_control.jobs.adapters.schema import job_phases, jobs
from spark_control.jobs.domain import NEXT, Job, JobState, PhaseTime

_OPEN = tuple(state.value for state, moves in NEXT.items() if moves)


class SqlJobs:
    """The job store over `sql`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def save(self, job: Job) -> None:
        await self._sql.write(lambda connection: _save(connection, job))

    async def get(self, job_id: str) -> Job | None:
        query = sa.select(jobs).where(jobs.c.id == job_id)
        return next(iter(await self._load(query)), None)

    async def newest(self, *, kind: str | None, limit: int) -> list[Job]:
        query = sa.select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
        return await self._load(query if kind is None else query.where(jobs.c.kind == kind))

    async def unfinished(self) -> list[Job]:
        query = sa.select(jobs).where(jobs.c.state.in_(_OPEN)).order_by(jobs.c.created_at)
        return await self._load(query)

    async def finished(self, *, kind: str, target: str, limit: int) -> list[Job]:
        same = (jobs.c.kind == kind, jobs.c.target == target, jobs.c.state == JobState.DONE.value)
        query = sa.select(jobs).where(*same).order_by(jobs.c.created_at.desc()).limit(limit)
        return await self._load(query)

    async def _load(self, query: sa.Select[tuple[object, ...]]) -> list[Job]:
        def work(connection: sa.Connection) -> list[Job]:
            rows = connection.execute(query).mappings().all()
            return _with_phases(connection, rows)

        return await self._sql.read(work)


def _save(connection: sa.Connection, job: Job) -> None:
    row = {
        "kind": job.kind, "target": job.target, "state": job.state.value, "args": dict(job.args),
        "error": None if job.error is None else dict(job.error), "created_at": job.created_at,
        "started_at": job.started_at, "ended_at": job.ended_at,
    }  # fmt: skip
    found = connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(row))
    if found.rowcount == 0:
        connection.execute(sa.insert(jobs).values(id=job.id, **row))
    connection.execute(sa.delete(job_phases).where(job_phases.c.job_id == job.id))
    if job.phases:
        connection.execute(sa.insert(job_phases), [
            {"job_id": job.id, "place": place, "phase": time.phase,
             "started_at": time.started_at, "ended_at": time.ended_at}
            for place, time in enumerate(job.phases)
        ])  # fmt: skip


def _with_phases(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[Job]:
    ids = [row["id"] for row in rows]
    query = sa.select(job_phases).where(job_phases.c.job_id.in_(ids)).order_by(job_phases.c.place)
    phases = connection.execute(query).mappings().all() if ids else ()
    return [_job(row, (p for p in phases if p["job_id"] == row["id"])) for row in rows]


def _job(row: sa.RowMapping, phases: Iterable[sa.RowMapping]) -> Job:
    times = tuple(
        PhaseTime(p["phase"], _utc(p["started_at"]), _maybe(p["ended_at"])) for p in phases
    )
    return Job(
        id=row["id"], kind=row["kind"], target=row["target"], created_at=_utc(row["created_at"]),
        args=row["args"], state=JobState(row["state"]), phases=times, error=row["error"],
        started_at=_maybe(row["started_at"]), ended_at=_maybe(row["ended_at"]),
    )  # fmt: skip


def _utc(value: datetime) -> datetime:
    """SQLite gives times back without their zone; all of ours are UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _maybe(value: datetime | None) -> datetime | None:
    return None if value is None else _utc(value)
