"""An engine over two Sparks of the lab, by either kind of launch scripts, and `ssh` in between."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box
from spark_control.lab.standins.peers import link_address
from spark_control.lab.world import Lab
from tests.contract.lab.near import PUBLIC, SERVE, Near, survivors, until

SCRIPTS = "~/spark-vllm-docker/launch-cluster.sh"
REPO = "QuantTrio/MiniMax-M2-AWQ"
SHARE = "--gpu-memory-utilization 0.7"


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Near, Near]]:
    state = tmp_path / "a lab's state"
    async with Lab(state, authorized_keys=[PUBLIC], sparks=2, models=["minimax-m2-awq"]) as lab:
        yield Near(lab), Near(lab, 2)
    assert survivors(state) == []


def fast(near: Near) -> str:
    """Return the address of a Spark on the fast link."""
    return link_address(near.spark.host)


async def test_sparks_reach_each_other_as_the_launcher_does(pair: tuple[Near, Near]) -> None:
    one, two = pair
    ssh = f"ssh -o BatchMode=yes -o ConnectTimeout=5 {fast(two)}"
    there = await one.run(f"{ssh} 'hostname; echo \"$HOME\"'")
    assert (there.status, there.out) == (0, f"spark2\n{two.spark.home}\n")
    assert (await one.run(f"{ssh} 'exit 7'")).status == 7
    assert (await one.run(f"echo in | {ssh} cat")).out == "in\n"
    assert (await one.run("ssh")).status == 255
    await two.lab.set_fault("spark2", "no-peer-ssh")
    refused = await one.run(f"{ssh} true")
    assert (refused.status, "Permission denied" in refused.err) == (255, True)
    await two.lab.set_fault("spark2", "offline")
    assert "No route to host" in (await one.run(f"{ssh} true")).err


async def launched(one: Near, two: Near) -> None:
    line = SERVE.format(model=REPO, key="big", more=SHARE).replace("-tp 1", "-tp 2")
    assert (await one.run("cat > ~/job.sh", f"#!/bin/bash\n{line}\n")).status == 0
    nodes = f"-n {fast(one)},{fast(two)} --eth-if enp1s0f0np0 --ib-if rocep1s0f0"
    labels = "VLLM_SPARK_EXTRA_DOCKER_ARGS='--label sc.job=j1'"
    done = await one.run(f"{labels} {SCRIPTS} {nodes} -d --launch-script ~/job.sh")
    assert (done.status, "Starting Worker Node" in done.out) == (0, True), done
    await one.health(200)


async def test_a_cluster_comes_up_and_is_stuck_when_a_part_is_lost(
    pair: tuple[Near, Near],
) -> None:
    one, two = pair
    await launched(one, two)
    listed = "docker ps --filter label=sc.job=j1 --format '{{.Names}}'"
    assert (await two.run(listed)).out == "vllm_node\n"
    assert "world_size=2 rank=1" in await two.logs()
    assert (await two.ask("/health"))[0] == 0
    asked = {"model": "big", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    assert (await one.ask("/v1/chat/completions", asked))[0] == 200
    again = await one.run(f"{SCRIPTS} -n {fast(one)},{fast(two)} -d start")
    assert "already running. Skipping launch." in again.out

    box = Box(two.lab.state_dir / "spark2")
    engines = [int(path.stem) for path in (box.folder / "engines").glob("*.json")]
    assert all(procs.send(number, box.mark, 9) for number in engines)
    await until(lambda: not any(procs.wears(number, box.mark) for number in engines))
    token = f'curl -s -m 1 -d \'{{"model": "big"}}\' http://{one.spark.host}:8888/v1/completions'
    assert (await one.run(token)).status == 28
    await one.health(200)
    assert (await two.run("docker ps -q")).out != ""
    assert (await one.run(f"{SCRIPTS} -n {fast(one)},{fast(two)} stop")).status == 0
    assert [(await near.run("docker ps -aq")).out for near in pair] == ["", ""]


async def test_the_manners_of_older_scripts(pair: tuple[Near, Near]) -> None:
    one, two = pair
    await one.lab.set_fault("spark1", "older-launcher")
    helped = await one.run(f"{SCRIPTS} --help")
    assert (helped.status, "--solo" in helped.out) == (1, False)
    assert (await one.run(SCRIPTS)).status == 1
    assert (await one.run(f"{SCRIPTS} --solo -d")).status == 1
    nodes = f"-n {fast(one)},{fast(two)}"
    assert (await one.run(f"{SCRIPTS} {nodes} --check-config")).status == 0
    assert (await one.run(f"{SCRIPTS} {nodes} -t no-image -d start")).status == 1
    started = await one.run(f"{SCRIPTS} {nodes} -t vllm-node -d start")
    assert "Cluster started in background" in started.out
    assert [(await near.run("docker ps -q")).out != "" for near in pair] == [True, True]
    assert (await one.ask("/health"))[0] == 0
    assert (await one.run(f"{SCRIPTS} {nodes} status")).status == 0
    assert (await one.run(f"{SCRIPTS} {nodes} exec true")).status == 1
    await one.run(f"{SCRIPTS} {nodes} stop")
    assert [(await near.run("docker ps -aq")).out for near in pair] == ["", ""]
