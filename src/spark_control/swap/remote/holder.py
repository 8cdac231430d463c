"""Tells what listens on a port of the machine it runs on, and prints one JSON object.

Sent over standard input to `python3 -I -S -` with one word, JSON: `{"host": "...", "port": 8888}`.
The standard library of Python 3.8 is enough. It reads and changes nothing. Whose process it is
can be seen only by its user and by root; where that fails, docker is asked, which most users of
a Spark may. What could not be seen is said in `problems`.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from typing import Any

LIMIT_S = 6
LISTENS = "0A"
ANY = ("0.0.0.0", "::")  # noqa: S104 - addresses that are compared
CONTAINER = re.compile(r"(?:docker[-/]|/)([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
UNIT = re.compile(r"/([^/\n]+\.service)(?:/|$)", re.MULTILINE)


def text(path: str) -> str:
    """Return what a small file holds; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace")
    except OSError:
        return ""


def address_of(word: str) -> str:
    """Return the address that the kernel writes in hexadecimal words of this machine's order."""
    raw = b"".join(bytes.fromhex(word[at : at + 8])[::-1] for at in range(0, len(word), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    if raw[:12] == bytes(10) + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)


def listeners(port: int) -> list[dict[str, Any]]:
    """Return who listens on `port`: address, user and the number of the socket."""
    found = []
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in text(name).splitlines()[1:]:
            words = line.split()
            host, _, number = words[1].rpartition(":")
            if words[3] == LISTENS and int(number, 16) == port:
                row = {"address": address_of(host), "uid": int(words[7]), "inode": words[9]}
                found.append(row)
    return found


def is_address(host: str) -> bool:
    """Tell whether `host` is an address and no name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False


def loopback(address: str) -> bool:
    """Tell whether only this machine can reach `address`."""
    return address.startswith("127.") or address == "::1"


def meant(rows: list[dict[str, Any]], host: str) -> dict[str, Any] | None:
    """Return the listener that somebody reaches at `host`: the exact one, else one for all."""
    name = not is_address(host)
    for fits in (
        lambda address: address == host,
        lambda address: address in ANY,
        lambda address: not loopback(host) and not loopback(address),
        lambda _: name,
    ):
        for row in rows:
            if fits(str(row["address"])):
                return row
    return None


def holds(pid: str, inode: str) -> bool:
    """Tell whether a process has the socket open, as far as that can be seen."""
    folder, wanted = f"/proc/{pid}/fd", f"socket:[{inode}]"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return False
    for number in numbers:
        try:
            if os.readlink(f"{folder}/{number}") == wanted:
                return True
        except OSError:
            continue
    return False


def stat(pid: int) -> tuple[int, int]:
    """Return the parent of a process and when it was started, in ticks since the boot."""
    fields = text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[1]), int(fields[19])) if len(fields) > 19 else (0, 0)


def first_of(inode: str) -> int | None:
    """Return the process with the socket; of several the one the others come from."""
    found = {int(pid) for pid in os.listdir("/proc") if pid.isdecimal() and holds(pid, inode)}
    roots = [pid for pid in found if stat(pid)[0] not in found]
    return min(roots or found, default=None)


def process(pid: int) -> dict[str, Any]:
    """Return what is known of a process."""
    groups = text(f"/proc/{pid}/cgroup")
    ticks = stat(pid)[1]
    booted = re.search(r"^btime (\d+)", text("/proc/stat"), re.MULTILINE)
    per_second = os.sysconf("SC_CLK_TCK")
    unit = UNIT.findall(groups)
    owner = re.search(r"^Uid:\t(\d+)", text(f"/proc/{pid}/status"), re.MULTILINE)
    return {
        "pid": pid,
        "name": text(f"/proc/{pid}/comm").strip(),
        "words": text(f"/proc/{pid}/cmdline").rstrip("\0").split("\0"),
        "ticks": ticks,
        "boot": text("/proc/sys/kernel/random/boot_id").strip(),
        "started": int(booted.group(1)) + ticks / per_second if booted else None,
        "uid": int(owner.group(1)) if owner else -1,
        "container": (CONTAINER.findall(groups) or [None])[-1],
        "unit": unit[-1] if unit and not unit[-1].startswith("user@") else "",
    }


def docker(*words: str) -> str:
    """Return what docker says. Raises OSError when it cannot be asked."""
    done = subprocess.run(
        ["docker", *words], capture_output=True, timeout=LIMIT_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        raise OSError(done.stderr.decode("utf-8", "replace").strip()[-300:])
    return done.stdout.decode("utf-8", "replace")


def containers() -> list[dict[str, Any]]:
    """Return the containers that run. Raises OSError."""
    ids = docker("ps", "-q").split()
    return json.loads(docker("inspect", "--type", "container", *ids)) if ids else []


def published(one: dict[str, Any], port: int) -> bool:
    """Tell whether docker listens on `port` for a container."""
    bound = ((one.get("NetworkSettings") or {}).get("Ports") or {}).values()
    return any(str(row.get("HostPort")) == str(port) for rows in bound for row in rows or ())


def inside(one: dict[str, Any], inode: str) -> bool:
    """Tell whether a process of the container has the socket, seen from inside it."""
    if (one.get("HostConfig") or {}).get("NetworkMode") != "host":
        return False
    look = "ls -l /proc/[0-9]*/fd 2>/dev/null"
    try:
        return f"socket:[{inode}]" in docker("exec", str(one["Id"]), "sh", "-c", look)
    except (OSError, subprocess.SubprocessError):
        return False


def tops(one: dict[str, Any], pid: int) -> bool:
    """Tell whether docker counts a process among those of the container."""
    try:
        rows = docker("top", str(one["Id"])).splitlines()
    except (OSError, subprocess.SubprocessError):
        return False
    at = rows[0].split().index("PID") if rows and "PID" in rows[0].split() else 1
    return any(row.split()[at : at + 1] == [str(pid)] for row in rows[1:])


def container_of(
    running: list[dict[str, Any]], seen: dict[str, Any] | None, inode: str, port: int
) -> dict[str, Any] | None:
    """Return the container that listens: by its group, its processes, or what it publishes."""
    for one in running:
        if seen and seen["container"] and one["Id"] == seen["container"]:
            return one
    for one in running:
        if (seen is None or seen["name"] == "docker-proxy") and published(one, port):
            return one
    for one in running:
        if tops(one, int(str(seen["pid"]))) if seen else inside(one, inode):
            return one
    return None


def shown(one: dict[str, Any]) -> dict[str, Any]:
    """Return what is wanted of a container."""
    config, host = one.get("Config") or {}, one.get("HostConfig") or {}
    return {
        "id": one.get("Id"),
        "name": str(one.get("Name", "")).lstrip("/"),
        "image": config.get("Image"),
        "labels": config.get("Labels") or {},
        "started": (one.get("State") or {}).get("StartedAt"),
        "words": [one.get("Path") or "", *(one.get("Args") or [])],
        "restart": (host.get("RestartPolicy") or {}).get("Name"),
    }


def look(host: str, port: int) -> dict[str, Any]:
    """Return what listens at `host` and `port`."""
    problems: list[str] = []
    out: dict[str, Any] = {"listener": None, "uid": os.getuid(), "problems": problems}
    row = out["listener"] = meant(listeners(port), host)
    inode = str(row["inode"]) if row else ""
    pid = first_of(inode) if row else None
    seen = out["process"] = None if pid is None else process(pid)
    if row and seen is None:
        problems.append(f"its process belongs to user {row['uid']} and may not be looked at")
    try:
        found = container_of(containers(), seen, inode, port)
        out["container"] = shown(found) if found else None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        problems.append(f"docker could not be asked ({str(error)[:200]})")
    return out


if __name__ == "__main__":
    wish = json.loads(sys.argv[1])
    print(json.dumps(look(wish["host"], wish["port"])))
