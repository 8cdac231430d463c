"""The main job over the lab: see the fleet, switch, get an answer."""

import json
from pathlib import Path

import pytest

from spark_control.lab.faults import Fault
from spark_control.swap.domain import Limits
from tests.fleet.system import System, system


async def loaded(there: System) -> list[str]:
    status = await there.get("/api/status")
    return [f"{row['model']} on {row['spark']}" for row in status["loaded"]]


async def test_see_the_fleet_switch_and_get_an_answer(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        hardware = await there.get("/api/hardware")
        assert [row["reachable"] for row in hardware["sparks"]] == [True, True]
        assert all(row["gpu_unified_memory"] is True for row in hardware["sparks"])
        menu = await there.get("/api/models")
        keys = {row["key"] for row in menu["models"]}
        assert {"gpt-oss-120b", "qwen36", "qwen3-vl"} <= keys
        refused = await there.chat("gpt-oss-120b")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_not_loaded")

        done = await there.swapped("gpt-oss-120b")
        assert (done["state"], done["error"]) == ("ready", None)
        assert [phase["state"] for phase in done["phases"]] == ["done"] * 6
        assert any("Loading safetensors" in line for line in await job_log(there, done["id"]))
        assert await loaded(there) == ["gpt-oss-120b on spark1"]

        for name in ("gpt-oss-120b", "openai/gpt-oss-120b", "default", None):
            answer = await there.chat(name)
            assert answer.status_code == 200, answer.text
            assert answer.json()["choices"][0]["message"]["content"]
        models = (await there.get("/v1/models"))["data"]
        assert [row["id"] for row in models] == ["gpt-oss-120b"]

        second = await there.swapped("qwen36")
        assert (second["state"], second["replaces"]) == ("ready", ["gpt-oss-120b"])
        assert await loaded(there) == ["qwen36 on spark1"]
        gone = await there.chat("gpt-oss-120b")
        assert gone.status_code == 503


async def job_log(there: System, job: str) -> list[str]:
    answer = await there.http.get(f"/api/jobs/{job}/log", params={"tail": 5000})
    assert answer.status_code == 200
    return answer.text.splitlines()


async def test_streaming_passes_chunks_and_usage(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        body = {"model": "qwen36", "stream": True, "max_tokens": 5,
                "stream_options": {"include_usage": True},
                "messages": [{"role": "user", "content": "Hi"}]}  # fmt: skip
        async with there.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
        assert lines[-1] == "data: [DONE]"
        chunks = [json.loads(line[6:]) for line in lines[:-1]]
        assert chunks[-1]["usage"]["completion_tokens"] == 5


async def test_two_sparks_two_models(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        first = await there.swapped("qwen36")
        second = await there.swapped("gemma4")
        assert (first["spark"], second["spark"]) == ("spark1", "spark2")
        third = await there.swapped("gpt-oss-120b", host="spark2")
        assert (third["state"], third["replaces"]) == ("ready", ["gemma4"])
        assert await loaded(there) == ["qwen36 on spark1", "gpt-oss-120b on spark2"]


async def test_a_wish_that_cannot_be_met(tmp_path: Path) -> None:
    async with system(tmp_path) as there:

        async def refused(**body: object) -> tuple[int, str]:
            answer = await there.http.post("/api/swap", json=body)
            return answer.status_code, answer.json()["error"]["code"]

        assert await refused(model="nope") == (404, "model_unknown")
        assert await refused(model="qwen36", host="spark9") == (404, "host_unknown")
        assert await refused(model="gemma4", host="spark1") == (409, "model_incomplete")
        assert await refused(model="mistralai-devstral-small-2507") == (409, "needs_setup")
        assert await refused(model="qwen-qwen3-embedding-0.6b") == (409, "not_launchable")
        assert await refused(model="") == (400, "body_invalid")
        assert await refused(modle="qwen36") == (400, "body_invalid")
        assert (await there.get("/api/jobs"))["jobs"] == []


async def test_one_swap_at_a_time(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        await there.lab.set_fault("spark1", Fault.NEVER_READY)
        first = await there.swap("qwen36")
        assert (await there.swap("qwen36"))["id"] == first["id"]
        other = await there.http.post("/api/swap", json={"model": "gpt-oss-120b"})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "swap_running")
        assert other.json()["error"]["detail"] == {"id": first["id"], "model": "qwen36"}
        during = await there.chat("qwen36")
        assert during.status_code == 503
        assert "A swap to qwen36 runs" in during.json()["error"]["message"]
        assert int(during.headers["retry-after"]) > 0
        ended = (await there.http.delete(f"/api/swap/{first['id']}")).json()
        assert (ended["state"], ended["error"]["code"]) == ("cancelled", "swap_cancelled")
        await there.lab.clear_fault("spark1", Fault.NEVER_READY)
        assert (await there.swapped("gpt-oss-120b"))["state"] == "ready"


@pytest.mark.real_models
async def test_a_real_model_answers(tmp_path: Path) -> None:
    """With the real llama.cpp: what the demo shows is real text by a real model."""
    async with system(
        tmp_path, sparks=1, engine="real", MODELS_OVERRIDES=recipes(tmp_path), limits=Limits()
    ) as there:
        for key in ("smollm2", "gemma3-270m"):
            done = await there.swapped(key)
            assert done["state"] == "ready", done
            answer = await there.http.post(
                "/v1/completions",
                json={"model": key, "prompt": "One, two, three,", "max_tokens": 6},
            )
            assert answer.json()["usage"]["completion_tokens"] == 6
        status = await there.get("/api/status")
        assert [row["played"] for row in status["loaded"]] == ["llama.cpp"]


def recipes(tmp_path: Path) -> str:
    """Write the recipes of the demo's own models and return where."""
    from importlib.resources import files

    text = (files("spark_control.app") / "demo-models.yaml").read_text("utf-8")
    path = tmp_path / "models-overrides.yaml"
    path.write_text(text.replace("@HOME@", "/home/user"))
    return str(path)
