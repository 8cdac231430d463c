"""Take records, keep them in batches, tell who listens, forget the old ones."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.sql import DatabaseTrouble
from spark_control.requests import csv_rows
from spark_control.requests.busy import Busy
from spark_control.requests.domain import Filter, Place, Record, millis
from spark_control.requests.ports import RequestStore
from spark_control.requests.series import span_of
from spark_control.requests.shapes import (
    ModelsShape,
    StatsShape,
    render,
    render_models,
    render_stats,
)

log = logging.getLogger(__name__)

TOPIC = "requests"
EVERY_S = 1.0
"""Records of so long go to the database and to the page together."""
RETRY_S = 15.0
BATCH = 5000
"""So many are written in one transaction: each costs a wait for the disk."""
AT_ONCE = 1000
"""So many are read for a table at a time."""
MOST_WAITING = 50_000
"""What is held while the database does not take any; above that the oldest are lost."""
MOST_TOLD = 20
MOST_ROWS = 1_000_000
PRUNE_EVERY_S = 3600.0
PRUNE_AT_ONCE = 5000
"""So many are deleted in one transaction, so that no other write waits long."""

FRESH_S = 1.0
"""So long a series is given again as it is, and ten times as long as it took."""
MOST_KNOWN = 32

Asked = tuple[Filter, int, int]
Listener = Callable[[Sequence[Record]], None]


@dataclass(kw_only=True, slots=True)
class RequestLog:
    """The records of all requests. `days` is how long they are kept."""

    store: RequestStore
    bus: Bus
    clock: Clock
    days: Callable[[], int]
    listeners: Sequence[Listener] = ()
    busy: Busy = field(init=False, default_factory=Busy)
    lost: int = field(init=False, default=0)
    _waiting: deque[Record] = field(init=False, default_factory=deque)
    _fresh: deque[Record] = field(init=False, default_factory=lambda: deque(maxlen=MOST_TOLD))
    _counted: int = field(init=False, default=0)
    _came: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _failing: bool = field(init=False, default=False)
    _known: dict[Asked, tuple[float, StatsShape]] = field(init=False, default_factory=dict)

    def take(self, records: Sequence[Record]) -> None:
        """Take the records of requests that have ended; returns at once."""
        for listener in self.listeners:
            listener(records)
        self._waiting.extend(records)
        self._fresh.extend(records)
        self._counted += len(records)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self._came.set()

    async def run(self) -> None:
        """Keep what comes, in batches, until cancelled."""
        while True:
            await self._came.wait()
            self._came.clear()
            await self.clock.sleep(EVERY_S)
            await self.flush()
            self._tell()
            if self._failing:
                await self.clock.sleep(RETRY_S)
                self._came.set()

    async def flush(self) -> None:
        """Write what waits; what the database does not take waits on."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                await self.store.add(batch)
            except DatabaseTrouble as error:
                self._waiting.extendleft(reversed(batch))
                if not self._failing:
                    log.warning("request records wait: %s", error.message)
                self._failing = True
                return
            except asyncio.CancelledError:
                self._waiting.extendleft(reversed(batch))
                raise
        if self._failing:
            log.info("request records are written again")
        self._failing = False

    async def prune(self) -> None:
        """Forget old records, now and every hour, until cancelled."""
        while True:
            await self._prune()
            await self.clock.sleep(PRUNE_EVERY_S)

    async def page(
        self, wanted: Filter, *, after: Place | None = None, limit: int
    ) -> tuple[list[Record], Place | None]:
        """Return records, the newest first, and the place behind them if there are more."""
        await self.flush()  # who asks right after a request wants to see it
        found = await self.store.page(wanted, after=after, limit=limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], Place(last.at_ms, last.id)

    async def csv(self, wanted: Filter) -> AsyncIterator[str]:
        """Give all the records as a table, a batch at a time."""
        yield csv_rows.head()
        place: Place | None = None
        while True:
            found, place = await self.page(wanted, after=place, limit=AT_ONCE)
            yield await asyncio.to_thread(csv_rows.lines, found)  # long, for the loop
            if place is None:
                return

    async def stats(self, wanted: Filter, *, window_s: int, step_s: int) -> StatsShape:
        """Return the series of the last `window_s` seconds."""
        now = self.clock.now()
        span = span_of(millis(now), window_s, step_s)
        start = now - timedelta(milliseconds=millis(now) - span.start_ms)
        wanted = replace(wanted, since=None, until=None)
        key, began = (wanted, window_s, step_s), self.clock.monotonic()
        known = self._known.get(key)
        if known is not None and began < known[0]:
            return known[1]
        slots = await self.store.slots(wanted, start=start, step_s=step_s)
        shape = render_stats(window_s, span, slots, self.busy.means(span))
        self._remember(key, shape, self.clock.monotonic() - began)
        return shape

    async def models(self, wanted: Filter, *, window_s: int) -> ModelsShape:
        """Return what the last `window_s` seconds add up to, by model."""
        await self.flush()
        now = self.clock.now()
        found = await self.store.models(wanted, start=now - timedelta(seconds=window_s))
        return render_models(window_s, span_of(millis(now), window_s, window_s), found)

    def _remember(self, key: Asked, shape: StatsShape, took_s: float) -> None:
        """Keep an answer for a while: a long one longer, so that asking often costs little."""
        now = self.clock.monotonic()
        self._known = {known: kept for known, kept in self._known.items() if kept[0] > now}
        if len(self._known) < MOST_KNOWN:
            self._known[key] = (now + max(FRESH_S, 10 * took_s), shape)

    def _tell(self) -> None:
        if self._fresh and self.bus.heard(TOPIC):
            rows = [render(record).model_dump(mode="json") for record in reversed(self._fresh)]
            self.bus.publish(TOPIC, "", {"requests": rows, "count": self._counted})
        self._fresh.clear()
        self._counted = 0

    async def _prune(self) -> None:
        before = self.clock.now() - timedelta(days=self.days())
        gone = PRUNE_AT_ONCE
        try:
            while gone == PRUNE_AT_ONCE:
                gone = await self.store.prune(before=before, rows=MOST_ROWS, most=PRUNE_AT_ONCE)
        except DatabaseTrouble as error:
            log.warning("old request records could not be deleted: %s", error.message)
