"""The data directory: where each file lives, and the lock that keeps a second instance out."""

import fcntl
import logging
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.files import write_private
from spark_control.settings.errors import DataDirTaken, DataDirTrouble, RestoreCut

log = logging.getLogger(__name__)

UNFINISHED = "restore-unfinished"
"""Lies in the folder while a backup is put into it."""


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder of all files of one instance."""

    root: Path

    def file(self, name: str, given: str = "") -> Path:
        """Return where `name` lives: `given` when set, else inside the folder."""
        return Path(given).expanduser() if given else self.root / name

    @property
    def database(self) -> Path:
        return self.root / "spark-control.db"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Return the folder of what only lives while we run: sockets, notes of workers."""
        return self.root / "run"

    def instance(self, make: Callable[[], str]) -> str:
        """Return the name of this folder, which it keeps for good. Raises DataDirTrouble."""
        path = self.root / "instance-id"
        try:
            if path.exists() and (kept := path.read_text(encoding="ascii").strip()):
                return kept[:64]
            name = make()
            write_private(path, f"{name}\n".encode())
        except (OSError, ValueError) as error:
            raise DataDirTrouble(f"{path} cannot be read or written.") from error
        return name


def prepare(root: Path) -> DataDir:
    """Make the folder, for its owner only, and try to write there.

    Raises DataDirTrouble, and RestoreCut for a folder that is half of a backup.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = root / ".write-test"
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
        (root / "logs").mkdir(exist_ok=True, mode=0o700)
        (root / "run").mkdir(exist_ok=True, mode=0o700)
        _close(root)
    except OSError as error:
        raise DataDirTrouble(
            f"{root} cannot be written.", detail={"reason": error.strerror or str(error)}
        ) from error
    if (root / UNFINISHED).exists():
        raise RestoreCut(f"{root} holds only a part of a backup.")
    return DataDir(root)


def _close(root: Path) -> None:
    """Take the rights of others on a folder of ours; a shared one (`/tmp`) stays as it is."""
    found = root.stat()
    if not found.st_mode & 0o077:
        return
    if found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        try:
            root.chmod(0o700)
        except OSError as error:
            log.debug("%s: %s", root, error)
        else:
            return
    log.warning("others may look into the data directory %s", root)


class InstanceLock:
    """A lock on the folder that the kernel lets go when the process ends, however it ends."""

    def __init__(self, root: Path) -> None:
        self._path = root / "instance.lock"
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirTrouble(f"{self._path} cannot be opened.") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._handle, 32, 0).decode(errors="replace").strip()
            os.close(self._handle)
            raise DataDirTaken(
                f"Another Spark Control (process {holder or 'unknown'}) uses {root}."
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the folder go."""
        os.close(self._handle)
