"""Start the serving process for a test, and talk to it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from spark_control.core.clock import RealClock
from spark_control.gateway.adapters.worker_processes import tell, there
from spark_control.settings.load import process_environment

SERVE = ("-P", "-m", "spark_control.app", "serve", "--port", "0")
Serving = tuple[asyncio.subprocess.Process, str]


@asynccontextmanager
async def serving(
    *words: str, cwd: Path | None = None, **variables: str
) -> AsyncIterator[Serving]:
    """Start `serve` and give the process and its address; it is gone when this is left."""
    process = await start(*words, cwd=cwd, **variables)
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    try:
        yield process, line.rpartition(" ")[2]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if data := variables.get("DATA_DIR"):
            end_workers(Path(data))
        elif "--data-dir" in words:
            end_workers((cwd or Path()) / words[words.index("--data-dir") + 1])


def end_workers(data: Path) -> None:
    """End the gateway workers that a killed control process has left."""
    for hello in there(data / "run"):
        tell(hello, signal.SIGKILL)


async def start(
    *words: str, cwd: Path | None = None, **variables: str
) -> asyncio.subprocess.Process:
    kept = {"PATH", "PYTHONPATH", "HOME"}
    inherited = {name: text for name, text in process_environment().items() if name in kept}
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, env=inherited | variables, cwd=cwd,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def answers(url: str) -> None:
    """Return once the process is ready."""
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                await RealClock().sleep(0.05)
