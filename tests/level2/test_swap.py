"""Whole swaps through the API, on Sparks that are real down to docker and the network."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from spark_control.core.clock import RealClock
from tests.fleet.test_recovery import end, start
from tests.level2.control import running
from tests.level2.machine import Machine

pytestmark = pytest.mark.root


async def reachable(http: httpx.AsyncClient) -> dict[str, bool]:
    rows = (await http.get("/api/hardware", params={"fresh": "true"})).json()["sparks"]
    return {row["name"]: row["reachable"] for row in rows}


async def test_a_swap_ends_with_a_token(sparks: list[Machine], tmp_path: Path) -> None:
    async with running(sparks, tmp_path) as http:
        cards = (await http.get("/api/hardware?fresh=true")).json()["sparks"]
        assert [card["gpu_unified_memory"] for card in cards] == [True, True]
        done = await end(http, await start(http, "qwen36"))
        assert (done["state"], done["error"]) == ("ready", None), done
        assert [phase["state"] for phase in done["phases"]] == ["done"] * 6
        body = {"model": "qwen36", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            lines = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
        assert lines[-1] == "data: [DONE]"
        assert any(
            json.loads(line[6:])["choices"][0]["delta"].get("content") for line in lines[:-1]
        )
        log = (await http.get(f"/api/jobs/{done['id']}/log", params={"tail": 5000})).text
        assert "Loading safetensors checkpoint shards: 100%" in log

        second = await end(http, await start(http, "gpt-oss-120b", host="spark1"))
        assert (second["state"], second["replaces"]) == ("ready", ["qwen36"]), second
        assert sparks[0].containers() == ["vllm_node"]
        assert (len(sparks[0].engines()), sparks[1].engines()) == (1, [])


async def test_a_spark_that_is_off_is_named_and_comes_back(
    sparks: list[Machine], tmp_path: Path
) -> None:
    async with running(sparks, tmp_path) as http:
        assert await reachable(http) == {"spark1": True, "spark2": True}
        sparks[1].off()
        async with asyncio.timeout(30):
            while await reachable(http) != {"spark1": True, "spark2": False}:
                await RealClock().sleep(0.1)
        rows = (await http.get("/api/hardware")).json()["sparks"]
        assert rows[1]["error"]["code"] == "host_unreachable", rows[1]
        sparks[1].on()
        async with asyncio.timeout(30):
            while await reachable(http) != {"spark1": True, "spark2": True}:
                await RealClock().sleep(0.1)
