"""How long one look at the hardware of the whole fleet takes, and what it costs us."""

import shlex
import subprocess
import time
from importlib.resources import files
from pathlib import Path

from bench import lab
from bench.lab import Lab
from bench.machine import cpu_s
from bench.table import Outcome, Row, single, spread
from bench.wish import Wish, on_a_loop
from spark_control.core.bus import Bus
from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.ports import Host
from spark_control.fleet.usecases import Fleet
from spark_control.settings.domain import Spark

SIZES = (2, 16, 64)
QUERIES = {
    "gpu": "name,uuid,driver_version,utilization.gpu,temperature.gpu,power.draw,"
    "clocks.sm,pstate,memory.used,memory.total",
    "compute-apps": "pid,process_name,used_memory",
}
MUST_S = {64: 1.5}
NOTES = (
    "The lab runs on the same cores: a round starts three Pythons per Spark (the script and two "
    "`nvidia-smi`), which on a real fleet is the Sparks' own work at the same time. CPU here is "
    "what our process used; CPU of the lab is all that the Sparks did.",
    "A Spark that is too busy to answer `nvidia-smi` within 2 s is read without its GPU.",
    "Light: the same Sparks with an `nvidia-smi` that only prints what the lab's printed before, "
    "so that less of the time is the lab's.",
)


def measure(wish: Wish) -> Outcome:
    """Look at 2, 16 and 64 lab Sparks."""
    rows: list[Row] = []
    for size in SIZES:
        with lab.running(wish.folder / f"lab{size}", size) as played:
            count = wish.times(20, 5)
            rows += on_a_loop(_rounds(played, count, f"{size} Sparks"))
            if size in MUST_S:
                _lighten(played.folder / "lab")
                rows += on_a_loop(_rounds(played, count, f"{size} light Sparks"))
    return Outcome(tuple(rows), NOTES)


def _lighten(state: Path) -> None:
    """Put a script that prints in the place of the `nvidia-smi` that all Sparks of a lab share."""
    program, spark = state / "bin" / "nvidia-smi", state / "spark1"
    env = {"SPARK_LAB": f"{spark}/", "SPARK_ROOT": str(spark / "root")}
    cases = ""
    for what in ("gpu", "compute-apps"):
        words = [str(program), f"--query-{what}={QUERIES[what]}", "--format=csv,noheader,nounits"]
        printed = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
        cases += f"--query-{what}=*) printf %s {shlex.quote(printed.stdout)};;\n"
    program.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}esac\n', encoding="utf-8")


async def _rounds(played: Lab, count: int, label: str) -> list[Row]:
    access, clock = played.access(), RealClock()

    def make(spark: Spark) -> Host:
        return SshHost(spark, access=access, clock=clock)

    script = (files("spark_control.fleet") / "remote" / "hardware.py").read_bytes()
    fleet = Fleet(make_host=make, clock=clock, bus=Bus(boot="bench"), script=script)
    await fleet.replace(played.sparks)
    first = await _round(fleet, played)
    warm = [await _round(fleet, played) for _ in range(count)]
    await fleet.close()
    size = len(played.sparks)
    poor = sum(one[3] for one in (first, *warm))
    return [
        single(f"{label}: first round, with connecting", "s", first[0]),
        spread(f"{label}: later round", "s", (r[0] for r in warm), must=MUST_S.get(size)),
        spread(f"{label}: CPU here, later round", "ms", (r[1] * 1000 for r in warm)),
        spread(f"{label}: CPU of the lab, later round", "ms", (r[2] * 1000 for r in warm)),
        single(f"{label}: readings without the GPU, of {size * (count + 1)}", "", poor, must=0),
    ]


async def _round(fleet: Fleet, played: Lab) -> tuple[float, float, float, int]:
    """Return seconds, CPU seconds here, CPU seconds of the lab, and how many came without GPU."""
    theirs = cpu_s(played.pid, children=True)
    began, ours = time.perf_counter(), time.process_time()
    cards = await fleet.hardware(fresh=True)
    took, used = time.perf_counter() - began, time.process_time() - ours
    poor = sum(
        card.error is not None or not (card.hardware and card.hardware.gpus) for card in cards
    )
    return took, used, cpu_s(played.pid, children=True) - theirs, poor
