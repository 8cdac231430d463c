"""Make a backup of a data directory and its database, also while they are in use."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from spark_control import __version__
from spark_control.app.boot import Boot
from spark_control.core.sql import Sql
from spark_control.jobs.adapters.dump import keep_database
from spark_control.jobs.adapters.schema import HEAD
from spark_control.settings import manifest
from spark_control.settings.adapters import archive
from spark_control.settings.errors import BackupFailed
from spark_control.settings.manifest import Manifest

PREFIX = ".backup-"


def make(boot: Boot, sql: Sql, made_at: str) -> IO[bytes]:
    """Return a file without a name that holds the backup: closed, it is gone.

    Raises BackupFailed, DatabaseTrouble.
    """
    try:
        with archive.work_folder(boot.data.root, PREFIX) as folder:
            for source, name in chosen(boot):
                _copy(source, folder / name)
            keep_database(sql.engine, folder / manifest.DATABASE, folder / manifest.ROWS)
            made = Manifest(__version__, HEAD, made_at, archive.entries(folder))
            return _packed(boot.data.root, folder, made)
    except OSError as error:
        raise BackupFailed(f"The backup could not be written: {error.strerror}.") from error


def chosen(boot: Boot) -> Iterator[tuple[Path, str]]:
    """Give the files that are there, and the names they have in the backup."""
    root = boot.data.root
    places = [(boot.path(setting, name), name) for setting, name in manifest.FILES.items()]
    places += [(root / name, name) for name in manifest.OTHERS]
    for folder in manifest.FOLDERS:
        places += [(path, f"{folder}/{path.name}") for path in sorted((root / folder).glob("*"))]
    for path, name in places:
        if path.is_file() and manifest.belongs(name):
            yield path, name


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(source, target)


def _packed(root: Path, folder: Path, made: Manifest) -> IO[bytes]:
    file = tempfile.TemporaryFile(dir=root)  # noqa: SIM115 - who sends it closes it
    try:
        archive.pack(folder, made, file)
    except OSError:
        file.close()
        raise
    return file


def sweep(root: Path) -> None:
    """Remove what a backup or a restore that was killed has left."""
    for path in (*root.glob(f"{PREFIX}*"), *root.glob(".restore-*")):
        shutil.rmtree(path, ignore_errors=True)
