"""The serving processes of a soak: started, killed, weighed."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.serving import free_port
from spark_control.core.clock import RealClock
from spark_control.gateway.adapters.worker_processes import tell, there
from spark_control.settings.load import process_environment
from tests.fleet.process import answers, end_workers
from tests.soak.tally import Kill

SERVE = ("-P", "-m", "spark_control.app", "serve", "--port")
_RSS = re.compile(r"^VmRSS:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Weight:
    """MB of memory and number of open files and sockets."""

    rss_mb: float
    files: int


def weight(pid: int) -> Weight:
    """Weigh a process."""
    proc = Path("/proc") / str(pid)
    found = _RSS.search((proc / "status").read_text(encoding="utf-8"))
    assert found is not None
    return Weight(int(found[1]) / 1024, len(list((proc / "fd").iterdir())))


@dataclass(slots=True)
class Plane:
    """Control and its worker, on one port for all their lives."""

    variables: dict[str, str]
    run: Path
    log: Path
    port: int = field(default_factory=free_port)
    _control: asyncio.subprocess.Process | None = None

    @property
    def control(self) -> int:
        """Return the process id of control."""
        assert self._control is not None
        return self._control.pid

    @property
    def worker(self) -> int:
        """Return the process id of the worker."""
        (hello,) = there(self.run)
        return hello.pid

    async def up(self) -> None:
        """Start control and return once it answers."""
        kept = {"PATH", "PYTHONPATH", "HOME"}
        inherited = {name: text for name, text in process_environment().items() if name in kept}
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # a pipe would fill up
        try:
            self._control = await asyncio.create_subprocess_exec(
                sys.executable, *SERVE, str(self.port), env=inherited | self.variables,
                stdout=log, stderr=log,
            )  # fmt: skip
        finally:
            os.close(log)
        await answers(f"http://127.0.0.1:{self.port}")

    async def kill_control(self) -> Kill:
        """`kill -9` control and start it again."""
        assert self._control is not None
        at = RealClock().monotonic()
        self._control.kill()
        await self._control.wait()
        await RealClock().sleep(0.5)  # some requests shall come while nobody is there
        await self.up()
        return Kill("control", at, RealClock().monotonic())

    async def kill_worker(self) -> Kill:
        """`kill -9` the worker and return once there is another."""
        (before,) = there(self.run)
        at = RealClock().monotonic()
        tell(before, signal.SIGKILL)
        async with asyncio.timeout(30):
            while not (now := there(self.run)) or now == [before]:
                await RealClock().sleep(0.02)
        await answers(f"http://127.0.0.1:{self.port}")
        return Kill("worker", at, RealClock().monotonic())

    async def down(self) -> None:
        """Stop in order; no process is left."""
        assert self._control is not None
        self._control.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self._control.wait(), 40)
        assert self._control.returncode == 0
        assert there(self.run) == []


@asynccontextmanager
async def plane(data: Path, variables: dict[str, str]) -> AsyncIterator[Plane]:
    """Give a running plane; whatever happens, nothing of it is left."""
    found = Plane({**variables, "DATA_DIR": str(data)}, data / "run", data.with_name("serve.log"))
    try:
        await found.up()
        yield found
    finally:
        control = found._control
        if control is not None and control.returncode is None:
            control.kill()
            await control.wait()
        end_workers(data)
