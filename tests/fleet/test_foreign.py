"""Engines that Spark Control did not start: shown, served, taken over, stopped; over the lab."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from spark_control.app.compose import compose
from spark_control.core.clock import RealClock
from spark_control.core.errors import Conflict
from spark_control.core.shell import Command
from spark_control.jobs.exclusion import wants
from spark_control.lab.faults import Fault
from tests.fleet.system import QUICK, System, served, system

CONTAINER = "vllm_node"
KINDS = [("", "process"), ("container", "container")]


async def foreign(there: System, param: str) -> dict[str, Any]:
    """Start an engine that is not ours, and return how it is shown."""
    await there.get("/api/models")
    await there.lab.set_fault("spark1", Fault.FOREIGN_ENGINE, param)
    return await row(there)


async def row(there: System, spark: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = (await there.get("/api/engines?fresh=1"))["engines"][spark]
    return found


@pytest.mark.parametrize(("param", "kind"), KINDS)
async def test_shown_served_and_in_the_way(tmp_path: Path, param: str, kind: str) -> None:
    async with system(tmp_path) as there:
        one = await foreign(there, param)
        assert (one["spark"], one["port"], one["state"]) == ("spark1", 8888, "serving")
        assert (one["ours"], one["kind"], one["served"]) == ("no", kind, ["stranger/other-model"])
        assert one["can_take_over"]
        assert one["can_stop"]
        assert one["since"]
        assert one["confirm"] == (one["name"] if kind == "container" else str(one["pid"]))
        assert (await row(there, 1))["ours"] is None
        listed = await there.get("/v1/models")
        assert "stranger/other-model" in [model["id"] for model in listed["data"]]
        ended = await there.swapped("qwen36", host="spark1")
        assert ended["error"]["code"] == "port_taken"
        assert "take-over" in ended["error"]["hint"]
        assert "stop" in ended["error"]["hint"]
        assert (await row(there))["state"] == "serving"


async def test_taken_over_it_is_replaced(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await foreign(there, "container")
        taken = await there.http.post("/api/engines/spark1/take-over")
        assert (taken.status_code, taken.json()["ours"]) == (200, "adopted")
        again = await there.http.post("/api/engines/spark1/take-over")
        assert again.json()["ours"] == "adopted"
        ended = await there.swapped("qwen36")
        assert ended["state"] == "ready", ended
        one = await row(there)
        assert (one["ours"], one["kind"], one["name"]) == ("yes", "container", "vllm_node")
        assert not one["can_stop"]
        refused = await there.http.post("/api/engines/spark1/stop", json={"confirm": "vllm_node"})
        assert refused.json()["error"]["code"] == "engine_ours"
        # Another one later is not meant by that.
        assert there.parts.takeover.adopted.get("spark1") is None


@pytest.mark.parametrize("param", ["", "container", "stubborn"])
async def test_stopped_by_its_name_only(tmp_path: Path, param: str) -> None:
    async with system(tmp_path, sparks=1) as there:
        one = await foreign(there, param)
        wrong = await there.http.post("/api/engines/spark1/stop", json={"confirm": "1"})
        assert wrong.json()["error"]["code"] == "confirmation_wrong"
        assert one["name"] in wrong.json()["error"]["message"]
        assert (await row(there))["state"] == "serving"
        there.parts.takeover.stop_s = 1.0
        done = await there.http.post("/api/engines/spark1/stop", json={"confirm": one["confirm"]})
        assert (done.status_code, done.json()["state"]) == (200, "absent"), done.text
        assert done.json()["ours"] is None
        gone = await there.http.post("/api/engines/spark1/stop", json={"confirm": "x"})
        assert gone.json()["error"]["code"] == "engine_absent"


async def test_a_restart_remembers_what_was_taken_over(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await foreign(there, "")
        assert (await there.http.post("/api/engines/spark1/take-over")).status_code == 200
        await there.parts.tasks.close()
        again = compose(there.parts.boot, limits=QUICK)
        async with served(again) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            later = System(there.lab, again, http, url)
            assert (await row(later))["ours"] == "adopted"
            ended = await later.swapped("qwen36")
            assert ended["state"] == "ready", ended
        third = compose(there.parts.boot, limits=QUICK)
        async with served(third) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            # Our own engine is ours after a restart by its label; nothing was written down.
            assert (await row(System(there.lab, third, http, url)))["ours"] == "yes"


async def test_another_engine_than_the_one_taken_over_stays(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await foreign(there, "")
        assert (await there.http.post("/api/engines/spark1/take-over")).status_code == 200
        await there.lab.clear_fault("spark1", Fault.FOREIGN_ENGINE)
        await there.lab.set_fault("spark1", Fault.FOREIGN_ENGINE)
        assert (await row(there))["ours"] == "no"
        assert (await there.swapped("qwen36"))["error"]["code"] == "port_taken"


async def test_the_lock_and_a_running_swap_are_respected(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        one = await foreign(there, "")
        held = await there.http.post("/api/swap/lock", json={"holder": "ci", "ttl_s": 60})
        token = {"X-Lock-Token": held.json()["token"]}
        stop = {"confirm": one["confirm"]}
        for path, body in (("take-over", None), ("stop", stop)):
            locked = await there.http.post(f"/api/engines/spark1/{path}", json=body)
            assert (locked.status_code, locked.json()["error"]["code"]) == (423, "swap_locked")
        taken = await there.http.post("/api/engines/spark1/take-over", headers=token)
        assert taken.status_code == 200, taken.text
        await there.http.delete("/api/swap/lock", headers=token)
        await there.lab.set_fault("spark2", Fault.NEVER_READY)
        job = await there.swap("gpt-oss-120b", host="spark2")
        busy = await there.http.post("/api/engines/spark1/stop", json=stop)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "swap_running")
        await there.http.delete(f"/api/swap/{job['id']}")
        done = await there.http.post("/api/engines/spark1/stop", json=stop)
        assert done.status_code == 200, done.text


async def test_a_spark_that_cannot_be_asked_says_so(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await foreign(there, "")
        await there.lab.set_fault("spark1", Fault.CUT, "python3 -I -S -")
        one = await row(there)
        assert (one["ours"], one["kind"]) == (None, "unknown")
        assert one["problems"]
        assert not one["can_stop"]
        async with asyncio.timeout(10):
            while (await row(there))["ours"] != "no":
                await RealClock().sleep(0.05)
        unknown = await there.http.post("/api/engines/spark9/take-over")
        assert unknown.json()["error"]["code"] == "host_unknown"


async def dead_container_of_ours(there: System) -> None:
    """Leave a container of ours in which no engine runs any more."""
    assert (await there.swapped("qwen36", host="spark1"))["state"] == "ready"
    end = Command.of("docker", "exec", CONTAINER, "pkill", "-TERM", "-f", "vllm serve")
    host = there.parts.fleet.host("spark1")
    await host.run(end, timeout_s=10)
    async with asyncio.timeout(10):
        while (await row(there))["state"] != "absent":
            await RealClock().sleep(0.05)
    status = await there.parts.swaps.launcher.status(host, CONTAINER)
    assert (status.container, status.engine) == (True, False)


async def test_beside_a_dead_container_of_ours_it_is_in_the_way_too(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await dead_container_of_ours(there)
        one = await foreign(there, "")
        assert one["ours"] == "no"
        found = await there.http.post("/api/swap/gpt-oss-120b/validate", json={})
        assert "taken by something else" in " ".join(found.json()["errors"])
        ended = await there.swapped("gpt-oss-120b")
        assert ended["error"]["code"] == "port_taken", ended
        assert (await there.http.post("/api/engines/spark1/take-over")).status_code == 200
        found = await there.http.post("/api/swap/gpt-oss-120b/validate", json={})
        assert found.json()["errors"] == []
        ended = await there.swapped("gpt-oss-120b")
        assert ended["state"] == "ready", ended


async def test_it_is_a_job_that_nobody_else_may_meet(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        one = await foreign(there, "")
        jobs = there.parts.jobs
        other = await jobs.create(
            kind="swap", prefix="sw", target="qwen36", args={}, wants=wants("swap", ["spark1"])
        )
        for path, body in (("take-over", None), ("stop", {"confirm": one["confirm"]})):
            busy = await there.http.post(f"/api/engines/spark1/{path}", json=body)
            assert (busy.status_code, busy.json()["error"]["code"]) == (409, "busy_host")
            assert other.id in busy.json()["error"]["message"]
        assert (await row(there))["ours"] == "no"
        await jobs.fail(other, Conflict("It ended."))
        stop = {"confirm": one["confirm"]}
        assert (await there.http.post("/api/engines/spark1/stop", json=stop)).status_code == 200
        (job, *_) = (await there.get("/api/jobs"))["jobs"]
        assert (job["kind"], job["state"]) == ("engine_stop", "done")
        assert await jobs.busy() == {}
        wrong = await there.http.post("/api/engines/spark1/stop", json=stop)
        assert wrong.json()["error"]["code"] == "engine_absent"
        assert len((await there.get("/api/jobs"))["jobs"]) == 2, "a refusal is no job"
