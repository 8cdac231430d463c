"""`kill -9` in every phase of a swap: it is followed to its end later, or says why not."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from spark_control.app.compose import compose
from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab.faults import Fault
from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box
from spark_control.lab.world import Lab
from tests.fleet.process import SERVE, answers, serving
from tests.fleet.system import QUICK, served, system

MODELS = ["Qwen/Qwen3.6-35B-A3B-FP8", "openai/gpt-oss-120b", "QuantTrio/MiniMax-M2-AWQ"]
OURS = ("docker ", "timeout ", "flock ", "launch-cluster", "./launch-cluster", "ssh ")


@dataclass
class Fleet:
    """A lab that outlives the serving process."""

    lab: Lab
    variables: dict[str, str]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
        async with serving(*SERVE, cwd=None, **self.variables) as (process, url):
            await answers(url)
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
                yield process, http


@asynccontextmanager
async def fleet(tmp: Path, sparks: int = 1) -> AsyncIterator[Fleet]:
    key = ensure_key(tmp / "key")
    async with Lab(tmp / "lab", authorized_keys=[key], sparks=sparks, models=MODELS) as lab:
        variables = {"DATA_DIR": str(tmp / "data"), "SSH_KEY_PATH": str(tmp / "key")}
        for n, spark in enumerate(lab.sparks, 1):
            variables |= {f"SPARK{n}_HOST": spark.host, f"SPARK{n}_PORT": str(spark.port),
                          f"SPARK{n}_USER": spark.user}  # fmt: skip
        yield Fleet(lab, variables)


async def start(http: httpx.AsyncClient, model: str, **more: object) -> str:
    await http.get("/api/models")
    answer = await http.post("/api/swap", json={"model": model, **more})
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


async def until(http: httpx.AsyncClient, job: str, phase: str) -> dict[str, Any]:
    """Look until the swap is in `phase` or has ended."""
    async with asyncio.timeout(40):
        while True:
            shape: dict[str, Any] = (await http.get(f"/api/swap/{job}")).json()
            if shape["phase"] == phase and shape["state"] == "running":
                return shape
            if shape["state"] not in {"queued", "running"}:
                return shape
            await RealClock().sleep(0.05)


async def end(http: httpx.AsyncClient, job: str) -> dict[str, Any]:
    return await until(http, job, "no such phase")


def engines(there: Fleet) -> int:
    """Count the containers that the lab's Spark has."""
    folder = there.lab.state_dir / "spark1" / "containers"
    return len(list(folder.iterdir()))


async def nothing_left(there: Fleet, *engines_on: str) -> None:
    """One container with one engine on those Sparks and none elsewhere; no command of ours."""
    boxes = [Box(there.lab.state_dir / spark.name) for spark in there.lab.sparks]
    async with asyncio.timeout(20):
        while left := [line for box in boxes for line in ours(box)]:
            await RealClock().sleep(0.05)
    assert left == []
    for box, spark in zip(boxes, there.lab.sparks, strict=True):
        there_now = 1 if spark.name in engines_on else 0
        assert len(list(box.containers.iterdir())) == there_now, spark.name
        running = [path for path in (box.folder / "engines").glob("*.json")
                   if procs.wears(int(path.stem), box.mark)]  # fmt: skip
        assert len(running) == there_now, spark.name
        files = [path.name for path in (spark.home / ".spark-control").glob("*")]
        assert [name for name in files if name.endswith((".part", ".new"))] == []
        assert not list((spark.home / ".spark-control").glob(".*.part"))


def ours(box: Box) -> list[str]:
    """Return the commands on a Spark that somebody should have ended."""
    lines = map(procs.command_line, procs.marked(box.mark))
    return [line for line in lines if line.startswith(OURS)]


async def no_lease(there: Fleet) -> None:
    """Only running jobs hold something."""
    path = Path(there.variables["DATA_DIR"]) / "spark-control.db"
    with closing(sqlite3.connect(path)) as found:
        held = found.execute("SELECT host, job_id FROM leases").fetchall()
    assert held == []


KILLED = [
    ("checking", Fault.SLOW, "3", "interrupted"),
    ("loading", Fault.NEVER_READY, "", "swap_cancelled"),
    ("verifying", Fault.WEDGE, "", "swap_cancelled"),
]


@pytest.mark.parametrize(("phase", "fault", "param", "code"), KILLED)
async def test_killed_in_a_phase(
    tmp_path: Path, phase: str, fault: Fault, param: str, code: str
) -> None:
    async with fleet(tmp_path) as there:
        async with there.served() as (process, http):
            await http.get("/api/models")
            await there.lab.set_fault("spark1", fault, param)
            job = await start(http, "qwen36")
            shape = await until(http, job, phase)
            assert shape["phase"] == phase, shape
            process.kill()
            await process.wait()
        if fault is Fault.SLOW:
            await there.lab.clear_fault("spark1", fault)
        async with there.served() as (_, http):
            if code == "swap_cancelled":
                found = await until(http, job, phase)
                assert (found["state"], found["phase"]) == ("running", phase), found
                busy = await http.post("/api/swap", json={"model": "gpt-oss-120b"})
                assert busy.status_code == 409
                await http.delete(f"/api/swap/{job}")
            ended = await end(http, job)
            assert ended["error"]["code"] == code, ended
            await there.lab.clear_fault("spark1", fault)
            again = await end(http, await start(http, "gpt-oss-120b"))
            assert again["state"] == "ready", again
        await nothing_left(there, "spark1")
        await no_lease(there)


async def test_killed_while_running_requests_are_awaited(tmp_path: Path) -> None:
    """Nothing was touched: the engine before goes on to answer."""
    body = {"model": "qwen36", "messages": [{"role": "user", "content": "Hi"}]}
    async with fleet(tmp_path) as there:
        async with there.served() as (process, http):
            assert (await end(http, await start(http, "qwen36")))["state"] == "ready"
            await there.lab.set_fault("spark1", Fault.WEDGE)
            tasks = Tasks("request")
            _ = tasks.spawn(asked(http, body), name="that never ends")
            job = await start(http, "gpt-oss-120b")
            shape = await until(http, job, "draining")
            assert shape["phase"] == "draining", shape
            process.kill()
            await process.wait()
            await tasks.close()
        await there.lab.clear_fault("spark1", Fault.WEDGE)
        async with there.served() as (_, http):
            ended = await end(http, job)
            assert (ended["phase"], ended["error"]["code"]) == ("draining", "interrupted"), ended
            await served_model(http, "qwen36")
        await nothing_left(there, "spark1")
        await no_lease(there)


async def asked(http: httpx.AsyncClient, body: object) -> None:
    with suppress(httpx.TransportError):
        await http.post("/v1/chat/completions", json=body)


async def test_killed_while_the_engine_before_is_stopped(tmp_path: Path) -> None:
    async with fleet(tmp_path) as there:
        async with there.served() as (process, http):
            assert (await end(http, await start(http, "qwen36")))["state"] == "ready"
            await there.lab.set_fault("spark1", Fault.STOP_FAILS, "9999")
            job = await start(http, "gpt-oss-120b")
            shape = await until(http, job, "stopping")
            assert shape["phase"] == "stopping", shape
            process.kill()
            await process.wait()
        await there.lab.clear_fault("spark1", Fault.STOP_FAILS)
        async with there.served() as (_, http):
            ended = await end(http, job)
            assert (ended["phase"], ended["error"]["code"]) == ("stopping", "interrupted"), ended
            again = await end(http, await start(http, "gpt-oss-120b"))
            assert again["state"] == "ready", again
        await nothing_left(there, "spark1")
        await no_lease(there)


@pytest.mark.parametrize(("model", "on"), [("qwen36", 1), ("minimax-m2", 2)])
async def test_killed_while_the_launcher_runs(tmp_path: Path, model: str, on: int) -> None:
    """The launcher goes on without us, on one Spark and on two, and so does the swap later."""
    async with fleet(tmp_path, on) as there:
        sparks = [spark.name for spark in there.lab.sparks]
        async with there.served() as (process, http):
            await http.get("/api/models")
            job = await start(http, model)
            await until(http, job, "stopping")
            await there.lab.set_fault("spark1", Fault.SLOW, "1")  # what comes after the launch
            launched = there.lab.sparks[0].home / ".spark-control" / "launch.log"
            async with asyncio.timeout(30):
                while not await asyncio.to_thread(launched.exists):
                    await RealClock().sleep(0.01)
            shape = (await http.get(f"/api/swap/{job}")).json()
            assert (shape["state"], shape["phase"]) == ("running", "launching"), shape
            process.kill()
            await process.wait()
        await there.lab.clear_fault("spark1", Fault.SLOW)
        async with there.served() as (_, http):
            ended = await end(http, job)
            assert (ended["state"], ended["error"]) == ("ready", None), ended
            await served_model(http, model)
            assert len((await http.get("/api/jobs")).json()["jobs"]) == 1
        await nothing_left(there, *sparks)
        await no_lease(there)


async def served_model(http: httpx.AsyncClient, model: str) -> None:
    """Return once the status names `model` as loaded, and it answers."""
    async with asyncio.timeout(20):
        while not (loaded := (await http.get("/api/status")).json()["loaded"]):
            await RealClock().sleep(0.05)
    assert [row["model"] for row in loaded] == [model]
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    assert (await http.post("/v1/chat/completions", json=body)).status_code == 200


async def test_left_while_launching_and_the_launch_never_comes(tmp_path: Path) -> None:
    """In this process, with short limits: a launch may take three minutes otherwise."""
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.LAUNCHER_HANGS)
        job = (await there.swap("qwen36"))["id"]
        running = there.parts.swaps.live(job)
        assert running is not None
        async for _ in there.parts.swaps.follow(running, 0):
            if running.job.phase == "launching":
                break
        await there.parts.tasks.close()
        again = compose(there.parts.boot, limits=QUICK)
        async with served(again) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            ended = await end(http, job)
            assert (ended["state"], ended["error"]["code"]) == ("failed", "interrupted"), ended


async def test_killed_while_loading_and_the_engine_comes_up(tmp_path: Path) -> None:
    async with fleet(tmp_path) as there:
        async with there.served() as (process, http):
            await there.lab.set_fault("spark1", Fault.NEVER_READY)
            job = await start(http, "qwen36")
            await until(http, job, "loading")
            process.kill()
            await process.wait()
        await there.lab.clear_fault("spark1", Fault.NEVER_READY)
        async with there.served() as (_, http):
            ended = await end(http, job)
            assert (ended["state"], ended["error"]) == ("ready", None), ended
            loaded = (await http.get("/api/status")).json()["loaded"]
            assert [row["model"] for row in loaded] == ["qwen36"]
            assert engines(there) == 1


async def test_an_engine_that_runs_is_found_after_a_restart(tmp_path: Path) -> None:
    async with fleet(tmp_path) as there:
        async with there.served() as (process, http):
            assert (await end(http, await start(http, "qwen36")))["state"] == "ready"
            process.kill()
            await process.wait()
        async with there.served() as (_, http):
            async with asyncio.timeout(20):
                while not (await http.get("/api/status")).json()["loaded"]:
                    await RealClock().sleep(0.05)
            body = {"model": "qwen36", "messages": [{"role": "user", "content": "Hi"}]}
            assert (await http.post("/v1/chat/completions", json=body)).status_code == 200


async def test_a_failed_swap_brings_the_model_before_back_if_asked(tmp_path: Path) -> None:
    async with fleet(tmp_path) as there, there.served() as (_, http):
        assert (await end(http, await start(http, "qwen36")))["state"] == "ready"
        await there.lab.set_fault("spark1", Fault.FAILED_LOAD)
        job = await start(http, "gpt-oss-120b", rollback=True)
        failed = await end(http, job)
        assert failed["error"]["detail"]["rolls_back_to"] == "qwen36"
        await there.lab.clear_fault("spark1", Fault.FAILED_LOAD)
        async with asyncio.timeout(20):
            while len(jobs := (await http.get("/api/jobs")).json()["jobs"]) < 3:
                await RealClock().sleep(0.05)
        assert [row["target"] for row in jobs] == ["qwen36", "gpt-oss-120b", "qwen36"]
        await end(http, jobs[0]["id"])
