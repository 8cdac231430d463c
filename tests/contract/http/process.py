"""The worker as a process of its own; the test is the control process that it talks to."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from spark_control.core.clock import RealClock
from spark_control.core.sockets import bound
from spark_control.gateway.route import Target
from spark_control.gateway.wire import Ack, Busy, Hello, Records, line, read_up
from spark_control.requests.domain import Record
from spark_control.settings.load import process_environment
from tests.contract.http.plane import state

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Process:
    """A worker that runs and decides by our state, and what it has told."""

    pid: int
    port: int
    rows: list[Record]
    busy: dict[str, int]

    def resident(self) -> int:
        """Return how many bytes of memory it holds."""
        rows = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmRSS"))

    def files(self) -> int:
        """Return how many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@asynccontextmanager
async def worker_process(run: Path, targets: Iterable[Target]) -> AsyncIterator[Process]:
    """Start a worker; it is gone when this is left."""
    there = Process(0, 0, [], {})
    ready = asyncio.Event()

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while text := await reader.readline():
            match read_up(text):
                case Hello() as hello:
                    there.pid, there.port = hello.pid, hello.port
                    writer.write(line(state(tuple(targets))))
                case Ack():
                    ready.set()
                case Busy(counts):
                    there.busy = counts
                case Records(rows):
                    there.rows += [row.record() for row in rows]
                case _:
                    pass
        writer.close()

    async with started(run, link):
        await asyncio.wait_for(ready.wait(), 20)
        yield there


@asynccontextmanager
async def started(run: Path, link: Talk) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a worker whose control is `link`; it is gone when this is left."""
    server = await asyncio.start_unix_server(link, run / "link.sock")
    held = bound("127.0.0.1", 0, shared=True)  # nobody else gets the port; it never listens
    port = held.getsockname()[1]
    kept = {"PATH", "PYTHONPATH", "HOME"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "spark_control.gateway.worker", "--run", str(run),
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--release", "t", "--config", "",
        env={name: text for name, text in process_environment().items() if name in kept},
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        server.close()
        held.close()
        await RealClock().sleep(0)
