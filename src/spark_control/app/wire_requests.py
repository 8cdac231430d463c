"""Wires the records of requests and the numbers for Prometheus."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpcore

from spark_control import __version__
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.sql import Sql
from spark_control.core.tasks import Tasks
from spark_control.engines.usecases import Engines
from spark_control.fleet.domain import Hardware
from spark_control.fleet.usecases import Fleet
from spark_control.jobs.usecases import Jobs
from spark_control.metrics.adapters.http_scrape import HttpScrape
from spark_control.metrics.counts import Counts
from spark_control.metrics.gauges import Scene
from spark_control.metrics.usecases import Metrics
from spark_control.requests.adapters.sql import SqlRequests
from spark_control.requests.domain import millis
from spark_control.requests.usecases import RequestLog
from spark_control.settings.domain import Settings
from spark_control.swap.lock_shapes import LockShape
from spark_control.swap.locks import Locks

LOOK_S = 5.0
"""As often as a reading is new while somebody looks at the page."""


@dataclass(kw_only=True, slots=True)
class Accounting:
    """What counts requests."""

    requests: RequestLog
    metrics: Metrics
    fleet: Fleet
    clock: Clock

    def start(self, tasks: Tasks) -> None:
        """Bring up what runs beside requests."""
        _ = tasks.spawn(self.requests.run(), name="request records")
        _ = tasks.spawn(self.requests.prune(), name="old request records")
        _ = tasks.spawn(self.metrics.follow_jobs(), name="job metrics")
        _ = tasks.spawn(self.metrics.follow_lag(), name="loop lag")
        _ = tasks.spawn(self._follow_gpus(), name="busy GPUs")

    async def _follow_gpus(self) -> None:
        """Note each new reading of the fleet, until cancelled."""
        noted: dict[str, datetime] = {}
        while True:
            cards = self.fleet.cards()
            self.requests.busy.keep({card.spark.name for card in cards})
            for card in cards:
                name, at = card.spark.name, card.read_at
                ratio = busiest(card.hardware)
                if at is not None and ratio is not None and noted.get(name) != at:
                    noted[name] = at
                    self.requests.busy.note(name, millis(at), ratio)
            await self.clock.sleep(LOOK_S)


def wire_accounting(  # noqa: PLR0913 - what is counted is all over the house
    *, sql: Sql, bus: Bus, clock: Clock, settings: Callable[[], Settings],
    pool: httpcore.AsyncConnectionPool, engines: Engines, fleet: Fleet, jobs: Jobs, locks: Locks,
    busy: Callable[[], Mapping[str, int]], beside: Callable[[], Mapping[str, str]],
) -> Accounting:  # fmt: skip
    """Return the records over the database, counted for Prometheus as they come."""
    counts = Counts(__version__)
    requests = RequestLog(
        store=SqlRequests(sql), bus=bus, clock=clock, listeners=(counts.take,),
        days=lambda: settings().number("REQUESTS_DAYS"),
    )  # fmt: skip
    metrics = Metrics(
        counts=counts, scrape=HttpScrape(pool), engines=engines.serving, jobs=jobs, bus=bus,
        clock=clock,
    )  # fmt: skip
    metrics.show(Scene(
        cards=fleet.cards, engines=engines.seen, busy=busy, beside=beside,
        locked=lambda: isinstance(locks.shape(), LockShape), jobs=metrics.unfinished,
        workers=metrics.workers, lost=lambda: requests.lost + metrics.lost,
        tasks=lambda: len(asyncio.all_tasks()),
    ))  # fmt: skip
    return Accounting(requests=requests, metrics=metrics, fleet=fleet, clock=clock)


def busiest(hardware: Hardware | None) -> float | None:
    """Return how busy the busiest GPU of a Spark is, 0 to 1."""
    gpus = (hardware.gpus if hardware else None) or ()
    known = [gpu.utilisation_percent for gpu in gpus if gpu.utilisation_percent is not None]
    return max(known) / 100 if known else None
