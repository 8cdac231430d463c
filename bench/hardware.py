"""How long one look at the hardware of the whole fleet takes, and what it costs us."""

import time
from importlib.resources import files

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
MUST_S = {64: 1.5}
NOTES = (
    "The lab runs on the same cores: a round starts three Pythons per Spark (the script and two "
    "`nvidia-smi`), which on a real fleet is the Sparks' own work at the same time. "
    "CPU here is what our process used; CPU of the lab is all that the Sparks did.",
)


def measure(wish: Wish) -> Outcome:
    """Look at 2, 16 and 64 lab Sparks."""
    rows: list[Row] = []
    for size in SIZES:
        with lab.running(wish.folder / f"lab{size}", size) as played:
            rows += on_a_loop(_rounds(played, wish.times(20, 5)))
    return Outcome(tuple(rows), NOTES)


async def _rounds(played: Lab, count: int) -> list[Row]:
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
    silent = sum(one[3] for one in (first, *warm))
    return [
        single(f"{size} Sparks: first round, with connecting", "s", first[0]),
        spread(f"{size} Sparks: later round", "s", (r[0] for r in warm), must=MUST_S.get(size)),
        spread(f"{size} Sparks: CPU here, later round", "ms", (r[1] * 1000 for r in warm)),
        spread(f"{size} Sparks: CPU of the lab, later round", "ms", (r[2] * 1000 for r in warm)),
        single(f"{size} Sparks: readings that failed, of {size * (count + 1)}", "", silent),
    ]


async def _round(fleet: Fleet, played: Lab) -> tuple[float, float, float, int]:
    """Return seconds, CPU seconds here, CPU seconds of the lab, and how many did not answer."""
    theirs = cpu_s(played.pid, children=True)
    began, ours = time.perf_counter(), time.process_time()
    cards = await fleet.hardware(fresh=True)
    took, used = time.perf_counter() - began, time.process_time() - ours
    silent = sum(card.hardware is None or card.error is not None for card in cards)
    return took, used, cpu_s(played.pid, children=True) - theirs, silent
