"""The whole of Spark Control over a lab: real SSH, real shell, a real HTTP server on loopback."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from spark_control.app import boot as boots
from spark_control.app.asgi import build
from spark_control.app.boot import Boot
from spark_control.app.compose import Parts, compose
from spark_control.app.server import DrainingServer
from spark_control.core.clock import RealClock
from spark_control.core.ids import RandomIds
from spark_control.core.sockets import bound, listen_at, reach
from spark_control.core.tasks import Tasks
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.gateway.wire import Hello
from spark_control.gateway.worker.link import Link
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.worker import Worker
from spark_control.lab.world import Lab
from spark_control.swap.domain import Limits

QUICK = Limits(
    command=10, drain=0.5, stop=10, memory=3, launch=6, appear=4, load=12, lost=4, token=4,
    poll=0.05, status_every=0.2,
)  # fmt: skip


@dataclass
class System:
    """A running Spark Control, the lab under it, and a client of its API."""

    lab: Lab
    parts: Parts
    http: httpx.AsyncClient
    url: str

    async def get(self, path: str) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def swap(self, model: str, **more: object) -> dict[str, Any]:
        """Start a swap; the answer is the job."""
        answer = await self.http.post("/api/swap", json={"model": model, **more})
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    async def ended(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Follow a swap by its stream to its end."""
        async with self.http.stream("GET", f"/api/swap/{job['id']}/stream") as stream:
            async for _ in stream.aiter_lines():
                pass
        shape: dict[str, Any] = await self.get(f"/api/swap/{job['id']}")
        return shape

    async def swapped(self, model: str, **more: object) -> dict[str, Any]:
        return await self.ended(await self.swap(model, **more))

    async def chat(self, model: str | None, **more: object) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8, **more}
        if model is not None:
            body["model"] = model
        return await self.http.post("/v1/chat/completions", json=body)


def boot_of(lab: Lab, data: Path, more: Mapping[str, str]) -> Boot:
    """Return a start whose fleet is the lab."""
    variables = {"DATA_DIR": str(data), "SSH_KEY_PATH": str(data / "ssh" / "key"), **more}
    for n, spark in enumerate(lab.sparks, 1):
        variables |= {f"SPARK{n}_HOST": spark.host, f"SPARK{n}_PORT": str(spark.port),
                      f"SPARK{n}_USER": spark.user}  # fmt: skip
    return boots.read(variables, demo=boots.Demo(()))


@asynccontextmanager
async def system(
    tmp: Path, *, limits: Limits = QUICK, sparks: int = 2, engine: str = "scripted",
    services: bool = False, **variables: str,
) -> AsyncIterator[System]:  # fmt: skip
    """Run everything in this loop; when it is left nothing runs any more."""
    data = tmp / "data"
    key = ensure_key(data / "ssh" / "key")
    async with Lab(
        tmp / "lab",
        authorized_keys=[key],
        sparks=sparks,
        engine=engine,
        clock=RealClock(),
        services=services,
    ) as lab:
        parts = compose(boot_of(lab, data, variables), limits=limits)
        async with (
            served(parts) as url,
            httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
        ):
            yield System(lab, parts, http, url)


@asynccontextmanager
async def served(parts: Parts) -> AsyncIterator[str]:
    """Serve `parts` on a free port, with the gateway worker in this process."""
    run = parts.boot.data.run
    sock = listen_at(run / "control.sock")
    config = uvicorn.Config(build(parts), log_config=None, lifespan="on",
                            server_header=False, proxy_headers=True, forwarded_allow_ips="*",
                            timeout_graceful_shutdown=5)  # fmt: skip
    server = DrainingServer(config, parts.drain)
    tasks, up = Tasks("server"), asyncio.Event()
    ended = asyncio.Event()

    async def go() -> None:
        await server.serve(sockets=[sock])
        ended.set()

    async def watch() -> None:
        while not server.started:
            await RealClock().sleep(0.01)
        up.set()

    _ = tasks.spawn(go(), name="run")
    _ = tasks.spawn(watch(), name="watch")
    await asyncio.wait_for(up.wait(), 10)
    async with worker(run) as (url, _):
        await asyncio.wait_for(parts.link.met(1), 10)
        try:
            yield url
        finally:
            server.should_exit = True
            parts.drain()
            await asyncio.wait_for(ended.wait(), 15)
    await tasks.close()
    sock.close()


@asynccontextmanager
async def worker(run: Path, times: Times | None = None) -> AsyncIterator[tuple[str, Worker]]:
    """Run a gateway worker in this loop, linked to the control process of `run`."""
    times = times or Times()
    sock = bound("127.0.0.1", 0, shared=False)
    hello = Hello(pid=os.getpid(), release="test", config="", port=sock.getsockname()[1])
    link = Link(reach(run / "link.sock"), hello, RealClock(), times)
    control = Place(name="control", base_url="control", socket=reach(run / "control.sock"))
    found = Worker(
        loop=asyncio.get_running_loop(), clock=RealClock(), ids=RandomIds(), times=times,
        control=control, ledger=link,
    )  # fmt: skip
    link.serve(found, lambda: None)
    await found.listen(sock)
    tasks = Tasks("link")
    _ = tasks.spawn(link.run(), name="talk")
    try:
        yield f"http://127.0.0.1:{hello.port}", found
    finally:
        await found.close()
        link.flush()
        await tasks.close()
