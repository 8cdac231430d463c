"""A gateway worker alone, before engines that a test scripts byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from typing_extensions import override

from spark_control.core.clock import RealClock
from spark_control.core.ids import RandomIds
from spark_control.core.sockets import bound
from spark_control.gateway.record import Trace
from spark_control.gateway.route import Target
from spark_control.gateway.wire import Bounds, Pass, State
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.worker import Ledger, Worker
from spark_control.requests.domain import Record

OPEN = Pass(
    required=False, owner_sha256="", session_key="", keyless_outside=False, names=("a",),
    origins=("https://apps.example.org",),
)  # fmt: skip
BOUNDS = Bounds(body_bytes=1_000_000, in_flight=64, queue=64, wait_s=5.0, share=1.0)
BODY = b'{"model":"m","stream":true}'
CHAT = b"/v1/chat/completions"

Answer = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """A request as it reached an upstream."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader


@dataclass
class Upstream:
    """Where a scripted upstream listens, what it was asked, and how many connections it saw."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection was ended by the other side."""


class Kept(Ledger):
    """Keeps what the worker has to tell."""

    def __init__(self) -> None:
        self.rows: list[Record] = []
        self.syncs = 0

    @override
    def record(self, trace: Trace) -> None:
        self.rows.append(trace.record())

    @override
    async def sync(self) -> None:
        self.syncs += 1


@dataclass
class Plane:
    """The worker, where it listens, and what it told."""

    worker: Worker
    port: int
    kept: Kept
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    host: str = "127.0.0.1"

    async def raw(self, data: bytes) -> bytes:
        """Send `data` and return all that comes back until the connection ends."""
        reader, writer = await self.open()
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(-1), 10)
        finally:
            writer.close()

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        self.writers.append(writer)
        return reader, writer

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await RealClock().sleep(0.005)


def request(body: bytes = BODY, *lines: bytes, path: bytes = CHAT, close: bool = True) -> bytes:
    more = b"".join(line + b"\r\n" for line in lines) + (b"Connection: close\r\n" * close)
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (
        path, more, len(body), body,
    )  # fmt: skip


def says(*parts: bytes, close: bool = False) -> Answer:
    """Answer with these bytes, each sent by itself."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.wait_for(RealClock().sleep(0), 1)
        if close:
            writer.close()

    return answer


@asynccontextmanager
async def upstream(*answers: Answer) -> AsyncIterator[Upstream]:
    """Listen; the n-th request gets the n-th answer, those after it the last one."""
    there = Upstream()
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.connections += 1
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                rows = head.lower().split(b"\r\n")
                sizes = [int(row[15:]) for row in rows if row.startswith(b"content-length:")]
                body = await reader.readexactly(sizes[0] if sizes else 0)
                asked = Asked(head, body, reader)
                there.asked.append(asked)
                await answers[min(len(there.asked), len(answers)) - 1](asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            there.gone.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def target(there: Upstream | int, *names: str, **more: object) -> Target:
    port = there if isinstance(there, int) else there.port
    return Target(
        name=f"spark{port}", base_url=f"http://127.0.0.1:{port}", served=names or ("m",),
        **more,  # type: ignore[arg-type]  # a test names what it means
    )  # fmt: skip


def state(targets: Sequence[Target], bounds: Bounds = BOUNDS, **more: object) -> State:
    plain: dict[str, object] = {"aliases": {}, "menu": {}, "coming": None, "door": OPEN}
    return State(
        version=1, targets=tuple(targets), bounds=bounds,
        **(plain | more),  # type: ignore[arg-type]  # a test names what it means
    )  # fmt: skip


@asynccontextmanager
async def plane(
    *targets: Target, times: Times | None = None, bounds: Bounds = BOUNDS, control: str = "/nope",
    host: str = "127.0.0.1", **more: object,
) -> AsyncIterator[Plane]:  # fmt: skip
    """Run a worker in this loop, on a port of `host`."""
    kept = Kept()
    worker = Worker(
        loop=asyncio.get_running_loop(), clock=RealClock(), ids=RandomIds(),
        times=times or Times(look=0.02), ledger=kept,
        control=Place(name="control", base_url="control", socket=control),
    )  # fmt: skip
    sock = bound(host, 0, shared=False)
    await worker.listen(sock)
    worker.take(state(targets, bounds, **more))
    there = Plane(worker, sock.getsockname()[1], kept)
    try:
        yield there
    finally:
        for writer in there.writers:
            writer.close()
        await worker.close()


def parsed(data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body bytes of an answer, as they came."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    pairs = (row.partition(": ") for row in rows)
    return int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}, body


def code(data: bytes) -> tuple[int, str]:
    status, _, body = parsed(data)
    return status, json.loads(body)["error"]["code"]
