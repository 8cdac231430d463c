"""Put the page for Prometheus together, and keep counting between its looks."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import generate_latest

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.engines.domain import Engine
from spark_control.gateway.wire import Stats
from spark_control.jobs.usecases import Jobs
from spark_control.metrics.counts import Counts
from spark_control.metrics.engine_text import merge
from spark_control.metrics.gauges import Now, Scene, Worker
from spark_control.metrics.ports import Scrape

SCRAPE_S = 1.0
"""An engine that is slower is left out; Prometheus does not wait for it."""
CACHED_S = 5.0
MOST_BYTES = 1_000_000
LAG_EVERY_S = 0.5
OPEN = frozenset({"queued", "running"})


@dataclass(kw_only=True, slots=True)
class Metrics:
    """All numbers of this instance."""

    counts: Counts
    scrape: Scrape
    engines: Callable[[], Sequence[Engine]]
    jobs: Jobs
    bus: Bus
    clock: Clock
    lost: int = field(init=False, default=0)
    """Records that workers had to drop while control was away."""
    _open: dict[str, tuple[str, str]] = field(init=False, default_factory=dict)
    _workers: dict[str, Stats] = field(init=False, default_factory=dict)
    _text: str = field(init=False, default="")
    _read_at: float | None = field(init=False, default=None)
    _reading: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def show(self, scene: Scene) -> None:
        """Give the gauges of `scene` too."""
        self.counts.registry.register(Now(scene))

    async def page(self) -> bytes:
        """Return everything in Prometheus' text format."""
        engines = await self._of_engines()
        return generate_latest(self.counts.registry) + engines.encode()

    def worker(self, stats: Stats) -> None:
        """Take what a worker of the gateway says of itself."""
        name = str(stats.pid)
        self.counts.late("worker", stats.lag_s)
        self.counts.retried(stats.retries)
        self.lost += stats.lost
        self._workers[name] = stats

    def left(self, pid: int) -> None:
        """Forget a worker that has ended."""
        self._workers.pop(str(pid), None)

    def workers(self) -> Mapping[str, Worker]:
        """Return what the workers said last, for Prometheus."""
        return {
            name: Worker(stats.connections, stats.waiting, stats.tasks, stats.process)
            for name, stats in self._workers.items()
        }

    def stats(self) -> list[Stats]:
        """Return what the workers said last."""
        return list(self._workers.values())

    def unfinished(self) -> Mapping[tuple[str, str], int]:
        """Return how many jobs have not ended, by kind and state."""
        return Counter(self._open.values())

    async def follow_jobs(self) -> None:
        """Count jobs as they move, until cancelled."""
        changes = self.bus.subscribe("job")
        async for change in changes:
            kind, state = str(change.data["kind"]), str(change.data["state"])
            if state in OPEN:
                self._open[change.key] = (kind, state)
                continue
            self._open.pop(change.key, None)
            try:
                self.counts.ended(await self.jobs.get(change.key))
            except AppError:
                continue  # it was deleted meanwhile, or the database is away: one count is lost

    async def follow_lag(self) -> None:
        """Note how late this loop is, until cancelled."""
        while True:
            before = self.clock.monotonic()
            await self.clock.sleep(LAG_EVERY_S)
            self.counts.late("control", self.clock.monotonic() - before - LAG_EVERY_S)

    async def _of_engines(self) -> str:
        """Return the engines' own numbers, at most some seconds old."""
        async with self._reading:
            now = self.clock.monotonic()
            if self._read_at is None or now - self._read_at >= CACHED_S:
                found = await asyncio.gather(*(self._of_engine(one) for one in self.engines()))
                self._text = merge(found)
                self._read_at = self.clock.monotonic()
            return self._text

    async def _of_engine(self, engine: Engine) -> tuple[dict[str, str], str]:
        labels = {"host": engine.spark, "model": engine.served[0] if engine.served else ""}
        try:
            read = self.scrape.read(engine.address, timeout_s=SCRAPE_S, most=MOST_BYTES)
            return labels, await read
        except AppError:
            return labels, ""
