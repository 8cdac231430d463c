"""Finds and ends the processes of the lab by what their environment says.

A mark in the environment reaches every descendant, also one that left its process group, and
can't be confused with a stranger that got the number of a dead process: the process is held by
a descriptor, looked at, and only then signalled.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def wears(pid: int, mark: str) -> bool:
    """Tell whether a variable in the environment of `pid` begins with `mark`."""
    try:
        env = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    wanted = os.fsencode(mark)
    return env.startswith(wanted) or b"\0" + wanted in env


def marked(mark: str) -> Iterator[int]:
    """Yield the processes that wear `mark`, but not this one."""
    try:
        names = os.listdir(_PROC)
    except OSError:
        return
    for name in names:
        if name.isdecimal() and int(name) != os.getpid() and wears(int(name), mark):
            yield int(name)


def command_line(pid: int) -> str:
    """Return the words of a process, joined by spaces."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return os.fsdecode(b" ".join(words)).strip()


def name(pid: int) -> str:
    """Return the short name of a process."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _signalled(pid: int, mark: str, number: int) -> int | None:
    """Signal `pid` if it wears `mark`; return a descriptor of it if it did."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return None
    if not wears(pid, mark):
        os.close(handle)
        return None
    with contextlib.suppress(OSError):
        signal.pidfd_send_signal(handle, number)
    return handle


def send(pid: int, mark: str, number: int) -> bool:
    """Signal `pid` if it wears `mark`; tell whether it did."""
    handle = _signalled(pid, mark, number)
    if handle is None:
        return False
    os.close(handle)
    return True


def end_all(mark: str, *, limit_s: float = 5.0) -> None:
    """Kill every process that wears `mark` and return when all of them are gone."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        found = [_signalled(pid, mark, signal.SIGKILL) for pid in marked(mark)]
        handles = [handle for handle in found if handle is not None]
        if not handles:
            return
        # Its environment is gone before its files are closed; wait for the end itself, so that
        # its port is free.
        for handle in handles:
            _gone(handle, until - time.monotonic())
            os.close(handle)


def _gone(handle: int, limit_s: float) -> None:
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    watch.poll(max(limit_s, 0) * 1000)
