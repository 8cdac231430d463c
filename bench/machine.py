"""The machine a measure ran on, and what else it did meanwhile."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.clock import Clock

_PROC = Path("/proc")
_TICKS_S = os.sysconf("SC_CLK_TCK")
NOISY = 10.0
"""Percent of one core that others may use before a run counts as noisy."""


def facts() -> str:
    """Return CPU, cores, memory, kernel and Python in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_cpu()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _cpu() -> str:
    for line in (_PROC / "cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()


@dataclass(frozen=True, slots=True)
class Stat:
    """What `/proc/PID/stat` says: parent, start (ticks after boot), seconds of CPU.

    `children_s` is the time of children that have ended and were waited for.
    """

    parent: int
    start: int
    own_s: float
    children_s: float


def stat(pid: int) -> Stat | None:
    """Return what is known of a process, None when it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The name in parentheses may hold blanks and parentheses of its own.
    cells = text.rpartition(")")[2].split()
    ticks = [int(cell) / _TICKS_S for cell in cells[11:15]]
    return Stat(int(cells[1]), int(cells[19]), ticks[0] + ticks[1], ticks[2] + ticks[3])


def cpu_s(pid: int, *, children: bool = False) -> float:
    """Return the CPU seconds of a process, with `children` also of those it waited for."""
    found = stat(pid)
    if found is None:
        raise ProcessLookupError(pid)
    return found.own_s + (found.children_s if children else 0.0)


def pss_mb(pid: int) -> dict[str, float]:
    """Return the MB of a process: `Pss` (shared pages by share), `Private`, `Rss`."""
    sizes: dict[str, float] = {}
    text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024 / 1e6
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"Pss": sizes["Pss"], "Private": private, "Rss": sizes["Rss"]}


class Neighbours:
    """Watches the CPU time of the processes that are none of ours; `folder` marks the lab's."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._mark = os.fsencode(str(folder))
        self._clock = clock
        self._load = os.getloadavg()[0]
        self._began = clock.monotonic()
        self._before = self._foreign_s()

    def told(self) -> str:
        """Return what the others did since the start."""
        took = max(self._clock.monotonic() - self._began, 0.01)
        share = max(0.0, self._foreign_s() - self._before) / took * 100
        noise = " (NOISY)" if share > NOISY else ""
        load = f"load average {self._load:.2f} before"
        return f"{load}, foreign CPU {share:.0f} % of a core over {took:.0f} s{noise}"

    def _foreign_s(self) -> float:
        """Return the CPU seconds of all others; what one of them waited for counts as its own."""
        found = {int(path.name): stat(int(path.name)) for path in _PROC.glob("[0-9]*")}
        living = {pid: one for pid, one in found.items() if one is not None}
        total = 0.0
        for pid, one in living.items():
            if not self._ours(pid, living):
                # The first process inherits orphans, ours too.
                total += one.own_s + (one.children_s if pid != 1 else 0.0)
        return total

    def _ours(self, pid: int, living: dict[int, Stat]) -> bool:
        at = pid
        while at in living:
            if at == os.getpid():
                return True
            at = living[at].parent
        return self._marked(pid)

    def _marked(self, pid: int) -> bool:
        """Tell whether an engine of the lab that left its parent is meant."""
        try:
            return self._mark in (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            return False
