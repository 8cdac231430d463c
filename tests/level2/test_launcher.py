"""The contract of `Launcher` with the real docker client and containers that are real."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from typing_extensions import override

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from spark_control.fleet.ports import Host
from spark_control.swap.adapters.spark_vllm_docker import SparkVllmDocker
from spark_control.swap.adapters.vllm_parser import VllmParser
from spark_control.swap.domain import Progress, Unit, UnitStatus
from spark_control.swap.errors import (
    DockerRefused,
    ImageMissing,
    LaunchBusy,
    LauncherMissing,
    LaunchFenced,
)
from spark_control.swap.parse import bare, progress_of
from tests.contract.host.sites import Site
from tests.contract.host.waiting import eventually
from tests.level2.machine import Machine

pytestmark = pytest.mark.root


UNIT = Unit(
    job="swap_1", key="qwen36", source="Qwen/Qwen3.6-35B-A3B-FP8", container="vllm_node",
    image="vllm-node", port=8888, launch_dir="~/spark-vllm-docker", realm="r", fence=3,
    args=("--max-model-len", "8192"), env={"NOTE": "it's $HOME"},
)  # fmt: skip
LIMIT_S = 20.0
GONE = UnitStatus(container=False, engine=False)
Launch = tuple[SparkVllmDocker, Host]


@pytest.fixture
async def launch(site: Site) -> AsyncIterator[Launch]:
    host = site.host()
    yield SparkVllmDocker(RealClock()), host
    await host.close()


async def engine(launch: Launch) -> UnitStatus:
    """Wait for the engine process and return what is seen."""
    launcher, host = launch
    async with asyncio.timeout(LIMIT_S):
        while not (seen := await launcher.status(host, UNIT.container)).engine:
            await RealClock().sleep(0.05)
    return seen


async def test_from_nothing_to_an_engine_and_back(launch: Launch, spark: Machine) -> None:
    launcher, host = launch
    assert await launcher.status(host, UNIT.container) == GONE
    assert await launcher.stop(host, UNIT.container, timeout_s=LIMIT_S) is False
    await launcher.prepare([host], UNIT)
    await launcher.start([host], UNIT, timeout_s=LIMIT_S)
    seen = await engine(launch)
    assert (seen.container, seen.job, seen.model) == (True, UNIT.job, UNIT.key)
    labels = spark.docker("inspect", "-f", "{{json .Config.Labels}}", UNIT.container)
    assert json.loads(labels).items() >= {"sc.job": "swap_1", "sc.model": "qwen36"}.items()

    async with launcher.logs(host, UNIT.container, follow=True, timeout_s=LIMIT_S) as lines:
        assert any([progress_of(line) == Progress("Answering") async for line in upto(lines)])
        assert await launcher.stop(host, UNIT.container, timeout_s=LIMIT_S) is True
        assert [line async for line in lines][-1].endswith("Finished server process [1]")
    assert await launcher.status(host, UNIT.container) == GONE
    assert (spark.containers(), spark.engines()) == ([], [])
    assert sorted(path.name for path in (spark.home / ".spark-control").iterdir()) == [
        "launch-vllm_node.sh", "launch.log", "swap.fence-r", "swap.lock",
    ]  # fmt: skip


async def upto(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Give lines until the engine answers."""
    async for line in lines:
        yield line
        if "Application startup complete" in line:
            return


async def test_a_kept_log_ends_by_itself_and_has_times(launch: Launch) -> None:
    launcher, host = launch
    await launcher.prepare([host], UNIT)
    await launcher.start([host], UNIT, timeout_s=LIMIT_S)
    await engine(launch)
    kept: list[str] = []
    async with asyncio.timeout(LIMIT_S):
        while not any("Starting to load" in line for line in kept):
            async with launcher.logs(
                host, UNIT.container, follow=False, timeout_s=LIMIT_S
            ) as lines:
                kept = [line async for line in lines]
    assert bare(kept[0]) != kept[0]


async def test_an_engine_that_dies_leaves_its_container(launch: Launch, spark: Machine) -> None:
    launcher, host = launch
    await launcher.prepare([host], UNIT)
    await launcher.start([host], UNIT, timeout_s=LIMIT_S)
    await engine(launch)
    for pid in spark.engines():
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not spark.engines())
    seen = await launcher.status(host, UNIT.container)
    assert (seen.container, seen.engine, seen.job) == (True, False, UNIT.job)
    assert await launcher.stop(host, UNIT.container, timeout_s=LIMIT_S) is True
    assert spark.containers() == []


async def test_an_engine_that_will_not_end_is_ended(launch: Launch, spark: Machine) -> None:
    launcher, host = launch
    await launcher.prepare([host], UNIT)
    await launcher.start([host], UNIT, timeout_s=LIMIT_S)
    await engine(launch)
    quick = SparkVllmDocker(HurriedClock())
    for pid in spark.engines():
        os.kill(pid, signal.SIGSTOP)
    assert await quick.stop(host, UNIT.container, timeout_s=LIMIT_S * 20) is True
    assert (spark.containers(), spark.engines()) == ([], [])


class HurriedClock(RealClock):
    """A clock on which twenty times as long has gone by."""

    @override
    def monotonic(self) -> float:
        return super().monotonic() * 20


async def test_an_image_without_pkill_is_no_hindrance(launch: Launch, spark: Machine) -> None:
    launcher, host = launch
    await launcher.prepare([host], UNIT)
    await launcher.start([host], UNIT, timeout_s=LIMIT_S)
    await engine(launch)
    spark.docker("exec", UNIT.container, "rm", "/bin/pkill")
    assert await launcher.stop(host, UNIT.container, timeout_s=LIMIT_S) is True
    assert (spark.containers(), spark.engines()) == ([], [])


async def test_what_cannot_be_launched_is_said(launch: Launch, spark: Machine) -> None:
    launcher, host = launch
    with pytest.raises(ImageMissing):
        await launcher.prepare([host], replace(UNIT, image="vllm-none:1"))
    with pytest.raises(LauncherMissing):
        await launcher.prepare([host], replace(UNIT, launch_dir="~/nowhere"))
    spark.inside("chmod", "600", "/run/docker.sock")
    try:
        with pytest.raises(DockerRefused) as caught:
            await launcher.prepare([host], UNIT)
        assert "permission denied" in str(caught.value.detail)
        with pytest.raises(DockerRefused):
            await launcher.status(host, UNIT.container)
    finally:
        spark.inside("chmod", "660", "/run/docker.sock")


async def test_the_guard_lets_one_launch_in_and_no_older_fence(
    launch: Launch, spark: Machine
) -> None:
    launcher, host = launch
    await launcher.prepare([host], UNIT)
    spark.fault("launcher-hangs")
    tasks = Tasks("test")

    async def first() -> None:
        await launcher.start([host], UNIT, timeout_s=LIMIT_S)

    task = tasks.spawn(first(), name="launch")
    fence = spark.home / ".spark-control" / "swap.fence-r"
    await eventually(lambda: fence.is_file() and fence.read_text() == "3\n")
    with pytest.raises(LaunchBusy):
        await launcher.start([host], replace(UNIT, fence=4), timeout_s=LIMIT_S)
    spark.fault("launcher-hangs", on=False)
    await task
    with pytest.raises(LaunchFenced):
        await launcher.start([host], replace(UNIT, fence=2), timeout_s=LIMIT_S)
    assert (await engine(launch)).job == UNIT.job
    assert len(spark.engines()) == 1


async def test_vllms_parser_is_asked_in_the_image(launch: Launch, spark: Machine) -> None:
    parser, host = VllmParser(), launch[1]
    image = spark.docker("image", "inspect", "-f", "{{.Id}}", "vllm-node").strip()
    assert await parser.image_id(host, "vllm-node") == image
    assert await parser.image_id(host, "vllm-none") is None
    good = ("Qwen/Qwen3.6-35B-A3B-FP8", "--port", "8888")
    said = await parser.ask(host, UNIT, good, fresh=True, timeout_s=LIMIT_S)
    assert (said.checked, said.ok, said.table is None) == (True, True, False), said
    await launch[0].prepare([host], UNIT)
    await launch[0].start([host], UNIT, timeout_s=LIMIT_S)
    said = await parser.ask(host, UNIT, ("m", "--prot", "1"), fresh=False, timeout_s=LIMIT_S)
    assert (said.checked, said.ok) == (True, False), said
    assert spark.containers() == [UNIT.container]
