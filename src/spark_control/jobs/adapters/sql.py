"""Jobs in SQL, one code for SQLite and PostgreSQL."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from spark_control.core.sql import Sql, begin, maybe_utc, time_of, utc
from spark_control.jobs.adapters.schema import job_phases, jobs, leases
from spark_control.jobs.domain import NEXT, Job, JobState, PhaseTime
from spark_control.jobs.errors import JobLost
from spark_control.jobs.exclusion import Lease, Want, busy, conflict
from spark_control.jobs.ports import Asked, Sign, Together

LIFE_S = 30.0
"""How long a job is surely its owner's after the owner has stored or renewed it."""
_OPEN = tuple(state.value for state, moves in NEXT.items() if moves)
_IS_OPEN = jobs.c.state.in_(_OPEN)


class SqlJobs:
    """The job store over `sql`, for one `owner`: the Spark Control of one data directory."""

    def __init__(self, sql: Sql, owner: str = "alone") -> None:
        self._sql = sql
        self._owner = owner

    async def create(self, job: Job, wants: Sequence[Want], together: Together | None) -> None:
        def work(connection: sa.Connection) -> None:
            begin(connection)
            if wants:
                _see_free(connection, wants)
            if together is not None:
                together(connection)
            _save(connection, job, self._owner)
            if wants:
                _take(connection, job, wants)

        await self._sql.write(work)

    async def save(self, job: Job) -> None:
        def work(connection: sa.Connection) -> None:
            begin(connection)
            _save(connection, job, self._owner)

        await self._sql.write(work)

    async def get(self, job_id: str) -> Job | None:
        query = sa.select(jobs).where(jobs.c.id == job_id)
        return next(iter(await self._load(query)), None)

    async def newest(self, asked: Asked) -> list[Job]:
        query = sa.select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(asked.limit)
        if asked.kind is not None:
            query = query.where(jobs.c.kind == asked.kind)
        if asked.state is not None:
            query = query.where(jobs.c.state == asked.state.value)
        if asked.before is not None:
            query = query.where(_behind(asked.before))
        return await self._load(query)

    async def unfinished(self) -> list[Job]:
        return await self._load(sa.select(jobs).where(_IS_OPEN).order_by(jobs.c.created_at))

    async def finished(self, *, kind: str, target: str, limit: int) -> list[Job]:
        same = (jobs.c.kind == kind, jobs.c.target == target, jobs.c.state == JobState.DONE.value)
        query = sa.select(jobs).where(*same).order_by(jobs.c.created_at.desc()).limit(limit)
        return await self._load(query)

    async def leases(self) -> list[Lease]:
        return await self._sql.read(_held)

    async def own(self) -> list[Job]:
        ours = sa.or_(jobs.c.owner == self._owner, jobs.c.owner.is_(None))
        query = sa.select(jobs).where(_IS_OPEN, ours).order_by(jobs.c.created_at)
        return await self._load(query)

    async def renew(self) -> None:
        def work(connection: sa.Connection) -> None:
            begin(connection)
            mine = sa.update(jobs).where(_IS_OPEN, jobs.c.owner == self._owner)
            connection.execute(mine.values(until=_life(connection)))

        await self._sql.write(work)

    async def lapsed(self) -> list[Sign]:
        def work(connection: sa.Connection) -> list[Sign]:
            over = sa.or_(jobs.c.until.is_(None), jobs.c.until <= time_of(connection))
            query = sa.select(jobs.c.id, jobs.c.owner, jobs.c.until)
            rows = connection.execute(query.where(_IS_OPEN, jobs.c.owner != self._owner, over))
            return [Sign(row.id, row.owner, maybe_utc(row.until)) for row in rows]

        return await self._sql.read(work)

    async def claim(self, signs: Sequence[Sign]) -> list[Job]:
        def work(connection: sa.Connection) -> list[str]:
            begin(connection)
            return [sign.job for sign in signs if _claimed(connection, sign, self._owner)]

        ids = await self._sql.write(work)
        query = sa.select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.created_at)
        return await self._load(query) if ids else []

    async def prune(self, keep: int) -> int:
        def work(connection: sa.Connection) -> int:
            begin(connection)
            kinds = connection.execute(sa.select(jobs.c.kind).distinct()).scalars().all()
            return sum(_prune(connection, kind, keep) for kind in kinds)

        return await self._sql.write(work)

    async def _load(self, query: sa.Select[tuple[object, ...]]) -> list[Job]:
        def work(connection: sa.Connection) -> list[Job]:
            rows = connection.execute(query).mappings().all()
            return _with_phases(connection, rows)

        return await self._sql.read(work)


def _life(connection: sa.Connection) -> datetime:
    return time_of(connection) + timedelta(seconds=LIFE_S)


def _behind(job_id: str) -> sa.ColumnElement[bool]:
    """Return what is true of the jobs after that one in the order of the list."""
    made = sa.select(jobs.c.created_at).where(jobs.c.id == job_id).scalar_subquery()
    same_time = sa.and_(jobs.c.created_at == made, jobs.c.id > job_id)
    return sa.or_(jobs.c.created_at < made, same_time)


def _see_free(connection: sa.Connection, wants: Sequence[Want]) -> None:
    """Look who has what is wanted, with nobody else looking. Raises BusyHost."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE")
    if (against := conflict(wants, _held(connection))) is not None:
        raise busy(against)


def _held(connection: sa.Connection) -> list[Lease]:
    query = sa.select(leases, jobs.c.target).join(jobs, jobs.c.id == leases.c.job_id)
    return [
        Lease(row.host, row.kind, row.job_id, row.target, utc(row.since))
        for row in connection.execute(query)
    ]


def _take(connection: sa.Connection, job: Job, wants: Sequence[Want]) -> None:
    now = time_of(connection)
    connection.execute(sa.insert(leases), [
        {"host": want.host, "kind": want.kind, "job_id": job.id, "since": now} for want in wants
    ])  # fmt: skip


def _save(connection: sa.Connection, job: Job, owner: str) -> None:
    row: dict[str, object] = {
        "kind": job.kind, "target": job.target, "state": job.state.value, "args": dict(job.args),
        "error": None if job.error is None else dict(job.error), "created_at": job.created_at,
        "started_at": job.started_at, "ended_at": job.ended_at, "owner": owner,
        "until": None if job.ended else _life(connection),
    }  # fmt: skip
    ours = sa.or_(jobs.c.owner == owner, jobs.c.owner.is_(None))
    found = connection.execute(sa.update(jobs).where(jobs.c.id == job.id, ours).values(row))
    if found.rowcount == 0:
        _insert(connection, job, row)
    if job.ended:
        connection.execute(sa.delete(leases).where(leases.c.job_id == job.id))
    connection.execute(sa.delete(job_phases).where(job_phases.c.job_id == job.id))
    if job.phases:
        connection.execute(sa.insert(job_phases), [
            {"job_id": job.id, "place": place, "phase": time.phase,
             "started_at": time.started_at, "ended_at": time.ended_at}
            for place, time in enumerate(job.phases)
        ])  # fmt: skip


def _insert(connection: sa.Connection, job: Job, row: dict[str, object]) -> None:
    """Insert a job that is new. Raises JobLost for one that is there and of somebody else."""
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.id == job.id)
    if connection.execute(query).scalar_one():
        raise JobLost(f"Another Spark Control goes on with {job.id}.")
    connection.execute(sa.insert(jobs).values(id=job.id, **row))


def _claimed(connection: sa.Connection, sign: Sign, owner: str) -> bool:
    until = jobs.c.until.is_(None) if sign.until is None else jobs.c.until == sign.until
    same = (jobs.c.id == sign.job, jobs.c.owner == sign.owner, until, _IS_OPEN)
    taken = sa.update(jobs).where(*same).values(owner=owner, until=_life(connection))
    return connection.execute(taken).rowcount == 1


def _prune(connection: sa.Connection, kind: str, keep: int) -> int:
    kept = (
        sa.select(jobs.c.created_at)
        .where(jobs.c.kind == kind)
        .order_by(jobs.c.created_at.desc())
        .offset(keep)
        .limit(1)
    )
    last = connection.execute(kept).scalar_one_or_none()
    if last is None:
        return 0
    old = (jobs.c.kind == kind, jobs.c.created_at <= last, sa.not_(_IS_OPEN))
    return connection.execute(sa.delete(jobs).where(*old)).rowcount


def _with_phases(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[Job]:
    ids = [row["id"] for row in rows]
    query = sa.select(job_phases).where(job_phases.c.job_id.in_(ids)).order_by(job_phases.c.place)
    phases = connection.execute(query).mappings().all() if ids else ()
    return [_job(row, (p for p in phases if p["job_id"] == row["id"])) for row in rows]


def _job(row: sa.RowMapping, phases: Iterable[sa.RowMapping]) -> Job:
    times = tuple(
        PhaseTime(p["phase"], utc(p["started_at"]), maybe_utc(p["ended_at"])) for p in phases
    )
    return Job(
        id=row["id"], kind=row["kind"], target=row["target"], created_at=utc(row["created_at"]),
        args=row["args"], state=JobState(row["state"]), phases=times, error=row["error"],
        started_at=maybe_utc(row["started_at"]), ended_at=maybe_utc(row["ended_at"]),
    )  # fmt: skip
