"""Waiting for a condition, with a bound."""

import os
from collections.abc import Callable
from pathlib import Path

from spark_control.core.clock import RealClock


async def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not in time."""
    clock = RealClock()
    end = clock.monotonic() + within_s
    while not condition():
        assert clock.monotonic() < end, f"not within {within_s} s"
        await clock.sleep(0.01)


def running(mark: str) -> list[str]:
    """Return the command lines of live processes that hold `mark`, our own left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                line = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue
            if mark in line:
                found.append(line)
    return found


def children(pid: int) -> list[int]:
    """Return the processes below `pid`, at any depth."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found, row = list[int](), [pid]
    while row:
        row = [child for child, parent in parents.items() if parent in row]
        found.extend(row)
    return found
