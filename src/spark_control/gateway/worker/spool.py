"""Uploads on disk: written and read in a thread, so a slow disk holds up nobody else."""

import asyncio
import contextlib
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, TypeVar

from spark_control.core.errors import StorageTrouble
from spark_control.gateway.errors import DiskShort, UploadsFull
from spark_control.gateway.room import Room

PIECE = 256 * 1024
LEFT_FREE = 1_000_000_000
LOOK_BYTES = 64_000_000
"""After so much the free space is looked at again."""
UPLOADS = 4
"""How many of the largest uploads fit."""
AGAIN_S = 10
FULL_AGAIN_S = 60

T = TypeVar("T")


def opened(folder: str | None) -> IO[bytes]:
    """Return a file without a name, so it is gone with the process, whatever happens."""
    return tempfile.TemporaryFile(dir=folder)


@dataclass(kw_only=True, slots=True)
class Shelf:
    """Where a worker keeps uploads that may have to be sent again, and how much of them."""

    folder: str | None = None
    """The system's own for such files when None."""
    left_free: int = LEFT_FREE
    opens: Callable[[str | None], IO[bytes]] = opened
    room: Room = field(init=False, default_factory=lambda: Room(UPLOADS * 512_000_000))

    def spool(self, length: int) -> "Spool":
        """Return room for one more, of which `length` is known. Raises UploadsFull."""
        if not self.room.fits(length):
            raise _full()
        return Spool(self)


class Spool:
    """One upload. Its owner asks for one thing at a time."""

    __slots__ = ("_closed", "_file", "_lock", "_look_at", "_shelf", "_size")

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        """Against a thread whose caller was cancelled, while the file is closed."""
        self._size = self._look_at = 0
        self._closed = False

    async def write(self, data: bytes) -> None:
        """Keep more of it. Raises UploadsFull, DiskShort, StorageTrouble."""
        room = self._shelf.room
        if not room.fits(len(data)):
            raise _full()
        room.take(len(data))
        self._size += len(data)
        await _in_thread(lambda: self._write(data))

    async def read(self, at: int) -> bytes:
        """Return the piece that begins at `at`. Raises StorageTrouble."""
        return await _in_thread(lambda: self._read(at))

    def close(self) -> None:
        """Keep nothing of it any more; a thread does that, for to free much takes its time."""
        if not self._closed:
            self._closed = True
            room, size = self._shelf.room, self._size
            done = asyncio.get_running_loop().run_in_executor(None, self._close)
            done.add_done_callback(lambda _: room.give(size))

    def _close(self) -> None:
        with self._lock, contextlib.suppress(OSError):  # what was not written is not wanted
            if self._file is not None:
                self._file.close()

    def _write(self, data: bytes) -> None:
        with self._lock:
            if not self._closed:
                self._append(data)

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._shelf.opens(self._shelf.folder)
        if self._size > self._look_at:
            self._look_at = self._size + LOOK_BYTES
            there = os.fstatvfs(self._file.fileno())
            if there.f_bavail * there.f_frsize - len(data) < self._shelf.left_free:
                raise DiskShort("The disk has no room for uploads.", retry_after_s=FULL_AGAIN_S)
        self._file.write(data)

    def _read(self, at: int) -> bytes:
        with self._lock:
            if self._file is None or self._closed:
                return b""
            self._file.seek(at)
            return self._file.read(PIECE)


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise StorageTrouble(f"The upload cannot be kept: {error.strerror}.") from error


def _full() -> UploadsFull:
    return UploadsFull("Too many uploads are on their way.", retry_after_s=AGAIN_S)
