"""Ends one process of the machine it runs on: asks it, waits, and kills it; no other one.

Sent over standard input to `python3 -I -S -` with one word, JSON: `{"pid": 1, "ticks": 2, "boot":
"...", "grace": 10}`. The number of a process is given to another one later, so its start is
compared while it is held by a descriptor. Prints `{"ended": ..., "how": ...}`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys

KILLED_S = 5.0


def text(path: str) -> str:
    """Return what a small file holds; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""


def same(wish: dict[str, object]) -> bool:
    """Tell whether the process is the one that is meant."""
    fields = text(f"/proc/{wish['pid']}/stat").rpartition(")")[2].split()
    ticks = int(fields[19]) if len(fields) > 19 and fields[0] != "Z" else None
    boot = text("/proc/sys/kernel/random/boot_id").strip()
    return ticks == wish["ticks"] and boot == wish["boot"]


def gone(handle: int, limit_s: float) -> bool:
    """Tell whether the process has ended within the time."""
    watch = select.poll()
    watch.register(handle, select.POLLIN)
    return bool(watch.poll(limit_s * 1000))


def end(wish: dict[str, object]) -> dict[str, object]:
    """End the process that is meant; one that is gone already has ended."""
    try:
        handle = os.pidfd_open(int(str(wish["pid"])))
    except OSError:
        return {"ended": True, "how": "gone"}
    if not same(wish):
        return {"ended": True, "how": "gone"}
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if gone(handle, float(str(wish["grace"]))):
            return {"ended": True, "how": "asked"}
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except PermissionError:
        return {"ended": False, "how": "refused"}
    except ProcessLookupError:
        return {"ended": True, "how": "asked"}
    return {"ended": gone(handle, KILLED_S), "how": "killed"}


if __name__ == "__main__":
    print(json.dumps(end(json.loads(sys.argv[1]))))
