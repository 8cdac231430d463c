"""A model over two Sparks, over the lab: all parts together, up, down, and when one is lost."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from spark_control.app.compose import compose
from spark_control.core.clock import RealClock
from spark_control.lab.faults import Fault
from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box
from spark_control.lab.standins.peers import link_address
from tests.fleet.system import QUICK, System, served, system

MODEL = "minimax-m2"
BOTH = ["spark1", "spark2"]
PATIENT = replace(QUICK, launch=20.0, load=30.0, stop=20.0)
"""A launch on two Sparks starts many commands, and the machine may be busy."""


def cluster(tmp_path: Path) -> AbstractAsyncContextManager[System]:
    """Run the lab and Spark Control with the models that are used here."""
    return system(tmp_path, limits=PATIENT)


def containers(there: System) -> list[int]:
    """Return how many containers each Spark has."""
    folders = [there.lab.state_dir / spark.name / "containers" for spark in there.lab.sparks]
    return [len(list(folder.iterdir())) for folder in folders]


def kill_part(there: System, spark: str) -> None:
    """Kill the engine's processes on a Spark; the container stays."""
    box = Box(there.lab.state_dir / spark)
    for path in (box.folder / "engines").glob("*.json"):
        assert procs.send(int(path.stem), box.mark, 9)


async def entered(there: System, job: str, phase: str) -> None:
    """Return once the swap is in `phase`."""
    running = there.parts.swaps.live(job)
    assert running is not None
    async with asyncio.timeout(30):
        async for _ in there.parts.swaps.follow(running, 0):
            if running.job.phase == phase:
                return
    raise AssertionError(f"{running.job.phase}, never {phase}: {running.job.error}")


async def loaded(there: System) -> list[tuple[str, list[str]]]:
    status = await there.get("/api/status")
    return [(row["model"], row["sparks"]) for row in status["loaded"]]


async def log_of(there: System, job: str, spark: str = "") -> str:
    answer = await there.http.get(f"/api/jobs/{job}/log", params={"tail": 5000, "spark": spark})
    assert answer.status_code == 200
    return answer.text


async def failed(there: System, **more: object) -> dict[str, Any]:
    done = await there.swapped(MODEL, **more)
    assert done["state"] == "failed", done
    error: dict[str, Any] = done["error"]
    return error


async def test_up_over_two_sparks_and_down_with_either(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.swapped("gemma4", host="spark2")
        done = await there.swapped(MODEL)
        assert (done["state"], done["error"]) == ("ready", None), done
        assert (done["spark"], done["sparks"], done["replaces"]) == ("spark1", BOTH, ["gemma4"])
        assert (await there.chat(MODEL)).status_code == 200
        assert await loaded(there) == [(MODEL, BOTH)]
        menu = (await there.get("/api/models"))["models"]
        assert next(row for row in menu if row["key"] == MODEL)["loaded_on"] == BOTH
        status = await there.get("/api/status")
        parts = [(row["part"]["head"], row["part"]["alive"]) for row in status["sparks"]]
        assert parts == [("spark1", True), ("spark1", True)]
        assert "world_size=2 rank=0" in await log_of(there, done["id"])
        assert "world_size=2 rank=1" in await log_of(there, done["id"], "spark2")

        body = {"model": "gemma4", "host": "spark2", "dry_run": True}
        rehearsed = (await there.http.post("/api/swap", json=body)).json()
        assert (rehearsed["sparks"], rehearsed["ends"]) == (["spark2"], ["spark1"])
        assert [host["spark"] for host in rehearsed["hosts"]] == ["spark2", "spark1"]

        solo = await there.swapped("gemma4", host="spark2")
        assert (solo["state"], solo["replaces"]) == ("ready", [MODEL])
        assert containers(there) == [0, 1]
        assert await loaded(there) == [("gemma4", ["spark2"])]
        status = await there.get("/api/status")
        assert [row["part"] for row in status["sparks"]] == [None, None]


async def test_what_it_would_do_is_told_for_each_spark(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        body = {"model": MODEL, "host": "spark2", "dry_run": True}
        answer = await there.http.post("/api/swap", json=body)
        assert answer.status_code == 200, answer.text
        first, second = answer.json()["hosts"]
        assert (first["spark"], second["spark"]) == ("spark2", "spark1")
        launch = first["steps"][-1]["command"]
        one, two = (link_address(spark.host) for spark in there.lab.sparks)
        assert f"-n {two},{one} --eth-if enp1s0f0np0 --ib-if rocep1s0f0" in launch
        assert "sc.ranks=spark2,spark1" in launch
        assert "--solo" not in launch
        assert "-tp 2" in first["steps"][-2]["stdin"]
        found = (await there.http.post(f"/api/swap/{MODEL}/validate", json={})).json()
        assert (found["ok"], found["errors"]) == (True, []), found
        assert containers(there) == [0, 0]


async def test_an_older_launcher_brings_up_ray_and_we_the_engine(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.lab.set_fault("spark1", Fault.OLDER_LAUNCHER)
        solo = await there.swapped("qwen36")
        assert solo["error"]["code"] == "launcher_too_old"
        assert "git pull" in solo["error"]["hint"]
        done = await there.swapped(MODEL)
        assert (done["state"], done["error"]) == ("ready", None), done
        assert (await there.chat(MODEL)).status_code == 200
        assert "Ray runtime started." in await log_of(there, done["id"], "spark2")
        assert "rank=1" in await log_of(there, done["id"], "spark2")
        assert await loaded(there) == [(MODEL, BOTH)]


BEFORE_A_LAUNCH = [
    ("spark2", Fault.NO_PEER_SSH, "", "peer_refused"),
    ("spark2", Fault.FOREIGN_ENGINE, "8888", "port_taken"),
    ("spark1", Fault.LAUNCHER_LIES, "", "launcher_lied"),
    ("spark2", Fault.DISK_FULL, "", "launcher_failed"),
    ("spark2", Fault.OFFLINE, "", "host_unreachable"),
]


async def test_what_keeps_it_from_starting(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.get("/api/models")
        for spark, fault, param, code in BEFORE_A_LAUNCH:
            await there.lab.set_fault(spark, fault, param)
            error = await failed(there)
            assert error["code"] == code, error
            await there.lab.clear_fault(spark, fault)
            assert containers(there) == [0, 0]


async def test_another_image_on_the_worker_and_a_container_in_the_way(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        path = there.lab.state_dir / "spark2" / "spark.json"
        facts = json.loads(path.read_text())
        facts["images"][0]["id"] = f"sha256:{'ab' * 32}"
        path.write_text(json.dumps(facts))
        assert (await failed(there))["code"] == "image_differs"
        found = (await there.http.post(f"/api/swap/{MODEL}/validate", json={})).json()
        assert "not the same image on spark1 and spark2" in found["errors"][0]
        await there.lab.set_fault("spark1", Fault.LAUNCHER_SKIPS)
        done = await there.swapped("qwen36")
        assert done["error"]["code"] == "launcher_lied", done
        assert "none of its own" in done["error"]["message"]
        assert containers(there) == [1, 0]


async def test_the_model_is_not_whole_on_the_worker(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        hub = there.lab.sparks[1].home / ".cache/huggingface/hub/models--QuantTrio--MiniMax-M2-AWQ"
        next(hub.glob("snapshots/*/model-00007-*")).unlink()
        await there.parts.models.menu(fresh=True)
        answer = await there.http.post("/api/swap", json={"model": MODEL})
        assert answer.status_code == 409
        error = answer.json()["error"]
        assert (error["code"], error["detail"]["spark"]) == ("model_incomplete", "spark2")


async def test_a_part_that_dies_while_loading(tmp_path: Path) -> None:
    """Whichever it is, it is named; the other one ends or hangs because of it."""
    async with cluster(tmp_path) as there:
        await there.swapped("qwen36")
        for spark in ("spark2", "spark1"):
            await there.lab.set_fault(spark, Fault.FAILED_LOAD)
            error = await failed(there, rollback=True)
            assert (error["code"], error["detail"]["spark"]) == ("rank_died", spark), error
            assert error["message"].endswith("The GPU reported a fault.")
            await there.lab.clear_fault(spark, Fault.FAILED_LOAD)
            if spark == "spark2":
                assert error["detail"]["rolls_back_to"] == "qwen36"
                async with asyncio.timeout(30):
                    while await loaded(there) != [("qwen36", ["spark1"])]:
                        await RealClock().sleep(0.05)
                assert containers(there) == [1, 0]
                async with asyncio.timeout(30):
                    while there.parts.swaps.running is not None:
                        await RealClock().sleep(0.05)


async def test_half_of_it_dies_before_it_is_verified(tmp_path: Path) -> None:
    """The first Spark stays green, and no token ever comes."""
    async with cluster(tmp_path) as there:
        await there.lab.set_fault("spark1", Fault.WEDGE)
        job = await there.swap(MODEL)
        await entered(there, job["id"], "verifying")
        kill_part(there, "spark2")
        done = await there.ended(job)
        assert done["error"]["code"] == "rank_died", done
        assert done["error"]["detail"]["spark"] == "spark2"
        assert containers(there) == [0, 0]


async def test_half_of_it_dies_later_and_the_status_says_so(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.swapped(MODEL)
        kill_part(there, "spark2")
        async with asyncio.timeout(30):
            while not any(group.missing for group in await there.parts.swaps.ranks.look()):
                await RealClock().sleep(0.05)
        status = await there.get("/api/status")
        notice = next(row for row in status["notices"] if row["code"] == "cluster_broken")
        assert notice["message"].startswith(f"spark2 lost the part of {MODEL}")
        assert [row["part"]["alive"] for row in status["sparks"]] == [True, False]
        address = there.parts.engines.slots()["spark1"]
        look = await there.parts.swaps.runner.probe.look(address, timeout_s=5)
        assert look.state == "serving"


async def test_a_stop_that_fails_on_the_worker(tmp_path: Path) -> None:
    async with system(tmp_path, limits=replace(PATIENT, stop=3.0)) as there:
        await there.swapped(MODEL)
        await there.lab.set_fault("spark2", Fault.STOP_FAILS, "1000")
        done = await there.swapped("qwen36")
        assert done["error"]["code"] == "stop_failed", done
        assert "spark2" in done["error"]["message"]


async def test_cancelling_leaves_nothing_on_any_spark(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        await there.lab.set_fault("spark2", Fault.NEVER_READY)
        job = await there.swap(MODEL)
        await entered(there, job["id"], "loading")
        assert containers(there) == [1, 1]
        ended = (await there.http.delete(f"/api/swap/{job['id']}")).json()
        assert ended["error"]["code"] == "swap_cancelled"
        assert containers(there) == [0, 0]


async def test_a_newer_fence_on_the_worker_keeps_the_launch_off(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        realm = (await there.parts.locks.look()).lock.fence.realm
        folder = there.lab.sparks[1].home / ".spark-control"
        folder.mkdir()
        (folder / f"swap.fence-{realm}").write_text("99\n")
        error = await failed(there)
        assert (error["code"], containers(there)) == ("launch_fenced", [0, 0])


async def test_left_while_loading_and_found_again_on_both(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        job = await left_loading(there)
        await there.lab.clear_fault("spark2", Fault.NEVER_READY)
        shape = await taken_up(there, job)
        assert (shape["state"], shape["error"]) == ("ready", None), shape
        assert containers(there) == [1, 1]


async def test_left_while_loading_and_one_part_is_gone(tmp_path: Path) -> None:
    async with cluster(tmp_path) as there:
        job = await left_loading(there)
        host = there.parts.fleet.host("spark2")
        await there.parts.swaps.launcher.stop(host, "vllm_node", timeout_s=10)
        shape = await taken_up(there, job)
        assert shape["error"]["code"] == "interrupted", shape
        assert containers(there) == [0, 0]


async def left_loading(there: System) -> str:
    """Leave a swap in the middle of loading, as a process that ends does."""
    await there.lab.set_fault("spark2", Fault.NEVER_READY)
    job: str = (await there.swap(MODEL))["id"]
    await entered(there, job, "loading")
    await there.parts.tasks.close()
    return job


async def taken_up(there: System, job: str) -> dict[str, Any]:
    """Start again on the same data and return how the swap ended."""
    again = compose(there.parts.boot, limits=PATIENT)
    async with (
        served(again) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
        asyncio.timeout(30),
    ):
        while True:
            shape: dict[str, Any] = (await http.get(f"/api/swap/{job}")).json()
            if shape["state"] != "running":
                return shape
            await RealClock().sleep(0.05)
