"""The worker's end of the link: takes states from control, and tells what happened here."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

import msgspec
from typing_extensions import override

from spark_control.core.clock import Clock
from spark_control.gateway import wire
from spark_control.gateway.record import Trace
from spark_control.gateway.worker import process
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.worker import Ledger, Worker

log = logging.getLogger(__name__)

MOST_RECORDS = 20_000
"""What is kept for a control process that is away; the oldest go first."""
BATCH = 500
COALESCE_S = 0.02
AGAIN_S = 0.2
STATS_S = 5.0
NEVER_MET_S = 60.0
"""A worker whose control ended while it started serves nobody: it knows no route and no door."""


class Link(Ledger):
    """Keeps the connection to control, and what it was not told yet."""

    def __init__(self, path: str, hello: wire.Hello, clock: Clock, times: Times) -> None:
        self._path = path
        self._hello = hello
        self._clock = clock
        self._times = times
        self._worker: Worker | None = None
        self._on_leave: Callable[[], None] = _nothing
        self._on_relief: Callable[[], None] = _nothing
        self._on_state: Callable[[], None] = _nothing
        self._writer: asyncio.StreamWriter | None = None
        self._records: deque[Trace] = deque(maxlen=MOST_RECORDS)
        self._lost = 0
        self._told: dict[str, int] = {}
        self._changed = False
        self._synced: asyncio.Future[None] | None = None
        self._alone_since = clock.monotonic()
        self._met = False

    def serve(
        self, worker: Worker, on_leave: Callable[[], None], *,
        on_relief: Callable[[], None] | None = None, on_state: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """Speak for `worker`; `on_leave` is called when it shall end.

        `on_relief` is when it shall end once all that runs has; `on_state` is each time it has
        learnt by what to decide, before control hears of that.
        """
        self._worker = worker
        self._on_leave = on_leave
        self._on_relief = on_relief or on_leave
        self._on_state = on_state or _nothing

    def leaving(self, hello: wire.Hello) -> None:
        """Be `hello` from now on, to a control process that comes later."""
        self._hello = hello

    async def run(self) -> None:
        """Keep connected until cancelled. Nobody there for long: the worker shall end."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(
                    self._path, limit=wire.LINE_BYTES
                )
            except OSError:
                limit = self._times.orphan if self._met else NEVER_MET_S
                if self._clock.monotonic() - self._alone_since > limit:
                    log.warning("no control process has come; this worker ends")
                    self._on_leave()
                    return
                await self._clock.sleep(AGAIN_S)
                continue
            try:
                await self._talk(reader, writer)
            except (OSError, ValueError) as error:
                log.warning("the link to the control process broke: %s", error)
            finally:
                self._writer = None
                writer.close()
                self._answered()
                self._alone_since = self._clock.monotonic()
            await self._clock.sleep(AGAIN_S)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._met = True
        self._told = {}
        writer.write(wire.line(self._hello))
        self._changed = True
        self.flush()
        while text := await reader.readline():
            self._take(wire.read_down(text))

    def _take(self, message: wire.Down) -> None:
        worker = self._worker
        match message:
            case wire.State() if worker is not None:
                worker.take(message)
                self._on_state()
                self.flush()  # what was sent by the routes before counts before the word is given
                self._send(wire.Ack(message.version))
            case wire.Synced():
                self._answered()
            case wire.Leave(patient=True):
                self._on_relief()
            case wire.Leave():
                self._on_leave()
            case _:
                pass

    def _send(self, message: wire.Up) -> None:
        if self._writer is not None:
            self._writer.write(wire.line(message))

    @property
    def connected(self) -> bool:
        """Tell whether control is there."""
        return self._writer is not None

    @override
    def changed(self) -> None:
        if not self._changed:
            self._changed = True
            self._soon(COALESCE_S)

    @override
    def record(self, trace: Trace) -> None:
        if len(self._records) == MOST_RECORDS:
            self._lost += 1
        self._records.append(trace)
        if len(self._records) == 1:
            self._soon(self._times.flush)

    @override
    def wedged(self, service: str, status: int) -> None:
        self._send(wire.Wedge(service, status))

    def _soon(self, seconds: float) -> None:
        if self._worker is not None and self._writer is not None:
            _ = self._worker.loop.call_later(seconds, self.flush)

    def flush(self) -> None:
        """Tell what is new: how much runs where, and what has ended."""
        if self._writer is None or self._worker is None:
            return
        if self._changed:
            self._changed = False
            counts = self._worker.pool.busy()
            if counts != self._told:
                self._told = counts
                self._send(wire.Busy(counts))
        while self._records:
            rows = [self._records.popleft() for _ in range(min(BATCH, len(self._records)))]
            self._send(wire.Records(rows))

    async def report(self) -> None:
        """Say every few seconds how the worker is, until cancelled."""
        while True:
            await self._clock.sleep(STATS_S)
            worker = self._worker
            if worker is not None and self._writer is not None:
                lag, worker.lag_s = worker.lag_s, 0.0
                retries, worker.retries = worker.retries, 0
                lost, self._lost = self._lost, 0
                self._send(wire.Stats(
                    pid=self._hello.pid, lag_s=lag, connections=worker.connections,
                    waiting=worker.waiting, retries=retries, tasks=len(asyncio.all_tasks()),
                    lost=lost, process=process.look(),
                ))  # fmt: skip

    @override
    async def sync(self) -> None:
        if self._writer is None or self._worker is None:
            return
        if self._synced is None:
            self._synced = self._worker.loop.create_future()
            self._send(wire.Sync())
        try:
            async with asyncio.timeout(self._times.sync):
                await asyncio.shield(self._synced)
        except TimeoutError:
            return

    def _answered(self) -> None:
        waiting, self._synced = self._synced, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def _nothing() -> None:
    """Stand in until somebody is to be told."""


def config_line(hello: wire.Hello) -> bytes:
    """Return what a worker writes down of itself, for a control process that starts later."""
    return msgspec.json.encode(hello)
