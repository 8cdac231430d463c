"""Each thing that can break on a Spark, switched on in the lab, and what the swap says of it."""

import asyncio
import json
from pathlib import Path

import pytest

from spark_control.core.clock import RealClock
from spark_control.lab.faults import Fault
from tests.fleet.system import System, system

FAILS = [
    (Fault.FOREIGN_ENGINE, "", "checking", "port_taken"),
    (Fault.DIES_AFTER_LAUNCH, "0.3", "loading", "engine_died"),
    (Fault.FAILED_LOAD, "", "loading", "engine_died"),
    (Fault.OUT_OF_MEMORY, "", "loading", "engine_died"),
    (Fault.NEVER_READY, "", "loading", "engine_never_ready"),
    (Fault.WEDGE, "", "verifying", "engine_mute"),
    (Fault.LAUNCHER_HANGS, "", "launching", "command_timeout"),
    (Fault.LAUNCHER_LIES, "", "launching", "launcher_lied"),
    (Fault.DISK_FULL, "", "checking", "command_failed"),
    (Fault.OFFLINE, "", "checking", "host_unreachable"),
]


async def containers(there: System, spark: str) -> list[str]:
    """Return the containers on a Spark, as its own docker tells."""
    from spark_control.core.shell import Command

    host = there.parts.fleet.host(spark)
    said = await host.run(Command.of("docker", "ps", "-a", "--format", "{{.Names}}"), timeout_s=10)
    return said.stdout.split()


@pytest.mark.parametrize(("fault", "param", "phase", "code"), FAILS)
async def test_a_swap_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, fault: Fault, param: str, phase: str, code: str
) -> None:
    async with system(tmp_path) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", fault, param)
        ended = await there.swapped("qwen36", host="spark1")
        assert (ended["state"], ended["phase"], ended["error"]["code"]) == ("failed", phase, code)
        assert ended["error"]["hint"]
        await there.lab.clear_fault("spark1", fault)
        if fault is not Fault.FOREIGN_ENGINE:
            again = await there.swapped("gpt-oss-120b", host="spark1")
            assert again["state"] == "ready", again
            assert await containers(there, "spark1") == ["vllm_node"]


async def test_a_dead_engine_shows_its_last_words(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.OUT_OF_MEMORY)
        ended = await there.swapped("qwen36")
        text = "\n".join(ended["error"]["detail"]["log"])
        assert "Free memory on device" in text
        kept = await there.http.get(f"/api/jobs/{ended['id']}/log")
        assert "Free memory on device" in kept.text


async def test_a_slow_spark_is_only_slow(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.SLOW, "0.4")
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_a_stop_that_fails_once_is_repeated(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        await there.lab.set_fault("spark1", Fault.STOP_FAILS, "1")
        assert (await there.swapped("gpt-oss-120b"))["state"] == "ready"


async def test_a_stop_that_never_works_launches_nothing(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        await there.lab.set_fault("spark1", Fault.STOP_FAILS, "9999")
        ended = await there.swapped("gpt-oss-120b")
        assert (ended["phase"], ended["error"]["code"]) == ("stopping", "stop_failed")


async def test_a_cut_while_launching_is_looked_into(tmp_path: Path) -> None:
    """Where the cut hits the launcher decides the end; whatever it is, nothing is left behind."""
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.CUT, "launch-script")
        ended = await there.swapped("qwen36")
        if ended["state"] == "ready":
            assert await containers(there, "spark1") == ["vllm_node"]
        else:
            assert ended["error"]["code"] in {"connection_lost", "engine_died"}, ended
            assert await containers(there, "spark1") == []
            assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_a_cut_while_loading_does_not_fail_the_swap(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.CUT, "docker logs")
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_a_frozen_spark_fails_in_its_time(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        await there.get("/api/models")
        await there.lab.set_fault("spark1", Fault.FROZEN)
        other = await there.swapped("gpt-oss-120b", host="spark2")
        assert other["state"] == "ready", other
        ended = await there.swapped("qwen36", host="spark1")
        assert ended["error"]["code"] in {
            "host_unreachable", "connection_lost", "command_timeout",
        }, ended  # fmt: skip


async def test_a_dead_spark_costs_the_others_nothing(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        await there.get("/api/hardware")
        await there.lab.set_fault("spark2", Fault.OFFLINE)
        rows = (await there.get("/api/hardware?fresh=1"))["sparks"]
        assert [row["reachable"] for row in rows] == [True, False]
        assert rows[1]["error"]["code"] == "host_unreachable"
        assert rows[1]["memory"]["total_bytes"] == rows[0]["memory"]["total_bytes"]
        assert rows[1]["age_s"] > 0
        status = await there.get("/api/status")
        assert status["sparks"][1]["reachable"] is False
        menu = await there.get("/api/models?fresh=1")
        assert any(problem["source"] == "spark2" for problem in menu["problems"])
        await there.lab.clear_fault("spark2", Fault.OFFLINE)
        await recovered(there)


async def recovered(there: System) -> None:
    async with asyncio.timeout(15):
        while True:
            rows = (await there.get("/api/hardware?fresh=1"))["sparks"]
            if all(row["reachable"] for row in rows):
                return
            await RealClock().sleep(0.1)


async def test_an_engine_that_dies_while_it_answers(tmp_path: Path) -> None:
    """The stream ends with one error event, and no `[DONE]` that would call it whole."""
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        body = {"model": "qwen36", "stream": True, "max_tokens": 100_000, "ignore_eos": True,
                "messages": [{"role": "user", "content": "Hi"}]}  # fmt: skip
        async with there.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith("data: ")
            from spark_control.core.shell import Command

            host = there.parts.fleet.host("spark1")
            await host.run(Command.of("docker", "kill", "vllm_node"), timeout_s=10)
            rest = [line async for line in lines if line]
        assert rest[-2] == "event: error"
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "engine_error"
        assert "data: [DONE]" not in rest
        gone = await there.chat("qwen36")
        assert gone.status_code in {502, 503}


async def test_a_client_that_leaves_frees_the_engine(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        address = there.parts.engines.slots()["spark1"]
        body = {"model": "qwen36", "stream": True, "max_tokens": 100_000, "ignore_eos": True,
                "messages": [{"role": "user", "content": "Hi"}]}  # fmt: skip
        async with there.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = answer.aiter_lines()  # kept, for the stream closes with it
            await anext(lines)
            async with asyncio.timeout(5):
                while there.parts.in_flight.in_flight(address) != 1:
                    await RealClock().sleep(0.01)
        assert await there.parts.in_flight.drained(address, timeout_s=5)
