"""A copy of the SQLite file before its tables are changed, in case the update disappoints."""

import os
from pathlib import Path

import sqlalchemy as sa

from spark_control.core.sql import DatabaseTrouble


def keep_copy(engine: sa.Engine, version: str) -> Path | None:
    """Copy the database to `FILE.before-VERSION`; one of an earlier try is replaced.

    None when it is no SQLite file. Raises DatabaseTrouble; nothing has been changed then.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    target = Path(f"{engine.url.database}.before-{version}")
    fresh = target.with_name(f"{target.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        # SQLite's own copy: it holds what is still in the write-ahead log.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(fresh),))
        _settle(fresh)
        fresh.replace(target)
    except OSError as error:
        raise DatabaseTrouble(f"The database could not be copied to {target}.") from error
    return target


def _settle(path: Path) -> None:
    """See that the copy is on the disk, and is nobody else's to read."""
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
