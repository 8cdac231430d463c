"""Clients of all kinds at once; each has an address of its own, by which its records are known."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from tests.soak.http1 import Connection, Left, Seen, connected, form
from tests.soak.steady import EVENTS, MESSAGES
from tests.soak.tally import Tally, Try

CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
UPLOADS = "/v1/audio/transcriptions"
SPEECH = "/v1/audio/speech"
STEADY, SHAKY = "steady", "shaky"
PAUSE_S = 0.2
STREAM = {"model": STEADY, "stream": True, "messages": [{"role": "user", "content": "x"}]}
PLAIN = {"model": STEADY, "messages": [{"role": "user", "content": "x"}]}
MESSAGE = {**STREAM, "max_tokens": 9}
EMBED = {"model": STEADY, "input": ["a", "b"]}
SAY = {"model": "kokoro", "voice": "af_heart", "input": "x"}
SOUND = form(bytes(200_000))
AT_ONCE = 4
"""Requests for speech of one client: one runs, one waits, and the others are refused."""
PAGES = ("/", "/api/status", "/v1/models", "/healthz", "/api/models")
HOW_MANY = {
    "stream": 8, "plain": 2, "leaves": 4, "shaky": 2, "loaded": 2, "pages": 2, "messages": 2,
    "embeds": 1, "large": 1, "uploads": 2, "speaks": 1,
}  # fmt: skip


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
            "messages": self._messages, "embeds": self._embeds, "large": self._large,
            "uploads": self._uploads, "speaks": self._speaks,
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
                await RealClock().sleep(PAUSE_S * (1 + number % 5))  # or all come in step
        finally:
            self._left -= 1

    async def _model(
        self, connection: Connection, one: Try, body: object, *, path: str = CHAT,
        leave_after: int = 0,
    ) -> None:  # fmt: skip
        """Make a try of it, however it ends."""
        self.tally.tries.append(one)
        try:
            seen = await connection.ask(path, body, leave_after=leave_after)
            one.status = seen.status
            one.whole = _whole(one.kind, body, seen)
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

    async def _messages(self, connection: Connection, client: str) -> None:
        await self._model(connection, self._try(client, "messages"), MESSAGE, path=MESSAGES)

    async def _embeds(self, connection: Connection, client: str) -> None:
        await self._model(connection, self._try(client, "embeds"), EMBED, path=EMBEDDINGS)

    async def _large(self, connection: Connection, client: str) -> None:
        """Send from one to eight megabytes of a prompt."""
        size = 1_000_000 * (1 + sum(map(int, client.split("."))) % 8)
        body = {**PLAIN, "messages": [{"role": "user", "content": "x" * size}]}
        await self._model(connection, self._try(client, "large"), body)
        await RealClock().sleep(4 * PAUSE_S)

    async def _uploads(self, connection: Connection, client: str) -> None:
        await self._model(connection, self._try(client, "uploads"), SOUND, path=UPLOADS)
        await RealClock().sleep(PAUSE_S)

    async def _speaks(self, _: Connection, client: str) -> None:
        """Ask for more at once than one client gets."""

        async def ask() -> None:
            async with connected(self.port, client) as own:
                await self._model(own, self._try(client, "speaks"), SAY, path=SPEECH)

        await asyncio.gather(*(ask() for _ in range(AT_ONCE)), return_exceptions=True)

    async def _reads_pages(self, connection: Connection, _: str) -> None:
        for path in PAGES:
            await connection.ask(path)
            self.pages += 1
            await RealClock().sleep(PAUSE_S)


def _whole(kind: str, body: object, seen: Seen) -> bool:
    """Tell whether all of an answer came, and all of the request had come."""
    match kind:
        case "stream" | "messages":
            return seen.ended == 1 and seen.events == EVENTS
        case "embeds" | "large" | "uploads":
            sent = body if isinstance(body, bytes) else json.dumps(body)
            return f'"took": {len(sent)},'.encode() in seen.body
        case _:
            return True
