"""A small HTTP engine on a real socket that answers each path as a test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from spark_control.core.clock import RealClock
from spark_control.engines.domain import Address

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(kw_only=True)
class SmallEngine:
    """Where it listens, and the headers of each request by path."""

    address: Address
    asked: dict[str, dict[str, str]] = field(default_factory=dict)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    rows = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"HTTP/1.1 {status} Said\r\nConnection: close\r\n{''.join(rows)}\r\n".encode()


def says(
    body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> Say:
    """Answer with `body`, as JSON when it is no bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, headers) + content)
        await writer.drain()

    return say


def raw(content: bytes) -> Say:
    """Answer with these bytes and nothing else."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return say


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answer nothing until the client leaves."""
    await reader.read()


def dribbles(word: bytes, status: int = 200) -> Say:
    """Answer with `word` again and again until the client leaves."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, {"Content-Type": "text/plain"}))
        while True:
            writer.write(word)
            await writer.drain()
            await RealClock().sleep(0.01)

    return say


def models(*names: str) -> Say:
    return says({"data": [{"id": name, "owned_by": "vllm"} for name in names]})


@asynccontextmanager
async def small_engine(
    paths: Mapping[str, Say], host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[SmallEngine]:
    """Listen while the context is open; one request per connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *rows = (
                (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            )
            path = first.split(" ")[1]
            pairs = [row.partition(": ") for row in rows]
            there.asked[path] = {name.lower(): value for name, _, value in pairs}
            await reader.readexactly(int(there.asked[path].get("content-length", "0")))
            await paths[path](reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, port)
    there = SmallEngine(address=Address(host, server.sockets[0].getsockname()[1]))
    async with server:
        yield there
