"""A process on one core: the CPU and memory of all that it starts, and its end."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from spark_control.settings.load import process_environment

GATEWAY_CORE, LOAD_CORE = 0, 1
_PROC = Path("/proc")
_PSS = re.compile(r"^Pss:\s+(\d+)", re.MULTILINE)
_END_S = 30.0
_LOOK_S = 0.02


def family(pid: int) -> list[int]:
    """Return a process and all that came from it."""
    found = [pid]
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += family(int(child))
    return found


def cpu_ns(pids: Iterable[int]) -> int:
    """Return the CPU time of all threads; the kernel counts it to the nanosecond."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for task in (_PROC / str(pid) / "task").iterdir():
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total


def pss_mb(pids: Iterable[int]) -> float:
    """Return the MB that processes hold, shared pages by share."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            found = _PSS.search((_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii"))
            total += int(found[1]) if found else 0
    return total * 1024 / 1e6


def on_core(core: int, words: Sequence[str | Path]) -> list[str]:
    """Return a command line that runs on one core with all its threads."""
    return ["taskset", "-c", str(core), *map(str, words)]


def move(pid: int, cores: Iterable[int]) -> None:
    """Let all threads of a process run on these cores."""
    for task in (_PROC / str(pid) / "task").iterdir():
        with suppress(OSError):
            os.sched_setaffinity(int(task.name), set(cores))


@contextmanager
def running(
    words: Sequence[str | Path], *, core: int, log: Path, more: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program on a core until this is left; its family is gone then."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    kept = {k: v for k, v in process_environment().items() if k.lower() not in proxies}
    with log.open("ab") as output:
        process = subprocess.Popen(
            on_core(core, words), env={**kept, **(more or {})}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, which ends its own; what is left of the family is killed."""
    pids = set(family(process.pid))
    process.terminate()
    until = time.monotonic() + _END_S
    while time.monotonic() < until and any(_lives(pid) for pid in pids):
        pids.update(family(process.pid))
        process.poll()
        Event().wait(_LOOK_S)
    for pid in filter(_lives, pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _lives(pid: int) -> bool:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def busy_s() -> float:
    """Return the CPU seconds of the whole machine, what its host took from it included."""
    first = (_PROC / "stat").read_text(encoding="utf-8").partition("\n")[0]
    user, nice, system, _idle, _wait, *rest = (int(cell) for cell in first.split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
