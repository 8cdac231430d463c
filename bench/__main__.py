"""`python -m bench [names] [--quick] [--record]`: measure, print, and write `RESULTS.md`."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import hardware, idle, machine, menu, results, ssh, start, swap, writes
from bench.gateway import measure as gateway
from bench.table import Outcome, plain
from bench.wish import NotHere, Wish
from spark_control import __version__
from spark_control.core.clock import RealClock

RESULTS = Path(__file__).with_name("RESULTS.md")
BY_HAND = ("Soak",)
"""Sections that no measure writes."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: what it is called in the results, and what runs it."""

    title: str
    run: Callable[[Wish], Outcome]


MEASURES: Mapping[str, Measure] = {
    "hardware": Measure("Hardware round", hardware.measure),
    "ssh": Measure("SSH commands", ssh.measure),
    "swap": Measure("Swap overhead", swap.measure),
    "start": Measure("Start to first answer", start.measure),
    "idle": Measure("Idle", idle.measure),
    "writes": Measure("Lock and job writes", writes.measure),
    "menu": Measure("Menu of 200 models", menu.measure),
    "gateway": Measure("Gateway", gateway.measure),
}


def main() -> int:
    """Run what was named, or all; 1 when a measure could not be run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="fewer samples, for a first look")
    parser.add_argument("--record", action="store_true", help="write the numbers to RESULTS.md")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    if given.quick and given.record:
        parser.error("a quick look is not for the record")
    logging.basicConfig(level=logging.ERROR)
    print(machine.facts())
    done = [_one(name, quick=given.quick, record=given.record) for name in given.names or MEASURES]
    return 0 if all(done) else 1


def _one(name: str, *, quick: bool, record: bool) -> bool:
    """Run one measure; tell whether it could be."""
    one, clock = MEASURES[name], RealClock()
    print(f"\n{one.title}", flush=True)
    with tempfile.TemporaryDirectory(prefix="spark-control-bench-") as folder:
        neighbours = machine.Neighbours(clock)
        try:
            outcome = one.run(Wish(quick, Path(folder)))
        except NotHere as lacking:
            print(f"  not measured: {lacking}")
            return False
        around = neighbours.told()
    print(plain(outcome))
    for line in (*outcome.notes, around):
        print(f"  {line}")
    if record:
        when = clock.now().strftime("%Y-%m-%d %H:%M UTC")
        _write(
            one.title,
            outcome,
            f"{when}, Spark Control {__version__}, {machine.facts()}; {around}.",
        )
    return True


def _write(title: str, outcome: Outcome, where: str) -> None:
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    new = results.section(title, outcome, where=where)
    order = [*(one.title for one in MEASURES.values()), *BY_HAND]
    RESULTS.write_text(results.replaced(text, new, order), encoding="utf-8")
    for name, picture in outcome.pictures.items():
        RESULTS.with_name(name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
