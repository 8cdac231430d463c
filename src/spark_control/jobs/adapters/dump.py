"""The database for a backup: a consistent copy of the SQLite file, or the rows of our tables."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from spark_control.core.sql import DatabaseTrouble, database_errors, utc
from spark_control.jobs.adapters.schema import metadata
from spark_control.settings.errors import BackupInvalid

ROWS_AT_ONCE = 1000
"""A table may hold more than fits into memory."""


@contextmanager
def _trouble() -> Iterator[None]:
    """Turn the errors of SQLite's own library into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseTrouble(
            "The database could not be copied.", detail={"reason": str(error)[:200]}
        ) from error


def keep_database(engine: sa.Engine, file: Path, rows: Path) -> None:
    """Write a SQLite database to `file`, any other to `rows`. Raises DatabaseTrouble."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        with _trouble():
            copy_sqlite(Path(engine.url.database), file)
        return
    with database_errors():
        dump_rows(engine, rows)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that may be in use, with what is still in its log. Raises sqlite3.Error."""
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=5)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")


def check_sqlite(path: Path) -> None:
    """Raise BackupInvalid when the file is damaged."""
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise BackupInvalid("Its database is damaged.", detail={"reason": str(said)[:200]})


def dump_rows(engine: sa.Engine, target: Path) -> None:
    """Write each row of our tables as one line of JSON, all of one moment."""
    isolated = engine.execution_options(isolation_level="SERIALIZABLE")
    with isolated.connect() as connection, target.open("w", encoding="utf-8") as file:
        for table in metadata.sorted_tables:
            rows = connection.execute(sa.select(table).execution_options(yield_per=ROWS_AT_ONCE))
            for row in rows.mappings():
                values = {name: _plain(value) for name, value in row.items()}
                file.write(json.dumps({"table": table.name, "row": values}) + "\n")


def load_rows(engine: sa.Engine, source: Path) -> None:
    """Put the rows in the place of those that are there; all of them or none.

    They have passed `check_rows`.
    """
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        for table, values in _rows(source):
            connection.execute(sa.insert(table).values(values))


def check_rows(source: Path) -> None:
    """Raise BackupInvalid when a row is of no table of this version."""
    try:
        for _ in _rows(source):
            pass
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupInvalid("Its rows do not fit the tables of this version.") from error


def has_rows(engine: sa.Engine) -> bool:
    """Tell whether any of our tables holds anything."""
    with engine.connect() as connection:
        there = sa.inspect(connection).get_table_names()
        return any(
            connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
            for table in metadata.sorted_tables
            if table.name in there
        )


def _rows(source: Path) -> Iterator[tuple[sa.Table, dict[str, object]]]:
    with source.open(encoding="utf-8") as file:
        for line in file:
            said = json.loads(line)
            table = metadata.tables[said["table"]]
            yield table, {key: _value(table.c[key], at) for key, at in said["row"].items()}


def _plain(value: object) -> object:
    return utc(value).isoformat() if isinstance(value, datetime) else value


def _value(column: sa.Column[object], value: object) -> object:
    if isinstance(column.type, sa.DateTime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
