"""Both ends of the worker as a test plays them: raw bytes out, and a strict reader of what comes.

h11 reads both ways, so that none of our own code judges what our own code wrote.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11

from spark_control.core.clock import RealClock

WAIT_S = 10.0
LARGEST = 1 << 20
"""A head that h11 still reads."""


@dataclass(kw_only=True)
class Message:
    """A message as it was read."""

    fields: list[tuple[str, str]]
    body: bytes = b""
    status: int = 0
    method: str = ""
    target: str = ""
    early: list[int] = field(default_factory=list)
    """The statuses that came before the answer."""

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]


def _fields(event: h11.Request | h11.Response) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode("latin-1")) for name, value in event.headers]


class Line:
    """One connection; `raw` is all that came over it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, server: bool
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.raw = bytearray()
        self.gone = asyncio.Event()
        self.told = 0
        """How far a script has come that counts."""
        self._server = server
        self._h11 = h11.Connection(
            h11.SERVER if server else h11.CLIENT, max_incomplete_event_size=LARGEST
        )

    async def say(self, *parts: bytes) -> None:
        """Send each part by itself."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def message(self, method: str = "POST") -> Message:
        """Read one message. Raises h11.RemoteProtocolError for one that is none, or not whole."""
        self._again(method)
        found = Message(fields=[])
        body = bytearray()
        while not isinstance(event := self._h11.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                data = await asyncio.wait_for(self.reader.read(1 << 16), WAIT_S)
                self.raw += data
                self._h11.receive_data(data)
            elif isinstance(event, h11.InformationalResponse):
                found.early.append(event.status_code)
            elif isinstance(event, h11.Response):
                found.fields, found.status = _fields(event), event.status_code
            elif isinstance(event, h11.Request):
                found.fields = _fields(event)
                found.method, found.target = event.method.decode(), event.target.decode()
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                raise EOFError(f"{event} instead of a message")
        found.body = bytes(body)
        return found

    def _again(self, method: str) -> None:
        """Let h11 believe that it made the other half of the talk."""
        if self._h11.their_state is h11.DONE and not self._server:
            self._h11.start_next_cycle()
        if self._server and self._h11.their_state is h11.DONE:
            self._h11.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            self._h11.send(h11.EndOfMessage())
            self._h11.start_next_cycle()
        if not self._server:
            self._h11.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
            self._h11.send(h11.EndOfMessage())

    async def rest(self) -> bytes:
        """Return what comes until the connection ends."""
        return await asyncio.wait_for(self.reader.read(-1), WAIT_S)

    def reset(self) -> None:
        """End the connection as a crash does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def turns() -> None:
    """Let everybody in this loop read what was sent."""
    for _ in range(3):
        await RealClock().sleep(0)


Script = Callable[[Line], Awaitable[None]]


@dataclass
class Server:
    """Where a script is played, once for each connection, and what it was asked."""

    host: str
    port: int = 0
    lines: list[Line] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else (
            f"http://{self.host}:{self.port}"
        )  # fmt: skip


@asynccontextmanager
async def played(
    script: Script, *, host: str = "127.0.0.1", path: str = "", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Play `script` for each connection, on a free port or on the Unix socket `path`."""
    there = Server(host)
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer, server=True)
        there.lines.append(line)
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        try:
            await script(line)
        except (OSError, EOFError, h11.RemoteProtocolError, asyncio.CancelledError):
            line.gone.set()
        finally:
            writer.close()

    if path:
        server = await asyncio.start_unix_server(serve, path)
    else:
        server = await asyncio.start_server(serve, host, 0, ssl=tls)
        there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def line_to(port: int, *, window: int = 0) -> AsyncIterator[Line]:
    """Connect as a client; `window` bounds what the kernel takes in for it."""
    sock = socket.socket()
    sock.settimeout(0)
    if window:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
    try:
        yield Line(reader, writer, server=False)
    finally:
        writer.close()


def page(method: bytes = b"GET", path: bytes = b"/", *lines: bytes) -> bytes:
    """Return a request that is not for a model."""
    return b"%b %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (
        method, path, b"".join(line + b"\r\n" for line in lines),
    )  # fmt: skip


def answers(*said: bytes) -> Script:
    """Answer the n-th request of a connection with the n-th bytes, and keep the connection."""

    async def script(line: Line) -> None:
        for data in said:
            await line.message()
            await line.say(data)
        await line.message()

    return script


def echo(line: Line) -> Awaitable[None]:
    """Answer each request with what came: its head as a body, then the body it had."""

    async def script() -> None:
        while True:
            asked = await line.message()
            text = "".join(f"{name}: {value}\n" for name, value in asked.fields)
            data = f"{asked.method} {asked.target}\n{text}\n".encode() + asked.body
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data)
            await line.say(head if asked.method == "HEAD" else head + data)

    return script()
