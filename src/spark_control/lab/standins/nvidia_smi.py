"""Plays `nvidia-smi` on a GB10: memory is N/A, and only the list of processes tells of it."""

import time
from typing import NamedTuple

from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import memory
from spark_control.lab.standins.box import Box, say
from spark_control.lab.standins.memory import Held

_DRIVER, _CUDA, _UUID = "580.95.05", "13.0", "GPU-7f3c2a10-5b64-4f0e-9c1d-2a8e6d0b4c55"
_BUS = "0000000F:01:00.0"
_NA = "[N/A]"


class Reading(NamedTuple):
    """What the GPU does now."""

    percent: int
    watts: float
    celsius: int
    mhz: int
    state: str


def reading(engines: list[Held], tick: int) -> Reading:
    """Return believable numbers for what runs; `tick` lets them wander a little."""
    wander = (tick * 7919) % 11
    if any(engine.busy for engine in engines):
        return Reading(90 + wander % 7, 58.0 + wander * 0.9, 66 + wander % 4, 2418, "P0")
    if any(engine.state == "loading" for engine in engines):
        return Reading(20 + wander * 3, 38.0 + wander * 0.4, 51 + wander % 3, 2405, "P0")
    if engines:
        return Reading(0, 11.4 + wander * 0.12, 44 + wander % 2, 2405, "P0")
    return Reading(0, 3.8 + wander * 0.06, 36 + wander % 2, 208, "P8")


def fields(now: Reading) -> dict[str, tuple[str, str]]:
    """Return each known field: its value and its unit."""
    works = {
        "name": ("NVIDIA GB10", ""),
        "gpu_name": ("NVIDIA GB10", ""),
        "index": ("0", ""),
        "count": ("1", ""),
        "uuid": (_UUID, ""),
        "gpu_uuid": (_UUID, ""),
        "driver_version": (_DRIVER, ""),
        "pci.bus_id": (_BUS, ""),
        "gpu_bus_id": (_BUS, ""),
        "pstate": (now.state, ""),
        "compute_cap": ("12.1", ""),
        "persistence_mode": ("Enabled", ""),
        "utilization.gpu": (str(now.percent), "%"),
        "utilization.memory": ("0", "%"),
        "temperature.gpu": (str(now.celsius), ""),
        "power.draw": (f"{now.watts:.2f}", "W"),
        "power.draw.instant": (f"{now.watts:.2f}", "W"),
        "clocks.sm": (str(now.mhz), "MHz"),
        "clocks.current.sm": (str(now.mhz), "MHz"),
        "clocks.gr": (str(now.mhz), "MHz"),
        "clocks.current.graphics": (str(now.mhz), "MHz"),
        "clocks.max.sm": ("3003", "MHz"),
    }
    dead = [
        "memory.total",
        "memory.used",
        "memory.free",
        "memory.reserved",
        "fan.speed",
        "power.limit",
        "power.max_limit",
        "enforced.power.limit",
        "clocks.mem",
        "clocks.current.memory",
        "temperature.memory",
        "ecc.mode.current",
        "mig.mode.current",
        "display_active",
    ]
    return {**works, **dict.fromkeys(dead, (_NA, ""))}


def _csv(rows: list[list[tuple[str, str]]], heads: list[str], style: set[str]) -> str:
    lines = [] if "noheader" in style else [", ".join(heads)]
    for row in rows:
        bare = "nounits" in style
        lines.append(", ".join(v if bare or not unit else f"{v} {unit}" for v, unit in row))
    return "".join(line + "\n" for line in lines)


def query_gpu(names: list[str], style: set[str], now: Reading) -> tuple[str, int]:
    """Return the answer to `--query-gpu` and the exit status."""
    known = fields(now)
    for name in names:
        if name not in known:
            return f'Field "{name}" is not a valid field to query.\n\n', 2
    heads = [f"{name} [{known[name][1]}]" if known[name][1] else name for name in names]
    return _csv([[known[name] for name in names]], heads, style), 0


def query_apps(names: list[str], style: set[str], engines: list[Held]) -> tuple[str, int]:
    """Return the answer to `--query-compute-apps` and the exit status."""
    rows = []
    for engine in engines:
        known = {
            "pid": (str(engine.pid), ""),
            "process_name": ("VLLM::EngineCore", ""),
            "name": ("VLLM::EngineCore", ""),
            "used_memory": (str(int(engine.gib * 1024)), "MiB"),
            "used_gpu_memory": (str(int(engine.gib * 1024)), "MiB"),
            "gpu_uuid": (_UUID, ""),
            "gpu_name": ("NVIDIA GB10", ""),
            "gpu_bus_id": (_BUS, ""),
        }
        if wrong := [name for name in names if name not in known]:
            return f'Field "{wrong[0]}" is not a valid field to query.\n\n', 2
        rows.append([known[name] for name in names])
    heads = [f"{name} [MiB]" if name.startswith("used") else name for name in names]
    return _csv(rows, heads, style), 0


_LINE = "+" + "-" * 89 + "+"
_SPLIT = f"+{'-' * 41}+{'-' * 24}+{'-' * 22}+"


def table(now: Reading, engines: list[Held], when: str) -> str:
    """Return the plain table."""
    rows = [
        when,
        _LINE,
        f"| NVIDIA-SMI {_DRIVER}              Driver Version: {_DRIVER}      "
        f"CUDA Version: {_CUDA}     |",
        _SPLIT,
        "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | "
        "Volatile Uncorr. ECC |",
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | "
        "GPU-Util  Compute M. |",
        "|                                         |                        | "
        "              MIG M. |",
        _SPLIT.replace("-", "=").replace("+", "|"),
        f"|   0  NVIDIA GB10                    On  |   {_BUS} Off |                  N/A |",
        f"| N/A  {now.celsius:3d}C    {now.state}           {now.watts:4.0f}W /  N/A  "
        f"| Not Supported          |    {now.percent:3d}%      Default |",
        "|                                         |                        "
        "|                  N/A |",
        _SPLIT,
        "",
        _LINE,
        f"| {'Processes:':<88}|",
        "|  GPU   GI   CI              PID   Type   Process name"
        "                        GPU Memory |",
        f"|        ID   ID{'':<63}Usage      |",
        "|" + "=" * 89 + "|",
    ]
    for engine in engines:
        used = f"{int(engine.gib * 1024)}MiB"
        rows.append(
            f"|    0   N/A  N/A {engine.pid:>15}      C   {'VLLM::EngineCore':<36}{used:>10} |"
        )
    if not engines:
        rows.append(f"|  {'No running processes found':<87}|")
    return "\n".join([*rows, _LINE, ""])


def answer(words: list[str], engines: list[Held], seen: list[Held]) -> tuple[str, int]:
    """Return what `nvidia-smi WORDS` prints and its exit status; `seen` are its processes."""
    now = reading(engines, int(time.monotonic()))
    options = {key: value for key, _, value in (word.partition("=") for word in words)}
    style = set(options.get("--format", "").split(","))
    if "--query-gpu" in options:
        return query_gpu(_names(options["--query-gpu"]), style, now)
    if "--query-compute-apps" in options:
        return query_apps(_names(options["--query-compute-apps"]), style, seen)
    if "-L" in words:
        return f"GPU 0: NVIDIA GB10 (UUID: {_UUID})\n", 0
    return table(now, seen, time.strftime("%a %b %d %H:%M:%S %Y")), 0


def renew(box: Box, engines: list[Held]) -> None:
    """Answer anew what was asked before, so that asking again starts no Python."""
    for words in box.remembered():
        text, _ = answer(words, engines, engines)
        box.remember(words, text)


def main(_name: str, words: list[str]) -> int:
    """Do what `nvidia-smi WORDS` does."""
    box = boxes.here()
    engines = memory.engines(box)
    # The processes of the host can't be seen from a container.
    text, status = answer(words, engines, [] if boxes.inside() else engines)
    if status == 0 and not boxes.inside():
        box.remember(words, text)
    say(text)
    return status


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
