"""Swaps over a lab in this process, each with what it asked of the Spark and of the engine."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.engine import Leaving, Loaded, loaded
from bench.lab import ENGINE_PORT, Lab
from bench.watched import Call, Watched
from spark_control.app import boot as boots
from spark_control.app.boot import Demo
from spark_control.app.compose import Parts, compose
from spark_control.core.clock import RealClock
from spark_control.engines.domain import Address
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job, JobState
from spark_control.settings.domain import Spark
from spark_control.swap.domain import Phase
from spark_control.swap.plan import Wish


class SwapFailed(Exception):
    """A swap of the measure did not end well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One swap: its job, its seconds, the engine it loaded, and how the one before left."""

    job: Job
    total_s: float
    engine: Loaded
    stop_s: float
    calls: tuple[Call, ...]

    @property
    def load_s(self) -> float:
        """Return the engine's own load."""
        return self.engine.load_s

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
        chosen = [call for call in self.calls if call.launch is launcher]
        return covered([(call.began, call.began + call.took) for call in chosen])


def covered(spans: list[tuple[float, float]]) -> float:
    """Return how long at least one of the spans lasts; two at one time count once."""
    total, end = 0.0, float("-inf")
    for begin, until in sorted(spans):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total


@dataclass(slots=True)
class Stage:
    """A composed Spark Control over a lab of one Spark."""

    lab: Lab
    parts: Parts
    calls: list[Call]
    _last: One | None = field(default=None, init=False)

    async def swap(self, model: str) -> One:
        """Swap to `model` and return how it went. Raises SwapFailed."""
        spark, before = self.lab.sparks[0], self._last
        address = Address(spark.host, ENGINE_PORT)
        leaving = Leaving(address, before.engine.pid, RealClock()) if before else None
        self.calls.clear()
        began = time.monotonic()
        job = await self._until_done(await self.parts.swaps.request(Wish(model)))
        total = time.monotonic() - began
        self._last = One(
            job=job,
            total_s=total,
            engine=loaded(self.lab.homes[0].parents[1]),
            stop_s=await leaving.took() if leaving else 0.0,
            calls=tuple(self.calls),
        )
        return self._last

    async def _until_done(self, job: Job) -> Job:
        running = self.parts.swaps.newest
        if running is not None and running.task is not None:
            await running.task
        job = await self.parts.swaps.get(job.id)
        if job.state is not JobState.DONE:
            raise SwapFailed(str(job.error))
        return job


@asynccontextmanager
async def staged(lab: Lab) -> AsyncIterator[Stage]:
    """Compose as `demo` does, with hosts that note what they are asked; connected and warm."""
    data = lab.folder / "data"
    lab.recipes(data)
    parts = compose(boots.read({**lab.variables(), "DATA_DIR": str(data)}, demo=Demo(())))
    calls, make = list[Call](), parts.fleet.make_host

    def make_watched(spark: Spark) -> Host:
        return Watched(make(spark), calls)

    parts.fleet.make_host = make_watched
    await parts.start()
    try:
        await parts.models.menu()
        await parts.engines.refresh_all()
        yield Stage(lab, parts, calls)
    finally:
        await parts.close()
