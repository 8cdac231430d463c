"""A small HTTP/1.1 server for the engines: keep-alive, chunked answers, and the lab's faults.

Offline, its port is closed and its connections break; frozen, it takes requests and says
nothing. A client that leaves ends the work that was done for it.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import NamedTuple

from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.lab.standins.box import Box, override

_LIMIT = 256 * 1024
_BODY_LIMIT = 64 * 2**20
_LOOK_S = 0.05
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


class Request(NamedTuple):
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What it gets: a whole body, pieces sent as chunks, or the bytes of another server."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    pieces: AsyncGenerator[bytes, None] | None = None
    raw: AsyncGenerator[bytes, None] | None = None


Handler = Callable[[Request], Awaitable[Reply]]


def json_reply(value: object, status: int = 200) -> Reply:
    """Return `value` as JSON."""
    return Reply(status, json.dumps(value).encode())


def bind(host: str, port: int) -> socket.socket:
    """Take an address without listening yet. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, or asyncio leaves Nagle's delay on: 40 ms in the middle of a stream.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError:
        taken.close()
        raise
    return taken


class _Peer(asyncio.StreamReaderProtocol):
    """A connection whose work is cancelled when the client goes."""

    def __init__(self, server: "Server") -> None:
        super().__init__(asyncio.StreamReader(limit=_LIMIT), self._begin)
        self._server = server
        self._work: asyncio.Task[object] | None = None

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._work = asyncio.current_task()
        self._server.writers.add(writer)
        try:
            await self._server.converse(reader, writer)
        finally:
            self._server.writers.discard(writer)
            writer.close()

    @override
    def eof_received(self) -> bool:
        super().eof_received()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._work:
            self._work.cancel()


class Server:
    """Listens at one address of a Spark."""

    def __init__(self, box: Box, handler: Handler, clock: Clock) -> None:
        self._box = box
        self._handler = handler
        self._clock = clock
        self._tasks = Tasks("engine")
        self._server: asyncio.Server | None = None
        self._address: tuple[str, int] = ("", 0)
        self.writers: set[asyncio.StreamWriter] = set()

    async def listen(self, taken: socket.socket) -> None:
        """Start on an address taken before; `bind` it first."""
        self._address = taken.getsockname()[:2]
        await self._open(taken)
        _ = self._tasks.spawn(self._watch(), name="faults")

    async def _open(self, taken: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Peer(self), sock=taken, backlog=512)

    def _shut(self) -> None:
        server, self._server = self._server, None
        if server:
            server.close()
        for writer in list(self.writers):
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening and break what is open."""
        await self._tasks.close()
        self._shut()

    async def _watch(self) -> None:
        while True:
            off = self._box.fault("offline") is not None
            if off and self._server:
                self._shut()
            elif not off and not self._server:
                with contextlib.suppress(OSError):
                    await self._open(bind(*self._address))
            await self._clock.sleep(_LOOK_S)

    async def _thawed(self) -> None:
        while self._box.fault("frozen") is not None:
            await self._clock.sleep(_LOOK_S)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        # A head that can't be read ends the connection too (ValueError).
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while request := await _read(reader):
                await self._thawed()
                reply = await self._handler(request)
                await self._send(writer, reply)
                if reply.raw or request.headers.get("connection", "").lower() == "close":
                    return

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.raw:
            async with contextlib.aclosing(reply.raw) as pieces:
                async for piece in pieces:
                    await self._write(writer, piece)
            return
        head = (
            f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Error')}\r\nserver: uvicorn\r\n"
        )
        head += f"content-type: {reply.kind}\r\n"
        if reply.pieces is None:
            head += f"content-length: {len(reply.body)}\r\n\r\n"
            await self._write(writer, head.encode() + reply.body)
            return
        await self._write(writer, f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        async with contextlib.aclosing(reply.pieces) as pieces:
            async for piece in pieces:
                await self._write(writer, b"%x\r\n%b\r\n" % (len(piece), piece))
        await self._write(writer, b"0\r\n\r\n")

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        await self._thawed()
        writer.write(data)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *rows = head.decode("latin-1").rstrip().split("\r\n")
    method, _, target = first.partition(" ")
    pairs = (row.partition(":") for row in rows)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await _body(reader, headers)
    return Request(method, target.rpartition(" ")[0].partition("?")[0], headers, body)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(min(int(headers.get("content-length", 0)), _BODY_LIMIT))
    pieces = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)
