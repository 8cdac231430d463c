"""A model over two real Sparks: the launcher goes from one to the other by SSH."""

from pathlib import Path

import httpx
import pytest

from tests.fleet.test_recovery import end, start
from tests.level2.control import running
from tests.level2.machine import Machine

pytestmark = pytest.mark.root
MODEL = "minimax-m2"


async def answers(http: httpx.AsyncClient) -> int:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    return (await http.post("/v1/chat/completions", json=body)).status_code


async def test_up_over_both_and_down_with_one(sparks: list[Machine], tmp_path: Path) -> None:
    async with running(sparks, tmp_path) as http:
        done = await end(http, await start(http, MODEL))
        assert (done["state"], done["error"]) == ("ready", None), done
        assert done["sparks"] == ["spark1", "spark2"]
        assert await answers(http) == 200
        assert [len(one.engines()) for one in sparks] == [1, 1]
        for number, one in enumerate(sparks):
            held = one.docker("inspect", "-f", '{{index .Config.Labels "sc.ranks"}}', "vllm_node")
            assert held.strip() == "spark1,spark2"
            assert f"world_size=2 rank={number}" in one.docker("logs", "vllm_node")
        solo = await end(http, await start(http, "gemma4", host="spark2"))
        assert (solo["state"], solo["replaces"]) == ("ready", [MODEL]), solo
        assert [one.containers() for one in sparks] == [[], ["vllm_node"]]
        assert [len(one.engines()) for one in sparks] == [0, 1]
