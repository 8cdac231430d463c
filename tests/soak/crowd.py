"""Clients of all kinds at once; each has an address of its own, by which its records are known."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from tests.soak.http1 import Connection, Left, connected
from tests.soak.steady import EVENTS
from tests.soak.tally import Tally, Try

CHAT = "/v1/chat/completions"
STEADY, SHAKY = "steady", "shaky"
PAUSE_S = 0.05
STREAM = {"model": STEADY, "stream": True, "messages": [{"role": "user", "content": "x"}]}
PLAIN = {"model": STEADY, "messages": [{"role": "user", "content": "x"}]}
PAGES = ("/", "/api/status", "/v1/models", "/healthz", "/api/models")
HOW_MANY = {"stream": 10, "plain": 2, "leaves": 4, "shaky": 2, "loaded": 2, "pages": 2}


@dataclass(slots=True)
class Crowd:
    """Comes, and goes when told; `pages` counts what was read beside the models."""

    port: int
    loaded: tuple[str, ...]
    tally: Tally
    pages: int = 0
    _over: bool = False
    _tasks: Tasks = field(default_factory=lambda: Tasks("crowd"))
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _left: int = 0

    def come(self) -> None:
        """Begin; clients of a kind differ in nothing but their addresses."""
        kinds: dict[str, Callable[[Connection, str], Awaitable[None]]] = {
            "stream": self._streams, "plain": self._plain, "leaves": self._leaves,
            "shaky": self._shaky, "loaded": self._whatever_is_loaded, "pages": self._reads_pages,
        }  # fmt: skip
        for kind, visit in kinds.items():
            for _ in range(HOW_MANY[kind]):
                self._left += 1
                _ = self._tasks.spawn(self._one_after_the_other(visit), name=kind)

    async def go(self) -> None:
        """Let everybody finish."""
        self._over = True
        while self._left:
            await RealClock().sleep(0.05)
        await self._tasks.close()

    async def _one_after_the_other(
        self, visit: Callable[[Connection, str], Awaitable[None]]
    ) -> None:
        try:
            while not self._over:
                number = next(self._numbers)
                address = f"127.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
                try:
                    async with connected(self.port, address) as connection:
                        await visit(connection, address)
                except (OSError, EOFError, Left):
                    pass  # what it means is told by the tally
                await RealClock().sleep(PAUSE_S)
        finally:
            self._left -= 1

    async def _model(
        self, connection: Connection, one: Try, body: object, *, leave_after: int = 0
    ) -> None:
        """Make a try of it, however it ends."""
        self.tally.tries.append(one)
        try:
            seen = await connection.ask(CHAT, body, leave_after=leave_after)
            one.status = seen.status
            whole = b"[DONE]" in seen.body and seen.events == EVENTS
            one.whole = whole if one.kind == "stream" else True
        finally:
            one.ended = RealClock().monotonic()

    def _try(self, client: str, kind: str) -> Try:
        return Try(client, kind, RealClock().monotonic())

    async def _streams(self, connection: Connection, client: str) -> None:
        await self._model(connection, self._try(client, "stream"), STREAM)

    async def _plain(self, connection: Connection, client: str) -> None:
        """Several requests on one connection, with pages between."""
        for _ in range(3):
            await self._model(connection, self._try(client, "plain"), PLAIN)
            await connection.ask("/v1/models")
            await RealClock().sleep(PAUSE_S)
        await self._model(connection, self._try(client, "plain"), PLAIN)

    async def _leaves(self, connection: Connection, client: str) -> None:
        bytes_read = 40 * (1 + sum(map(int, client.split("."))) % 30)
        one = self._try(client, "leaves")
        await self._model(connection, one, STREAM, leave_after=bytes_read)

    async def _shaky(self, connection: Connection, client: str) -> None:
        body = {**STREAM, "model": SHAKY}
        await self._model(connection, self._try(client, "shaky"), body)

    async def _whatever_is_loaded(self, connection: Connection, client: str) -> None:
        for model in self.loaded:
            body = {**PLAIN, "model": model, "max_tokens": 16}
            await self._model(connection, self._try(client, "loaded"), body)
            await RealClock().sleep(PAUSE_S)

    async def _reads_pages(self, connection: Connection, _: str) -> None:
        for path in PAGES:
            await connection.ask(path)
            self.pages += 1
            await RealClock().sleep(PAUSE_S)
