"""A small engine that holds the end of its stream back, and what makes a `serve` know it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from spark_control.core.clock import RealClock
from tests.service.engines.small import head, models, says, small_engine

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "stream": True}


@asynccontextmanager
async def held_stream(go: asyncio.Event, data: Path) -> AsyncIterator[dict[str, str]]:
    """Run an engine of model `m` whose streams end after `go`; give the variables of a `serve`."""

    async def streams(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"Content-Type": "text/event-stream"}) + b"data: 1\n\n")
        await writer.drain()
        await go.wait()
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()

    paths = {"/health": says(b""), "/v1/models": models("m"), CHAT: streams}
    async with small_engine(paths) as engine:
        yield {
            "DATA_DIR": str(data), "SPARK1_HOST": engine.address.host,
            "SPARK1_PORT": "1", "VLLM_PORT": str(engine.address.port),
        }  # fmt: skip


async def serves_m(url: str) -> None:
    """Return once the gateway serves `m`."""
    async with asyncio.timeout(40), httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while '"m"' not in (await http.get("/v1/models")).text:
            await RealClock().sleep(0.05)
