"""When an engine of the lab began, was ready, was told to end, and was gone."""

import asyncio
import os
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.machine import stat
from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address

_PID = re.compile(r"\(APIServer pid=(\d+)\)")
_READY = re.compile(r"^(\S+) .*Application startup complete", re.MULTILINE)
_LOOK_S = 0.005
_LISTENS = "0A"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An engine that is ready: its process, and the seconds it took from birth to that."""

    pid: int
    load_s: float


def loaded(spark: Path) -> Loaded:
    """Read from the log of the one container of a lab's Spark which engine became ready when."""
    log = "".join(path.read_text(encoding="utf-8") for path in spark.glob("containers/*/log"))
    pid, ready = _PID.search(log), _READY.search(log)
    found = stat(int(pid[1])) if pid else None
    if pid is None or ready is None or found is None:
        raise LookupError("the log names no engine that lives")
    born = time.time_ns() / 1e9 - time.clock_gettime(time.CLOCK_BOOTTIME)
    born += found.start / os.sysconf("SC_CLK_TCK")
    return Loaded(int(pid[1]), datetime.fromisoformat(ready[1]).timestamp() - born)


class Leaving:
    """Waits for an engine to be told to end (its port closes) and to be gone."""

    def __init__(self, address: Address, pid: int, clock: Clock) -> None:
        self._row = _row(address)
        self._pid = pid
        self._clock = clock
        self._tasks = Tasks("leaving")
        self._task = self._tasks.spawn(self._watch(), name=str(pid))
        self._told = 0.0
        self._gone = 0.0

    async def took(self) -> float:
        """Wait until it is gone, and return the seconds from its being told."""
        async with asyncio.timeout(30):
            await self._task
        return self._gone - self._told

    async def _watch(self) -> None:
        while stat(self._pid) is not None:
            if not self._told and not self._listens():
                self._told = time.monotonic()
            await self._clock.sleep(_LOOK_S)
        self._gone = time.monotonic()
        self._told = self._told or self._gone

    def _listens(self) -> bool:
        return self._row in Path("/proc/net/tcp").read_text(encoding="ascii")


def _row(address: Address) -> str:
    """Return how the kernel lists a listening address of IPv4."""
    backwards = "".join(f"{int(part):02X}" for part in reversed(address.host.split(".")))
    return f"{backwards}:{address.port:04X} 00000000:0000 {_LISTENS}"
