"""Time that passes only when everybody waits, and a process that can be frozen and killed."""

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from typing_extensions import override

from spark_control.core.sql import DatabaseTrouble, Sql, make_engine
from spark_control.jobs.adapters.schema import ensure

T = TypeVar("T")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class _Leaps(selectors.DefaultSelector):
    """Waits for nothing: the time that would pass has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for something that never comes"
        self.passed += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which an hour takes no time. It knows no threads and no sockets."""

    def __init__(self) -> None:
        self._leaps = _Leaps()
        super().__init__(self._leaps)

    @override
    def time(self) -> float:
        return self._leaps.passed

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that happens within `seconds`."""
        done = self.create_future()
        self.call_later(seconds, done.set_result, None)
        self.run_until_complete(done)


class Killed(BaseException):
    """The process is gone: nothing of it does anything any more, no clean-up either."""


class Life:
    """A process: what it does goes through `here`, which a freeze holds back and a kill ends."""

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._awake.set()
        self.dead = False

    @property
    def frozen(self) -> bool:
        return not self._awake.is_set()

    def freeze(self) -> None:
        self._awake.clear()

    def thaw(self) -> None:
        self._awake.set()

    def kill(self) -> None:
        self.dead = True
        self._awake.set()

    async def here(self) -> None:
        """Return when the process runs. Raises Killed."""
        await self._awake.wait()
        if self.dead:
            raise Killed


class VirtualClock:
    """The clock of one process over the loop's time."""

    def __init__(self, loop: VirtualLoop, life: Life) -> None:
        self._loop = loop
        self._life = life

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await self._life.here()
        await pause(self._loop, seconds)
        await self._life.here()


async def pause(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Let time pass for whoever waits here."""
    done: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, _set, done)
    try:
        await done
    finally:
        timer.cancel()


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def database(loop: VirtualLoop) -> sa.Engine:
    """Return an empty database in memory whose clock is that of the loop."""
    engine = make_engine("sqlite://")

    def on_connect(connection: object, _record: object) -> None:
        connection.create_function(  # type: ignore[attr-defined]  # as in core.sql
            "virtual_now", 0, lambda: f"{EPOCH + timedelta(seconds=loop.time()):%F %T}"
        )

    def on_execute(
        _connection: object, _cursor: object, statement: str, values: object, _context: object,
        _many: object,
    ) -> tuple[str, object]:  # fmt: skip
        return statement.replace("CURRENT_TIMESTAMP", "virtual_now()"), values

    sa.event.listen(engine, "connect", on_connect)
    sa.event.listen(engine, "before_cursor_execute", on_execute, retval=True)
    ensure(engine)
    return engine


class InlineSql(Sql):
    """What one process does in the database: at once, on one connection for all processes.

    While `locked` nothing can be written.
    """

    def __init__(self, engine: sa.Engine, life: Life) -> None:
        super().__init__(engine)
        self._life = life
        self.locked = False

    @override
    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        if self.locked:
            await self._life.here()
            raise DatabaseTrouble("Somebody else writes.")
        return await self._at_once(work)

    @override
    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        return await self._at_once(work)

    async def _at_once(self, work: Callable[[sa.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        await pause(loop, 0.0)
        await self._life.here()
        done = self._in_transaction(work)
        await pause(loop, 0.0)
        await self._life.here()
        return done
