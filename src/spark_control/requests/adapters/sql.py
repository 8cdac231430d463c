"""Records in SQL, one code for SQLite and PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from spark_control.core.sql import Sql
from spark_control.jobs.adapters.schema import request_records as table
from spark_control.requests.bins import bin_of
from spark_control.requests.domain import Filter, Outcome, Place, Record, Slot, millis
from spark_control.requests.series import SPEED_PARTS

SAME = (
    "id", "at_ms", "path", "asked", "model", "target", "client", "status", "error", "streamed",
    "queue_ms", "ttft_ms", "duration_ms", "tokens_in", "tokens_out", "estimated", "bytes_in",
    "bytes_out",
)  # fmt: skip
"""The columns that are fields of a record as they are."""
COLUMNS = (*SAME, "failed", "ttft_bin", "speed_bin")
_same = attrgetter(*SAME)
Numbers = dict[object, dict[int, int]]


class SqlRequests:
    """The store of records over `sql`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add(self, records: Sequence[Record]) -> None:
        rows = [_row(record) for record in records]
        if rows:
            await self._sql.write(lambda connection: _insert(connection, rows))

    async def page(self, wanted: Filter, *, after: Place | None, limit: int) -> list[Record]:
        query = sa.select(table).where(*_where(wanted))
        if after is not None:
            here = sa.tuple_(table.c.at_ms, table.c.id)
            query = query.where(here < sa.tuple_(sa.literal(after.at_ms), sa.literal(after.id)))
        query = query.order_by(table.c.at_ms.desc(), table.c.id.desc()).limit(limit)
        return await self._sql.read(
            lambda connection: [_record(row) for row in connection.execute(query).mappings()]
        )

    async def slots(self, wanted: Filter, *, start: datetime, step_s: int) -> list[Slot]:
        where = (*_where(wanted), table.c.at_ms >= millis(start))
        number = ((table.c.at_ms - millis(start)) // (step_s * 1000)).label("number")
        return await self._sql.read(
            lambda connection: [
                replace(slot, number=int(n)) for n, slot in _added(connection, number, where)
            ]
        )

    async def models(self, wanted: Filter, *, start: datetime) -> dict[str | None, Slot]:
        where = (*_where(wanted), table.c.at_ms >= millis(start))
        return await self._sql.read(
            lambda connection: dict(_added(connection, table.c.model, where))
        )

    async def prune(self, *, before: datetime, rows: int, most: int) -> int:
        def work(connection: sa.Connection) -> int:
            newest = sa.select(table.c.at_ms).order_by(table.c.at_ms.desc())
            edge = connection.execute(newest.offset(rows).limit(1)).scalar_one_or_none()
            last = max(millis(before) - 1, -1 if edge is None else edge)
            old = sa.select(table.c.id).where(table.c.at_ms <= last)
            chosen = old.order_by(table.c.at_ms).limit(most)
            return connection.execute(sa.delete(table).where(table.c.id.in_(chosen))).rowcount

        return await self._sql.write(work)


def _where(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.model is not None:
        found.append(sa.or_(table.c.model == wanted.model, table.c.asked == wanted.model))
    if wanted.client is not None:
        found.append(table.c.client == wanted.client)
    if wanted.outcome is not None:
        found.append(table.c.failed.is_(wanted.outcome is Outcome.ERROR))
    if wanted.statuses is not None:
        found.append(table.c.status.between(*wanted.statuses))
    if wanted.since is not None:
        found.append(table.c.at_ms >= millis(wanted.since))
    if wanted.until is not None:
        found.append(table.c.at_ms < millis(wanted.until))
    return found


def _added(
    connection: sa.Connection, key: sa.ColumnElement[Any],
    where: Sequence[sa.ColumnElement[bool]],
) -> Iterator[tuple[Any, Slot]]:  # fmt: skip
    """Give what the records add up to for each value of `key`, in its order."""
    c, add = table.c, sa.func.sum
    sums = sa.select(
        key, sa.func.count(), add(sa.case((c.failed, 1), else_=0)),
        sa.func.coalesce(add(c.tokens_in), 0), sa.func.coalesce(add(c.tokens_out), 0),
    ).where(*where).group_by(key).order_by(key)  # fmt: skip
    ttft, speed = (
        _binned(connection, sa.select(key, column, sa.func.count()).where(*where, column >= 0)
                .group_by(key, column))
        for column in (c.ttft_bin, c.speed_bin)
    )  # fmt: skip
    for n, all_of, bad, into, out in connection.execute(sums):
        counts = (int(all_of), int(bad), int(into), int(out))
        yield n, Slot(0, *counts, ttft.get(n, {}), speed.get(n, {}))


def _binned(connection: sa.Connection, query: sa.Select[Any, int, int]) -> Numbers:
    found: Numbers = defaultdict(dict)
    for key, place, count in connection.execute(query):
        found[key][int(place)] = int(count)
    return found


def _row(record: Record) -> tuple[object, ...]:
    """Return the values in the order of `COLUMNS`."""
    speed = record.tokens_per_s
    return (
        *_same(record), record.failed, bin_of(record.ttft_ms),
        bin_of(None if speed is None else speed * SPEED_PARTS),
    )  # fmt: skip


def _insert(connection: sa.Connection, rows: list[tuple[object, ...]]) -> None:
    """Add rows; those that are there already stay as they are.

    Where the driver takes values by place they go to it as they are: looking at each value on the
    way, as the library does, takes as long as all the rest.
    """
    made = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = made.insert(table).on_conflict_do_nothing()
    written = adding.compile(dialect=connection.dialect, column_keys=COLUMNS)
    if written.positiontup is None:
        connection.execute(adding, [dict(zip(COLUMNS, row, strict=True)) for row in rows])
        return
    places = itemgetter(*(COLUMNS.index(name) for name in written.positiontup))
    connection.exec_driver_sql(str(written), [places(row) for row in rows])


def _record(row: sa.RowMapping) -> Record:
    return Record(**{name: row[name] for name in SAME})
