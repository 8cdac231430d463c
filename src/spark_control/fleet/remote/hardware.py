"""Reads the hardware of the machine it runs on and prints one JSON object.

Sent over standard input to `python3 -I -S -`; the standard library of Python 3.8 is enough. It
gathers and does not judge: texts go home as they are, what can't be read is null, and a part that
fails is named in `problems` while the others go on.
json and subprocess are not imported: loading the two takes longer than all the reading.
`SPARK_ROOT` is put before /proc, /sys and /etc; it is set where a Spark is only played.
"""

from __future__ import annotations

import _thread
import os
import select
import sys
import time

TYPE_CHECKING = False  # importing typing costs more than the whole script

try:
    from _json import encode_basestring_ascii as quoted
except ImportError:  # another Python than CPython
    from json import dumps as quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    Part = Callable[[str], "list[dict[str, object]]"]

LIMIT_S = 2.0
TOO_SLOW = f"no answer within {LIMIT_S:g} s"
QUERIES = {
    "gpus": "--query-gpu=name,uuid,driver_version,utilization.gpu,temperature.gpu,power.draw,"
    "clocks.sm,pstate,memory.used,memory.total",
    "apps": "--query-compute-apps=pid,process_name,used_memory",
}
FILES = {
    "hostname": "/proc/sys/kernel/hostname",
    "product": "/sys/class/dmi/id/product_name",
    "board": "/proc/device-tree/model",
    "uptime": "/proc/uptime",
    "loadavg": "/proc/loadavg",
    "meminfo": "/proc/meminfo",
    "pressure": "/proc/pressure/memory",
    "cpus": "/sys/devices/system/cpu/online",
    "routes": "/proc/net/route",
}
# What containers and virtual machines bring along is no link of the machine.
VIRTUAL = ("lo", "veth", "docker", "br-", "virbr", "cni", "podman", "flannel", "dummy")


def encoded(value: object) -> str:
    """Return `value` as JSON."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(k)}:{encoded(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    return str(value)


def text(path: str) -> str | None:
    """Return what a small file holds, or None."""
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace").strip(" \t\r\n\0")
    except OSError:
        return None


def names(folder: str) -> list[str]:
    """Return what is in a folder; nothing when it is not there."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def nearest(path: str) -> str:
    """Return the path, or the first folder above it that exists."""
    while path not in {"", "/"} and not os.path.exists(path):
        path = os.path.dirname(path)
    return path or "/"


def disks(root: str) -> list[dict[str, object]]:
    """Return the space of the disks that matter, each once."""
    home = os.path.expanduser("~")
    cache = os.environ.get("HF_HOME") or os.path.join(home, ".cache", "huggingface")
    uses: dict[int, list[str]] = {}
    found: list[dict[str, object]] = []
    for use, wanted in (("system", root or "/"), ("home", home), ("models", cache)):
        path = nearest(wanted)
        device = os.stat(path).st_dev
        if device in uses:
            uses[device].append(use)
            continue
        space = os.statvfs(path)
        total, free = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
        uses[device] = [use]
        found.append({"path": path, "uses": uses[device], "total": total, "free": free})
    return found


def links(root: str) -> list[dict[str, object]]:
    """Return the network links with their counters."""
    base = root + "/sys/class/net/"
    found = []
    for name in names(base):
        if not name.startswith(VIRTUAL):
            one: dict[str, object] = {"name": name}
            for key in ("operstate", "speed", "mtu", "address"):
                one[key] = text(f"{base}{name}/{key}")
            one["rx"] = text(f"{base}{name}/statistics/rx_bytes")
            one["tx"] = text(f"{base}{name}/statistics/tx_bytes")
            found.append(one)
    return found


def rdma(root: str) -> list[dict[str, object]]:
    """Return the ports of the InfiniBand and RoCE devices, which the links do not count."""
    base = root + "/sys/class/infiniband/"
    found = []
    for device in names(base):
        for port in names(f"{base}{device}/ports"):
            at = f"{base}{device}/ports/{port}/"
            one: dict[str, object] = {"name": device, "port": port}
            one["links"] = names(f"{base}{device}/device/net")
            one["state"], one["rate"] = text(at + "state"), text(at + "rate")
            one["rx"] = text(at + "counters/port_rcv_data")
            one["tx"] = text(at + "counters/port_xmit_data")
            found.append(one)
    return found


def temperatures(root: str) -> list[dict[str, object]]:
    """Return what the thermal zones say."""
    base = root + "/sys/class/thermal/"
    zones = [base + name for name in names(base) if name.startswith("thermal_zone")]
    return [{"name": text(zone + "/type"), "milli": text(zone + "/temp")} for zone in zones]


def in_time(part: Part, root: str) -> list[dict[str, object]]:
    """Return what `part` returns; a file system that hangs must not hold up the rest."""
    box: list[list[dict[str, object]] | OSError] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            box.append(part(root))
        except OSError as error:
            box.append(error)
        finally:
            done.release()

    _thread.start_new_thread(run, ())
    if not done.acquire(timeout=LIMIT_S):
        raise OSError(TOO_SLOW)
    if isinstance(box[0], OSError):
        raise box[0]
    return box[0]


def started(words: list[str]) -> tuple[int, int]:
    """Start a command and return its process id and the pipe with all it prints."""
    out, into = os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, into, 1),
            (os.POSIX_SPAWN_DUP2, into, 2),
        ]
        return os.posix_spawnp(words[0], words, os.environ, file_actions=actions), out
    finally:
        os.close(into)


def finished(pid: int, out: int, until: float) -> dict[str, object]:
    """Return status and output of a command that was started."""
    pieces: list[bytes] = []
    while select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(out, 65536)
        if not piece:
            status = os.waitpid(pid, 0)[1]
            printed = b"".join(pieces).decode("utf-8", "replace")
            return {"status": status >> 8 or status, "text": printed}
        pieces.append(piece)
    # Not waited for: when the driver hangs, its process stays whatever is done to it.
    os.kill(pid, 9)
    raise OSError(TOO_SLOW)


def asked(problems: list[str]) -> dict[str, tuple[int, int] | None]:
    """Ask nvidia-smi both questions at one time. None: there is no nvidia-smi."""
    running: dict[str, tuple[int, int] | None] = {}
    for key, query in QUERIES.items():
        try:
            running[key] = started(["nvidia-smi", query, "--format=csv,noheader,nounits"])
        except FileNotFoundError:
            running[key] = None
        except OSError as error:
            problems.append(f"nvidia-smi ({key}): {error}")
    return running


def main() -> None:
    """Gather everything and print it."""
    root = os.environ.get("SPARK_ROOT", "")
    problems: list[str] = []
    until = time.monotonic() + LIMIT_S
    running = asked(problems)
    answer: dict[str, object] = {"version": 1, "problems": problems}
    answer["files"] = {key: text(root + path) for key, path in FILES.items()}
    for part in (disks, links, rdma, temperatures):
        try:
            answer[part.__name__] = in_time(part, root) if part is disks else part(root)
        except (OSError, ValueError) as error:
            problems.append(f"{part.__name__}: {error}")
    for key, process in running.items():
        try:
            answer[key] = finished(*process, until) if process else {"status": None, "text": ""}
        except OSError as error:
            problems.append(f"nvidia-smi ({key}): {error}")
    sys.stdout.write(encoded(answer) + "\n")
    sys.stdout.flush()
    # At once: a thread that hangs on a disk must not be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
