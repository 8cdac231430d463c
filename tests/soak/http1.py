"""An HTTP client that costs little: one connection, from a loopback address of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

BOUNDARY = "soak"


class Left(Exception):
    """The client has left in the middle, as it was asked to."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer that came to its end."""

    status: int
    body: bytes

    @property
    def events(self) -> int:
        """Return how many events of a stream came, the one that says its end not counted."""
        return self.body.count(b"data: ") - self.ended

    @property
    def ended(self) -> int:
        """Return how often a stream says that it is at its end."""
        return self.body.count(b"data: [DONE]") + self.body.count(b'"message_stop"}')


@dataclass(slots=True)
class Connection:
    """A kept connection. What breaks raises OSError or EOFError."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, path: str, body: object = None, *, leave_after: int = 0) -> Seen:
        """Send a request and read its answer. Raises Left after `leave_after` bytes.

        Bytes are sent as an upload, anything else as JSON.
        """
        upload = isinstance(body, bytes)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        content = b"" if body is None else content
        method = "GET" if body is None else "POST"
        kind = f"multipart/form-data; boundary={BOUNDARY}" if upload else "application/json"
        self.writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        found = bytearray()
        async for piece in self._pieces(head):
            found += piece
            if 0 < leave_after <= len(found):
                raise Left
        return Seen(status, bytes(found))

    async def _pieces(self, head: str) -> AsyncIterator[bytes]:
        if "transfer-encoding: chunked" not in head:
            yield await self.reader.readexactly(
                int(head.partition("content-length: ")[2].split()[0])
            )
            return
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")


def form(data: bytes) -> bytes:
    """Return a form with one file."""
    edge = BOUNDARY.encode()
    lines = b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return b"--%b\r\n%b%b\r\n--%b--\r\n" % (edge, lines, data, edge)


@asynccontextmanager
async def connected(port: int, address: str) -> AsyncIterator[Connection]:
    """Connect from `address`; the connection is cut when this is left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()
