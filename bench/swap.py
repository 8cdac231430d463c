"""What a swap takes besides the engine's own stop and load, and where it goes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import lab
from bench.engine import Leaving, Loaded, loaded
from bench.lab import ENGINE_PORT, Lab
from bench.table import Outcome, Row, spread
from bench.watched import Call, Watched
from bench.wish import Wish, on_a_loop
from spark_control.app import boot as boots
from spark_control.app.boot import Demo
from spark_control.app.compose import Parts, compose
from spark_control.core.clock import RealClock
from spark_control.engines.domain import Address
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job, JobState
from spark_control.settings.domain import Spark
from spark_control.swap.domain import Phase
from spark_control.swap.plan import Wish as SwapWish

MODELS = ("smollm2", "gemma3-270m")
MUST_S = 2.0
LAUNCHER = "./launch-cluster.sh --name"
NOTES = (
    "Overhead is all from the request to the end of the job, less the engine's own load (birth of "
    "its process to its line `Application startup complete`) and its own stop (its port closes "
    "until its process is gone). The work of launcher and docker counts as overhead.",
    "The first swap finds nothing running, each later one replaces the model before. "
    "Launcher, docker and engine are the lab's, on the same cores.",
)


class SwapFailed(Exception):
    """A swap of the measure did not end well."""


@dataclass(frozen=True, slots=True)
class One:
    """One swap: its job and seconds, the engine it stopped and the one it loaded."""

    job: Job
    total_s: float
    stop_s: float
    load_s: float
    noticed_s: float
    calls: tuple[Call, ...]

    @property
    def overhead_s(self) -> float:
        """Return what is ours, the launcher's and docker's."""
        return self.total_s - self.stop_s - self.load_s

    def phase(self, phase: Phase) -> float:
        """Return the seconds of a phase."""
        times = (one for one in self.job.phases if one.phase == phase)
        return sum(one.seconds(one.ended_at) for one in times if one.ended_at)

    def called(self, *, launcher: bool) -> float:
        """Return the seconds in which the launcher, or any other command, was waited for."""
        chosen = [call for call in self.calls if (call.what == LAUNCHER) is launcher]
        return covered([(call.began, call.began + call.took) for call in chosen])


def covered(spans: list[tuple[float, float]]) -> float:
    """Return how long at least one of the spans lasts; two at one time count once."""
    total, end = 0.0, 0.0
    for begin, until in sorted(spans):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total


def measure(wish: Wish) -> Outcome:
    """Swap to and fro between two models, scripted and real."""
    rows: list[Row] = []
    notes = list(NOTES)
    for engine in ("scripted", "auto"):
        folder = wish.folder / engine
        with lab.running(folder, 1, engine=engine, models=",".join(MODELS)) as played:
            if engine == "auto" and not played.real:
                notes.append("The real models are not installed (`make venv` has them).")
                continue
            swaps = on_a_loop(_swaps(played, folder / "data", wish.times(8, 2)))
        rows += _rows("scripted" if engine == "scripted" else "llama.cpp", swaps)
    return Outcome(tuple(rows), tuple(notes))


async def _swaps(played: Lab, data: Path, count: int) -> list[One]:
    calls: list[Call] = []
    parts = _composed(played, data, calls)
    await parts.start()
    try:
        await parts.models.menu()
        await parts.engines.refresh_all()
        found = [await _one(parts, calls, MODELS[0], None)]
        for number in range(1, count + 1):
            before = _engine(parts, found[-1].job)
            found.append(await _one(parts, calls, MODELS[number % 2], before))
        return found
    finally:
        await parts.close()


def _composed(played: Lab, data: Path, calls: list[Call]) -> Parts:
    played.recipes(data)
    parts = compose(boots.read({**played.variables(), "DATA_DIR": str(data)}, demo=Demo(())))
    make = parts.fleet.make_host

    def make_watched(spark: Spark) -> Host:
        return Watched(make(spark), calls)

    parts.fleet.make_host = make_watched
    return parts


async def _one(parts: Parts, calls: list[Call], model: str, before: Loaded | None) -> One:
    spark = parts.fleet.sparks[0]
    address = Address(spark.host, ENGINE_PORT)
    leaving = Leaving(address, before.pid, RealClock()) if before else None
    began = time.monotonic()
    job = await parts.swaps.request(SwapWish(model))
    running = parts.swaps.newest
    if running is None or running.task is None:
        raise SwapFailed("no swap runs")
    await running.task
    total, job = time.monotonic() - began, await parts.swaps.get(job.id)
    if job.state is not JobState.DONE:
        raise SwapFailed(str(job.error))
    if leaving:
        await leaving.ended()
    mine = tuple(call for call in calls if began <= call.began <= began + total)
    return One(
        job=job, total_s=total, calls=mine, load_s=_engine(parts, job).load_s,
        stop_s=leaving.gone - leaving.told if leaving else 0.0,
        noticed_s=_noticed(job, leaving, began),
    )  # fmt: skip


def _noticed(job: Job, leaving: Leaving | None, began: float) -> float:
    """Return the seconds from the end of the old process to the next launch."""
    launch = next(one for one in job.phases if one.phase == Phase.LAUNCHING)
    until = began + (launch.started_at - job.created_at).total_seconds()
    return until - leaving.gone if leaving else 0.0


def _engine(parts: Parts, job: Job) -> Loaded:
    return loaded((parts.boot.data.logs / "jobs" / f"{job.id}.log").read_text(encoding="utf-8"))


def _rows(engine: str, swaps: list[One]) -> Iterator[Row]:
    first, later = swaps[:1], swaps[1:]
    yield spread(f"{engine}: first swap, overhead", "s", _all("overhead_s", first), must=MUST_S)
    yield spread(f"{engine}: later swaps, overhead", "s", _all("overhead_s", later), must=MUST_S)
    yield spread(f"{engine}: in all", "s", _all("total_s", later))
    yield spread(f"{engine}: the engine's own stop", "s", _all("stop_s", later))
    yield spread(f"{engine}: the engine's own load", "s", _all("load_s", later))
    for phase in Phase:
        yield spread(f"{engine}: phase {phase}", "s", [one.phase(phase) for one in later])
    yield spread(f"{engine}: commands over SSH", "", [float(len(one.calls)) for one in later])
    yield spread(f"{engine}: in the launcher", "s", [one.called(launcher=True) for one in later])
    waited = [one.called(launcher=False) for one in later]
    yield spread(f"{engine}: in other commands", "s", waited)
    yield spread(f"{engine}: old engine gone to launch", "s", _all("noticed_s", later))


def _all(name: str, swaps: list[One]) -> list[float]:
    return [float(getattr(one, name)) for one in swaps]
