"""Control's end of the link: every worker gets the states, and says what happens there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from spark_control.core.sockets import listen_at
from spark_control.core.tasks import Tasks
from spark_control.gateway import wire
from spark_control.gateway.ports import Ears

log = logging.getLogger(__name__)

MOST_BEHIND = 4 * wire.LINE_BYTES
"""A worker that reads nothing for so many bytes is cut off; it comes back when it can."""


@dataclass(eq=False, slots=True)
class Line:
    """One worker that is connected."""

    writer: asyncio.StreamWriter
    hello: wire.Hello | None = None
    acked: int = 0
    ours: bool = False
    """It was started as this control process would start it."""

    def send(self, message: wire.Down) -> None:
        """Send a message; never waits."""
        if self.writer.transport.get_write_buffer_size() > MOST_BEHIND:
            self.writer.transport.abort()
        elif not self.writer.is_closing():
            self.writer.write(wire.line(message))


async def _no_news() -> None:
    """Stand in until somebody can look."""


@dataclass(kw_only=True, slots=True)
class LinkServer:
    """Listens at a path. `config`: what a worker must have been started with to be kept."""

    path: Path
    ears: Ears
    tasks: Tasks
    config: str = ""
    _lines: set[Line] = field(init=False, default_factory=set)
    _state: wire.State | None = field(init=False, default=None)
    _look: Callable[[], Awaitable[None]] = field(init=False, default=_no_news)
    _server: asyncio.Server | None = field(init=False, default=None)
    _relieved: bool = field(init=False, default=False)
    """Workers of ours are up, so others may go."""
    _moved: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    async def start(self) -> None:
        """Begin to listen; workers come by themselves."""
        sock = listen_at(self.path)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=sock, limit=wire.LINE_BYTES
        )

    async def close(self) -> None:
        """Let the workers go on alone."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.writer.close()

    def on_sync(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look

    def publish(self, state: wire.State) -> None:
        self._state = state
        for line in self._lines:
            if line.ours:
                line.send(state)

    async def settled(self) -> None:
        state = self._state
        while state is not None and any(
            line.ours and line.acked < state.version for line in self._lines
        ):
            await self._moved.wait()

    async def met(self, count: int) -> None:
        """Return once so many workers of ours decide by the newest state."""
        while sum(line.ours for line in self._lines) < count:
            await self._moved.wait()
        await self.settled()

    def relieve(self) -> None:
        """Let workers go that were started otherwise: those of ours have taken over."""
        self._relieved = True
        for line in self._lines:
            if line.hello is not None and not line.ours:
                line.send(wire.Leave(patient=True))

    def dismiss(self) -> None:
        """Have every worker finish what runs and end."""
        for line in self._lines:
            line.send(wire.Leave())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(writer)
        self._lines.add(line)
        try:
            while text := await reader.readline():
                self._take(line, wire.read_up(text))
        except (OSError, ValueError) as error:
            log.warning("the link to a gateway worker broke: %s", error)
        finally:
            self._lines.discard(line)
            self.ears.busy(line, {})
            if line.hello is not None:
                self.ears.left(line.hello.pid)
            self._tell()
            writer.close()

    def _take(self, line: Line, message: wire.Up) -> None:
        match message:
            case wire.Hello():
                self._greet(line, message)
            case wire.Ack():
                line.acked = message.version
                self._tell()
            case wire.Busy():
                self.ears.busy(line, message.counts)
            case wire.Records():
                self.ears.records(message.rows)
            case wire.Stats():
                self.ears.stats(message)
            case wire.Wedge():
                self.ears.wedged(message.service, message.status)
            case wire.Sync():
                _ = self.tasks.spawn(self._sync(line), name="news for a worker")

    def _greet(self, line: Line, hello: wire.Hello) -> None:
        line.hello = hello
        line.ours = not self.config or hello.config == self.config
        if not line.ours:
            log.info("worker %s was started otherwise and is let go", hello.pid)
            if self._relieved:
                line.send(wire.Leave(patient=True))
        elif self._state is not None:
            line.send(self._state)

    async def _sync(self, line: Line) -> None:
        await self._look()
        line.send(wire.Synced())

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
