"""The swap lock in SQL, one code for SQLite and PostgreSQL; the database tells the time."""

import secrets
from collections.abc import Callable

import sqlalchemy as sa

from spark_control.core.sql import Sql, begin, time_of, utc
from spark_control.jobs.adapters.schema import swap_lock
from spark_control.swap.domain import Fence
from spark_control.swap.lock import Hold, Lock
from spark_control.swap.ports import Change, Reading

ONLY = 1
"""The id of the one row; it is made by the first look at the lock."""


class SqlLock:
    """The lock store over `sql`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def change(self, change: Change) -> Reading:
        return await self._sql.write(lambda connection: _change(connection, change))

    async def look(self) -> Reading | None:
        return await self._sql.read(_look)

    def within(self, change: Change) -> Callable[[sa.Connection], None]:
        def work(connection: sa.Connection) -> None:
            _change(connection, change)

        return work


_ROW = sa.select(swap_lock).where(swap_lock.c.id == ONLY)


def _look(connection: sa.Connection) -> Reading | None:
    row = connection.execute(_ROW).mappings().one_or_none()
    return None if row is None else Reading(_lock(row), time_of(connection))


def _change(connection: sa.Connection, change: Change) -> Reading:
    # Two processes must not both see the lock free: SQLite locks the file, PostgreSQL the row.
    begin(connection)
    query = _ROW.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    before = _lock(row) if row is not None else Lock(Fence(secrets.token_hex(4), 0))
    now = time_of(connection)
    after = change(before, now)
    if row is None:
        connection.execute(sa.insert(swap_lock).values(id=ONLY, **_values(after)))
    elif after != before:
        connection.execute(sa.update(swap_lock).values(_values(after)))
    return Reading(after, now)


def _values(lock: Lock) -> dict[str, object]:
    hold = lock.hold
    return {
        "realm": lock.fence.realm, "fence": lock.fence.number,
        "holder": hold and hold.holder, "reason": hold and hold.reason,
        "digest": hold and hold.digest, "ttl_s": hold and hold.ttl_s,
        "since": hold and hold.since, "until": hold and hold.until,
    }  # fmt: skip


def _lock(row: sa.RowMapping) -> Lock:
    fence = Fence(row["realm"], row["fence"])
    if row["holder"] is None:
        return Lock(fence)
    hold = Hold(
        holder=row["holder"], reason=row["reason"], digest=row["digest"], ttl_s=row["ttl_s"],
        since=utc(row["since"]), until=utc(row["until"]),
    )  # fmt: skip
    return Lock(fence, hold)
