"""A backup as one file: a gzipped tar whose first member is the manifest."""

import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from spark_control.settings import manifest
from spark_control.settings.errors import BackupFailed, BackupInvalid
from spark_control.settings.manifest import Entry, Manifest

CHUNK = 1 << 20
MANIFEST_LIMIT = 1 << 20
SPARE = 64 << 20
"""Bytes that must be left on the disk after a restore."""


def pack(folder: Path, made: Manifest, target: IO[bytes]) -> None:
    """Write the files of `folder` that the manifest names. Raises OSError."""
    with (
        gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        said = json.dumps(made.as_dict(), indent=1).encode()
        tar.addfile(_member(manifest.NAME, len(said)), BytesIO(said))
        for entry in made.files:
            with (folder / entry.name).open("rb") as file:
                tar.addfile(_member(entry.name, entry.size), file)


def _member(name: str, size: int) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.mode = size, 0o600
    return found


def entries(folder: Path) -> tuple[Entry, ...]:
    """Return what lies in `folder`, with digests."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(
        Entry(str(path.relative_to(folder)), path.stat().st_size, _digest(path)) for path in files
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a backup to be read from front to back once. Raises BackupInvalid."""
    try:
        # Not `r|gz`: that ends quietly, or breaks, where a file was cut.
        with gzip.open(path) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BackupInvalid(f"{path} is damaged or no backup.") from error


def manifest_of(tar: tarfile.TarFile) -> Manifest:
    """Return the manifest, the first member. Raises BackupInvalid."""
    first = tar.next()
    if first is None or first.name != manifest.NAME or not first.isreg():
        raise BackupInvalid("It does not begin with a list of what it holds.")
    if first.size > MANIFEST_LIMIT:
        raise BackupInvalid("Its list of files is too long.")
    file = tar.extractfile(first)
    try:
        return manifest.read(json.loads(file.read() if file else b""))
    except (ValueError, RecursionError) as error:
        raise BackupInvalid("Its list of files cannot be read.") from error


def unpack(tar: tarfile.TarFile, made: Manifest, folder: Path) -> None:
    """Write every file of the manifest into `folder`, each checked. Raises BackupInvalid, OSError.

    Names come from the manifest, which admits no path out of `folder`; links are never made.
    """
    free = os.statvfs(folder)
    if sum(entry.size for entry in made.files) + SPARE > free.f_bavail * free.f_frsize:
        raise BackupFailed("There is not enough space for what the backup holds.")
    left = {entry.name for entry in made.files}
    while (member := tar.next()) is not None:
        entry = made.entry(member.name)
        source = tar.extractfile(member) if member.isreg() else None
        if source is None or member.size != entry.size or entry.name not in left:
            raise BackupInvalid(f"{entry.name} is not as its list says.")
        left.discard(entry.name)
        _write(source, folder / entry.name, entry)
    if left:
        raise BackupInvalid(f"{min(left)} is missing.")


def _write(source: IO[bytes], target: Path, entry: Entry) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        while piece := source.read(CHUNK):
            seen.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if seen.hexdigest() != entry.sha256:
        raise BackupInvalid(f"{entry.name} is damaged.")


@contextmanager
def work_folder(root: Path, prefix: str) -> Iterator[Path]:
    """Give an empty folder inside `root` that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=root, prefix=prefix) as name:
        yield Path(name)
