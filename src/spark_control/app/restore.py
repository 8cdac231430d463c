"""`restore`: put a backup into a data directory that nobody uses."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.clock import Clock
from spark_control.core.sql import Sql, database_errors, open_engine
from spark_control.jobs.adapters.dump import (
    check_rows,
    check_sqlite,
    dump_rows,
    has_rows,
    load_rows,
)
from spark_control.jobs.adapters.schema import KNOWN, ensure
from spark_control.settings import manifest
from spark_control.settings.adapters import archive
from spark_control.settings.adapters.data_dir import UNFINISHED, InstanceLock
from spark_control.settings.domain import Settings
from spark_control.settings.errors import BackupFailed, BackupInvalid, DataDirNotEmpty
from spark_control.settings.manifest import Manifest

OURS = ("instance.lock", "instance-id", UNFINISHED)
"""Files that stay where they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is restored, and where to."""

    file: Path
    root: Path
    replace: bool
    started: Settings


def run(wish: Wish, clock: Clock) -> int:
    """Restore, and say what was done. Raises what `restore` raises."""
    os.umask(0o077)
    sys.stdout.write("\n".join(restore(wish, clock)) + "\n")
    return 0


def restore(wish: Wish, clock: Clock) -> list[str]:
    """Put the backup in its place and return what was done.

    Raises BackupInvalid, DataDirNotEmpty, DataDirTaken before anything is changed.
    """
    try:
        wish.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = InstanceLock(wish.root)
        try:
            made, aside = _restore(wish, f"{clock.now():%Y%m%d-%H%M%S}")
        finally:
            lock.release()
    except OSError as error:
        raise BackupFailed(f"{error.filename or wish.file}: {error.strerror}.") from error
    return list(_told(wish, made, aside))


def _restore(wish: Wish, now: str) -> tuple[Manifest, Path | None]:
    old = _old(wish)
    with archive.work_folder(wish.root, ".restore-") as fresh:
        with archive.opened(wish.file) as tar:
            made = archive.manifest_of(tar)
            made.check_schema(KNOWN)
            archive.unpack(tar, made, fresh)
        sql = _database(wish, fresh)
        aside = wish.root / f"before-restore-{now}" if old or _full(wish, sql) else None
        marker = wish.root / UNFINISHED
        marker.write_text("A restore was begun here.\n", encoding="ascii")
        _settle(wish.root)
        if aside is not None:
            _put_aside(old, sql, aside)
        if sql is not None:
            _load(sql, fresh / manifest.ROWS)
        for path in sorted(fresh.iterdir()):
            path.rename(wish.root / path.name)
        _settle(wish.root)
        marker.unlink()
    return made, aside


def _old(wish: Wish) -> list[Path]:
    """Return what is there already. Raises DataDirNotEmpty."""
    there = sorted(wish.root.iterdir())
    old = [path for path in there if path.name not in OURS and not _is_aside(path)]
    if (old or (wish.root / UNFINISHED).exists()) and not wish.replace:
        raise DataDirNotEmpty(f"{wish.root} is not empty.")
    return old


def _is_aside(path: Path) -> bool:
    return path.name.startswith(("before-restore-", ".restore-", ".backup-"))


def _database(wish: Wish, fresh: Path) -> Sql | None:
    """Return where the rows go; None when the database is a file of the backup.

    Raises BackupInvalid when the two do not fit, DatabaseTrouble for a damaged file.
    """
    url = wish.started.text("DATABASE_URL")
    rows = (fresh / manifest.ROWS).exists()
    if rows and (not url or url.startswith("sqlite")):
        hint = "Name the database with `DATABASE_URL`, as it was when the backup was made."
        raise BackupInvalid("It holds the rows of a PostgreSQL database.", hint=hint)
    if not rows and url:
        hint = "Take `DATABASE_URL` out of the environment; the file goes to the data directory."
        raise BackupInvalid("It holds a SQLite database, and DATABASE_URL is set.", hint=hint)
    if rows:
        check_rows(fresh / manifest.ROWS)
        return Sql(open_engine(url))
    check_sqlite(fresh / manifest.DATABASE)
    return None


def _full(wish: Wish, sql: Sql | None) -> bool:
    """Tell whether the database of `DATABASE_URL` holds anything. Raises DataDirNotEmpty."""
    if sql is None:
        return False
    with database_errors():
        full = has_rows(sql.engine)
    if full and not wish.replace:
        raise DataDirNotEmpty("The database that DATABASE_URL names is not empty.")
    return full


def _put_aside(old: list[Path], sql: Sql | None, aside: Path) -> None:
    aside.mkdir(mode=0o700)
    if sql is not None:
        with database_errors():
            ensure(sql.engine)
            dump_rows(sql.engine, aside / manifest.ROWS)
    for path in old:
        path.rename(aside / path.name)


def _load(sql: Sql, rows: Path) -> None:
    with database_errors():
        ensure(sql.engine)
        load_rows(sql.engine, rows)
    rows.unlink()


def _settle(folder: Path) -> None:
    """See that what was renamed in `folder` is on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _told(wish: Wish, made: Manifest, aside: Path | None) -> Iterator[str]:
    yield f"Restored {len(made.files)} files of {made.made_at} into {wish.root}."
    if aside is not None:
        yield f"What was there before lies in {aside}."
    for setting, name in manifest.FILES.items():
        if wish.started.text(setting) and any(entry.name == name for entry in made.files):
            yield f"{setting} names another place: put {wish.root / name} there."
