"""Logs of jobs: one bounded file a job, the oldest go first."""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from spark_control.core.errors import StorageTrouble

MAX_BYTES = 8 * 1024 * 1024
KEEP = 50
BESIDE = "@"
"""Stands between the id of a job and the Spark in the name of a log beside the first one."""


class LogUnreadable(StorageTrouble):
    """The log of a job could not be read or written."""

    code = "log_unreadable"


class LogFile:
    """The log of one job while it runs; past `limit` characters it says so and takes no more."""

    def __init__(self, file: TextIO | None, limit: int) -> None:
        self._file = file
        self._left = limit

    def write(self, line: str) -> None:
        """Add one line. A full disk must not end a swap, so trouble ends the log instead."""
        if self._file is None:
            return
        try:
            self._file.write(
                f"{line}\n" if len(line) < self._left else "(log cut here: too long)\n"
            )
            self._file.flush()
        except OSError:
            self.close()
            return
        self._left -= len(line) + 1
        if self._left <= 0:
            self.close()

    def close(self) -> None:
        """End the log."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # closing writes what is left, and the disk may be full
                file.close()


class LogFiles:
    """The folder of all job logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, job_id: str, spark: str = "") -> Path:
        part = f"{BESIDE}{Path(spark).name}" if spark else ""
        return self._folder / f"{Path(job_id).name}{part}.log"

    def open(self, job_id: str, spark: str = "") -> LogFile:
        """Start the log of a job, or of its part on another `spark`, and drop the oldest logs.

        Never raises: no disk, no log.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not spark:
                self._drop_oldest()
            return LogFile(self._path(job_id, spark).open("w", encoding="utf-8"), MAX_BYTES)
        except OSError:
            return LogFile(None, 0)

    def _drop_oldest(self) -> None:
        """Drop the logs of the oldest jobs, with those of their parts."""
        logs = [path for path in self._folder.glob("*.log") if BESIDE not in path.name]
        logs.sort(key=lambda path: path.stat().st_mtime)
        for path in logs[: max(0, len(logs) - KEEP + 1)]:
            for part in self._folder.glob(f"{path.stem}{BESIDE}*.log"):
                part.unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    async def tail(self, job_id: str, lines: int, spark: str = "") -> list[str]:
        """Return the last `lines` lines of a job's log; empty when it wrote none."""
        return await asyncio.to_thread(self._tail, self._path(job_id, spark), lines)

    def _tail(self, path: Path, lines: int) -> list[str]:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LogUnreadable(f"{path} cannot be read.") from error
