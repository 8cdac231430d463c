"""The ranks of an engine over several Sparks: they meet at the first one and hold its hand.

As with NCCL, the first one does not end when another one is gone: it is stuck, in loading or at
the next token, and its `/health` stays green.
"""

import asyncio
import contextlib
import shlex
from collections.abc import Mapping

from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.lab.standins import peers
from spark_control.lab.standins.box import Box

_AGAIN_S = 0.05
_RAY_PORT = 6379
_LOADED = b"loaded\n"
_TO_LOG = 'exec "$@" > /proc/1/fd/1 2>&1'


class Crew:
    """What one rank knows of the others; a crew of one has nobody to lose."""

    def __init__(self, box: Box, given: Mapping[str, object], nodes: str, clock: Clock) -> None:
        self._box = box
        self._clock = clock
        self._tasks = Tasks("crew")
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._met = asyncio.Event()
        self._loaded = 0
        self._all_loaded = asyncio.Event()
        self.ray = given.get("distributed_executor_backend") == "ray" and bool(nodes)
        self.nodes = [one for one in nodes.split(",") if one]
        own = len(self.nodes) if self.ray else 1
        self.size = int(str(given.get("nnodes") or own))
        self.rank = int(str(given.get("node_rank") or 0))
        self.master = str(given.get("master_addr") or peers.own_address(box))
        self.port = int(str(given.get("master_port") or _RAY_PORT))
        self.broken = asyncio.Event()

    async def meet(self) -> None:
        """Return when all ranks are there."""
        if self.size == 1:
            return
        host = peers.reachable(self._box, self.master)
        if self.rank:
            await self._join(host)
            return
        self._server = await asyncio.start_server(self._take, host, self.port)
        await self._met.wait()

    async def loaded(self) -> None:
        """Say that this rank has loaded; the first one waits for all, as for a collective."""
        if self.size == 1:
            return
        if self.rank:
            self._writers[0].write(_LOADED)
        else:
            await self._all_loaded.wait()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if len(self._writers) == self.size - 1:
            self._met.set()
            for one in self._writers:
                one.write(b"go\n")
        await self._hold(reader)

    async def _join(self, host: str) -> None:
        reader, writer = await self._connected(host)
        self._writers.append(writer)
        await reader.readline()
        _ = self._tasks.spawn(self._hold(reader), name="hold")

    async def _connected(self, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, self.port)
            await self._clock.sleep(_AGAIN_S)

    async def _hold(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self._loaded += line == _LOADED
                if self._loaded == self.size - 1:
                    self._all_loaded.set()
        self.broken.set()

    async def close(self) -> None:
        """Let go of the others."""
        await self._tasks.close()
        for writer in self._writers:
            writer.close()
        if self._server:
            self._server.close()

    def start_workers(self, container: str, words: list[str]) -> None:
        """Start the ranks on the other Sparks, as Ray does."""
        for rank, address in enumerate(self.nodes[1:], 1):
            own = ["--nnodes", str(self.size), "--node-rank", str(rank), "--headless"]
            own += ["--master-addr", self.master, "--master-port", str(self.port)]
            worker = ["ray::RayWorkerWrapper", "serve", *words, *own]
            line = ["docker", "exec", "-d", container, "bash", "-c", _TO_LOG, "bash", *worker]
            peers.run(self._box, address, shlex.join(line), "")
