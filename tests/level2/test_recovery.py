"""`kill -9` of the serving process in a swap, with containers and engines that are real."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from spark_control.core.clock import RealClock
from tests.fleet.process import SERVE, answers, serving
from tests.fleet.test_recovery import end, start, until
from tests.level2.machine import Machine, command_line
from tests.level2.machines import variables

pytestmark = pytest.mark.root
OURS = ("spark-control", "docker ", "timeout ", "flock", "launch-cluster")
Served = tuple[asyncio.subprocess.Process, httpx.AsyncClient]


@asynccontextmanager
async def serve(sparks: list[Machine], folder: Path) -> AsyncIterator[Served]:
    async with serving(*SERVE, cwd=None, **variables(sparks, folder)) as (process, url):
        await answers(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
            yield process, http


async def nothing_left(spark: Machine) -> None:
    """One container, one engine, no process of ours and no half file."""
    async with asyncio.timeout(20):
        while left := ours(spark):
            await RealClock().sleep(0.1)
    assert (spark.containers(), len(spark.engines())) == (["vllm_node"], 1), left
    files = sorted(path.name for path in (spark.home / ".spark-control").iterdir())
    assert [name.partition("-")[0] for name in files] == [
        "launch", "launch.log", "swap.fence", "swap.lock",
    ]  # fmt: skip


async def guarded(spark: Machine) -> None:
    """Return once the launch has come past the guard on the Spark."""
    async with asyncio.timeout(20):
        while not list((spark.home / ".spark-control").glob("swap.fence-*")):
            await RealClock().sleep(0.05)


def ours(spark: Machine) -> list[str]:
    """Return the commands on the Spark that somebody should have ended."""
    lines = map(command_line, spark.processes())
    return [line for line in lines if line.startswith(OURS) or " docker " in line]


@pytest.mark.parametrize("fault", ["launcher-hangs", "never-ready"])
async def test_killed_then_followed_to_its_end(
    sparks: list[Machine], tmp_path: Path, fault: str
) -> None:
    """Killed while the launcher runs, and while the model loads: the new process goes on."""
    spark = sparks[0]
    phase = {"launcher-hangs": "launching", "never-ready": "loading"}[fault]
    spark.fault(fault)
    async with serve(sparks[:1], tmp_path) as (process, http):
        job = await start(http, "qwen36")
        assert (await until(http, job, phase))["phase"] == phase
        if phase == "launching":  # killed before the launch has come there, nothing would go on
            await guarded(spark)
        process.kill()
        await process.wait()
    async with serve(sparks[:1], tmp_path) as (_, http):
        found = (await http.get(f"/api/swap/{job}")).json()
        assert found["state"] == "running", found
        busy = await http.post("/api/swap", json={"model": "gpt-oss-120b"})
        assert busy.status_code == 409
        spark.fault(fault, on=False)
        ended = await end(http, job)
        assert (ended["state"], ended["error"]) == ("ready", None), ended
        assert [row["model"] for row in (await http.get("/api/status")).json()["loaded"]] == [
            "qwen36"
        ]
        assert len((await http.get("/api/jobs")).json()["jobs"]) == 1
    await nothing_left(spark)
