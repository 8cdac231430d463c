"""Starts the gateway workers, starts them again when they die, takes over those that are there."""

import asyncio
import fcntl
import hashlib
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from spark_control.core.clock import Clock
from spark_control.core.errors import Unavailable
from spark_control.core.tasks import Tasks
from spark_control.gateway.adapters.link_server import LinkServer
from spark_control.gateway.wire import Hello

log = logging.getLogger(__name__)

UP_S = 20.0
LOOK_S = 0.05
SHORTEST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
STEADY_S = 10.0
"""A worker that lived so long is started again without a wait."""
LOG_BYTES = 5_000_000


class GatewayFailed(Unavailable):
    """The process that takes requests could not be started."""

    code = "gateway_failed"
    hint = "`logs/gateway.log` in the data directory says why."


MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
    "MALLOC_TOP_PAD_": str(1 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
}
"""For glibc: keep what large bodies took, for the next one, and do not map each of them anew.

It takes a fifth off what a prompt of 100 KB costs, and adds 4 MB to a worker.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What workers are started with."""

    run: Path
    log: Path
    host: str
    port: int
    count: int
    release: str
    environment: dict[str, str]

    @property
    def config(self) -> str:
        """Return what tells workers that are alike from others."""
        said = f"{self.release} {self.host} {self.port} {self.count} {self.run}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def words(self) -> list[str]:
        """Return the command line; nothing in it is secret."""
        return [
            sys.executable, "-P", "-m", "spark_control.gateway.worker", "--run", str(self.run),
            "--host", self.host, "--port", str(self.port), "--workers", str(self.count),
            "--release", self.release, "--config", self.config,
        ]  # fmt: skip


def there(run: Path) -> list[Hello]:
    """Return the workers of this data directory that live; what dead ones left is removed."""
    found = []
    for path in sorted(run.glob("worker-*.json")):
        try:
            with path.open("rb") as file:
                if _locked(file.fileno()):
                    found.append(msgspec.json.decode(file.read(), type=Hello))
                else:
                    path.unlink(missing_ok=True)
        except (OSError, msgspec.DecodeError) as error:
            log.debug("%s: %s", path, error)
    return found


def _locked(handle: int) -> bool:
    """Tell whether the process that wrote a note still holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def tell(hello: Hello, number: signal.Signals) -> None:
    """Send a signal to a worker, which may just have ended."""
    try:
        os.kill(hello.pid, number)
    except OSError as error:
        log.debug("worker %s: %s", hello.pid, error)


@dataclass(kw_only=True, slots=True)
class WorkerProcesses:
    """Keeps `spec.count` workers running."""

    spec: Spec
    link: LinkServer
    clock: Clock
    tasks: Tasks
    drain_s: float
    _over: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _children: set[asyncio.subprocess.Process] = field(init=False, default_factory=set)
    _starting: int = field(init=False, default=0)

    def start(self) -> None:
        """Take over workers that fit, and start the others; does not wait for them."""
        found = [hello for hello in there(self.spec.run) if hello.config == self.spec.config]
        for hello in found[: self.spec.count]:
            log.info("gateway worker %s was there before and goes on", hello.pid)
        for n in range(self.spec.count):
            first = found[n] if n < len(found) else None
            _ = self.tasks.spawn(self._keep(first), name=f"worker {n + 1}")

    async def ready(self) -> None:
        """Return once all of them are up. Raises GatewayFailed."""
        try:
            async with asyncio.timeout(UP_S):
                await self.link.met(self.spec.count)
        except TimeoutError as error:
            raise GatewayFailed("The gateway worker did not start.") from error
        self.link.relieve()

    async def _keep(self, hello: Hello | None) -> None:
        """Keep one worker running, first the one that is there."""
        if hello is not None:
            while hello in there(self.spec.run):
                await self.clock.sleep(1.0)
        wait = 0.0
        while not self._over.is_set():
            await self.clock.sleep(wait)
            began = self.clock.monotonic()
            status = await self._one()
            if self._over.is_set():
                return
            steady = self.clock.monotonic() - began > STEADY_S
            wait = 0.0 if steady else min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, wait * 2))
            log.warning("a gateway worker ended with %s; it is started again", status)

    async def _one(self) -> int:
        self._starting += 1
        try:
            with self._log() as output:
                process = await asyncio.create_subprocess_exec(
                    *self.spec.words(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    env=MEMORY | self.spec.environment, start_new_session=True,
                )  # fmt: skip
            self._children.add(process)
        finally:
            self._starting -= 1
        try:
            if self._over.is_set():
                process.terminate()  # it was told to stop before it could hear of it
            return await process.wait()
        finally:
            self._children.discard(process)

    def _log(self) -> "_Output":
        path = self.spec.log
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return _Output(path)

    def dismiss(self) -> None:
        """Have all workers finish what runs and end; they are not started again."""
        self._over.set()
        self.link.dismiss()
        for hello in there(self.spec.run):
            tell(hello, signal.SIGTERM)
        for process in self._children:
            if process.returncode is None:  # one that has just been started has no note yet
                process.terminate()

    async def stop(self) -> None:
        """Return once all workers have ended; those that are too slow are killed."""
        self.dismiss()
        await self._gone(self.drain_s)
        for hello in there(self.spec.run):
            log.warning("gateway worker %s does not end and is killed", hello.pid)
            tell(hello, signal.SIGKILL)
        for process in list(self._children):
            process.kill()
        await self._gone(2.0)

    async def _gone(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while there(self.spec.run) or self._children or self._starting:
                    await self.clock.sleep(LOOK_S)
        except TimeoutError:
            return


class _Output:
    """A file to append to, as a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)
