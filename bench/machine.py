"""The machine a measure ran on, and what else it did meanwhile."""

import ctypes
import os
import platform
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from spark_control.core.clock import Clock

_PROC = Path("/proc")
_TICKS_S = os.sysconf("SC_CLK_TCK")
_SET_CHILD_SUBREAPER = 36
_SAMPLE_S = 2.0
NOISY = 10.0
NOISY_DURING = 30.0
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
    """What `/proc/PID/stat` says: start (ticks after boot), seconds of CPU.

    `children_s` is the time of children that have ended and were waited for.
    """

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
    if cells[0] == "Z":
        return None
    ticks = [int(cell) / _TICKS_S for cell in cells[11:15]]
    return Stat(int(cells[19]), ticks[0] + ticks[1], ticks[2] + ticks[3])


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
    """Watches how much of the machine was busy with what is none of ours.

    Before and after it is seen exactly. Meanwhile it is what our processes did not use; where
    many short ones run, the kernel's coarse count leaves some of theirs in it.
    """

    def __init__(self, clock: Clock) -> None:
        # What our children leave behind comes to us and not to the first process, so that all
        # its time is counted as ours.
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._clock = clock
        self._share = _quiet_share(clock)
        self._began = clock.monotonic()
        self._before = _busy_s() - _own_s()

    def told(self) -> str:
        """Return what the others did since the start; call it when no child of ours is left."""
        _reap()
        took = max(self._clock.monotonic() - self._began, 0.01)
        during = max(0.0, _busy_s() - _own_s() - self._before) / took * 100
        after = _quiet_share(self._clock)
        noise = " (NOISY)" if max(self._share, after) > NOISY or during > NOISY_DURING else ""
        return (
            f"foreign CPU {self._share:.0f} % of a core before, about {during:.0f} % during "
            f"{took:.0f} s, {after:.0f} % after{noise}"
        )


def _quiet_share(clock: Clock) -> float:
    """Return the percent of one core that is used while we do nothing."""
    began, before = clock.monotonic(), _busy_s()
    Event().wait(_SAMPLE_S)
    return (_busy_s() - before) / (clock.monotonic() - began) * 100


def _busy_s() -> float:
    """Return the CPU seconds of the whole machine, what its host took from it included."""
    first = (_PROC / "stat").read_text(encoding="utf-8").partition("\n")[0]
    user, nice, system, _idle, _wait, *rest = (int(cell) for cell in first.split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS_S


def _own_s() -> float:
    """Return the CPU seconds of this process and of all children that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _reap() -> None:
    """Wait for what others left to us."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
