"""The one memory of a Spark: what its engines hold, and `/proc/meminfo` made from that."""

import contextlib
from typing import NamedTuple

from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box, read_json, write_json, write_text

TOTAL_KIB = 127_601_664
TOTAL_GIB = TOTAL_KIB / 2**20
SYSTEM_GIB = 4.6
HOST_SIDE_GIB = 2.5
"""What the processes of one engine hold beside the GPU."""
STARVED_GIB = 2.1


class Held(NamedTuple):
    """What one engine process holds and does."""

    pid: int
    gib: float
    state: str
    busy: int = 0


def report(box: Box, held: Held) -> None:
    """Write down what an engine holds now."""
    write_json(box.folder / "engines" / f"{held.pid}.json", held._asdict())


def forget(box: Box, pid: int) -> None:
    """Take an engine off the list."""
    (box.folder / "engines" / f"{pid}.json").unlink(missing_ok=True)


def engines(box: Box) -> list[Held]:
    """Return the engines whose processes live."""
    found = []
    for path in sorted((box.folder / "engines").glob("*.json")):
        data = read_json(path)
        if data and procs.wears(int(path.stem), box.mark):
            gib, busy = float(str(data.get("gib", 0))), int(str(data.get("busy", 0)))
            found.append(Held(int(path.stem), gib, str(data.get("state", "")), busy))
        elif data:
            # In a real container the engine is root, and the Spark's user may not.
            with contextlib.suppress(OSError):
                path.unlink()
    return found


def available_gib(held: list[Held], *, starved: bool = False) -> float:
    """Return what is left; something else holds it nearly all when `starved`."""
    used = SYSTEM_GIB + sum(engine.gib + HOST_SIDE_GIB for engine in held)
    return STARVED_GIB if starved else max(TOTAL_GIB - used, 0.4)


def free_now(box: Box) -> float:
    """Return the GiB that are available on this Spark at this moment."""
    return available_gib(engines(box), starved=box.fault("out-of-memory") is not None)


def meminfo(available: float) -> str:
    """Return the text of `/proc/meminfo`."""
    left = int(available * 2**20)
    cached = min(left * 2 // 3, 38_000_000)
    rows = {
        "MemTotal": TOTAL_KIB,
        "MemFree": max(left - cached, 200_000),
        "MemAvailable": left,
        "Buffers": 412_332,
        "Cached": cached,
        "SwapCached": 0,
        "Active": (TOTAL_KIB - left) // 2,
        "Inactive": cached // 2,
        "SwapTotal": 16_777_212,
        "SwapFree": 16_777_212 if left > 4_000_000 else 9_120_004,
        "Shmem": 90_112,
        "HugePages_Total": 0,
    }
    return "".join(
        f"{name + ':':<16}{value:>8}{'' if name.startswith('Huge') else ' kB'}\n"
        for name, value in rows.items()
    )


def refresh(box: Box) -> None:
    """Write `/proc/meminfo` of this Spark anew; on a full disk it stays as it is."""
    with contextlib.suppress(OSError):
        write_text(box.folder / "root" / "proc" / "meminfo", meminfo(free_now(box)))
