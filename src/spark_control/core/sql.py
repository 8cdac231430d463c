"""The database behind async calls: one writer thread, a small pool for reads.

SQLite takes one writer at a time; giving it exactly one thread makes every transaction short and
removes "database is locked" from the inside. The event loop never waits on a disk.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from spark_control.core.errors import StorageTrouble

T = TypeVar("T")


class DatabaseTrouble(StorageTrouble):
    """The database could not be read or written."""

    code = "database_trouble"
    hint = "Check the free space and the rights of the data directory; a backup can be restored."


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn the errors of the database library into ours."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseTrouble(
            "The database could not be used.", detail={"reason": str(error.orig)[:200]}
        ) from error


def _pragmas(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection has no type
    for line in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {line}")
    cursor.close()


def utc(value: datetime) -> datetime:
    """SQLite gives times back without their zone; all of ours are UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def maybe_utc(value: datetime | None) -> datetime | None:
    """Return a time that may be missing as UTC."""
    return None if value is None else utc(value)


def begin(connection: sa.Connection) -> None:
    """Keep other writers out from the first read on: SQLite itself would wait for a write."""
    if connection.dialect.name == "sqlite":
        raw = connection.connection.dbapi_connection
        if raw is not None and not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def time_of(connection: sa.Connection) -> datetime:
    """Return what time it is in the database; whole seconds on SQLite."""
    return utc(connection.execute(sa.select(sa.func.current_timestamp())).scalar_one())


def make_engine(url: str) -> sa.Engine:
    """Return an engine for `url`; SQLite gets WAL and full durability."""
    engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _pragmas)
    return engine


def open_engine(url: str) -> sa.Engine:
    """Return an engine for a `DATABASE_URL` somebody wrote. Raises DatabaseTrouble."""
    # The URL may hold a password: nothing of it, nor the library's words on it, is repeated.
    try:
        return make_engine(url)
    except sa.exc.NoSuchModuleError as error:
        why = "names a kind of database that is not known"
        raise _bad_url(why) from error
    except ImportError as error:
        raise _bad_url(f"needs the Python package {error.name!r}, which is missing") from error
    except (sa.exc.ArgumentError, ValueError, TypeError) as error:
        raise _bad_url("is not an address of a database") from error


def _bad_url(why: str) -> DatabaseTrouble:
    hint = "Correct `DATABASE_URL`, such as `sqlite:////folder/file.db`, or leave it blank."
    return DatabaseTrouble(f"DATABASE_URL {why}.", hint=hint)


class Sql:
    """Runs functions of a connection: `write` in one transaction each, `read` beside it."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sql-write")
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sql-read")

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in a transaction of its own, after all writes before it."""
        return await self._on(self._writer, lambda: self._in_transaction(work))

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` on a snapshot; it must not write."""
        return await self._on(self._readers, lambda: self._in_transaction(work))

    def _in_transaction(self, work: Callable[[sa.Connection], T]) -> T:
        with database_errors(), self.engine.begin() as connection:
            return work(connection)

    async def _on(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def close(self) -> None:
        """Finish what is queued and let the files go."""
        self._writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()
