"""`GET /api/models` as clients see it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from spark_control.core.tasks import Tasks
from spark_control.models.api import router
from spark_control.models.domain import (
    Catalogue,
    Facts,
    Kind,
    Knobs,
    Mode,
    OnDisk,
    Origin,
    Problem,
    Recipe,
)
from spark_control.models.usecases import Models
from tests.service.clock import TestClock
from tests.service.models.test_models import World

QWEN = Recipe(
    key="qwen36", name="Qwen", repo="org/qwen", notes="Good.", origin=Origin.BUNDLED,
    vllm_args=("--max-model-len", "262144", "--max-num-batched-tokens", "16384"),
)  # fmt: skip
LONG = Recipe(key="qwen-long", name="Qwen, long", repo="org/qwen", mode=Mode.CLUSTER)
MINE = Recipe(
    key="mine", name="Mine", local_path="/m/mine", env=(("X", "1"),), image="i", mods=("mods/m",)
)
FACTS = Facts("QwenForCausalLM", "qwen", "fp8", 262144)
NOTHING = {
    "max_model_len": None, "gpu_memory_utilization": None, "fastsafetensors": False,
    "prefix_caching": None, "kv_cache_fp8": False,
}  # fmt: skip


@pytest.fixture
def loaded() -> dict[str, list[str]]:
    return {}


@pytest.fixture
async def client(loaded: dict[str, list[str]]) -> AsyncIterator[httpx.AsyncClient]:
    copy = OnDisk("org/qwen", size_bytes=35, facts=FACTS, kind=Kind.CHAT)
    world = World(
        disks={"spark1": (copy, OnDisk("org/bare")), "spark2": (copy,)},
        catalogue=Catalogue(
            (QWEN, LONG, MINE),
            {"qwen36": Knobs(max_model_len=4096), "mine": Knobs(prefix_caching=True)},
            (Problem("o.yaml", "broken", "<b>bad</b>"),),
        ),
    )
    tasks = Tasks("test")
    models = Models(fleet=world, store=world, recipes=world, clock=TestClock(), tasks=tasks)
    app = FastAPI()
    app.include_router(router(models, lambda: loaded))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await tasks.close()


async def test_the_shape_clients_rely_on(client: httpx.AsyncClient) -> None:
    body = (await client.get("/api/models")).json()
    assert list(body) == ["models", "recipes", "problems", "read_at"]
    assert body["models"][0] == {
        "key": "qwen36", "name": "Qwen", "repo": "org/qwen", "local_path": None,
        "url": "https://huggingface.co/org/qwen", "mode": "solo", "hosts": ["spark1", "spark2"],
        "complete_on": ["spark1", "spark2"], "size_bytes": 35,
        "size_by_host": {"spark1": 35, "spark2": 35}, "loaded": False, "loaded_on": [],
        "needs_setup": False, "effective_knobs": {**NOTHING, "max_model_len": 4096},
        "origin": "bundled", "kind": "chat", "architecture": "QwenForCausalLM",
        "quantization": "fp8", "context": 262144, "problems": [], "notes": "Good.",
        "fit": {"verdict": "unknown", "needed_bytes": 6442450944, "max_context": None},
    }  # fmt: skip
    assert body["recipes"] == [
        {
            "key": "mine", "name": "Mine", "repo": None, "local_path": "/m/mine", "url": None,
            "mode": "solo", "vllm_args": [], "env": {"X": "1"}, "image": "i", "mods": ["mods/m"],
            "notes": "", "origin": "custom",
            "effective_knobs": {**NOTHING, "prefix_caching": True},
        }
    ]  # fmt: skip
    assert body["problems"] == [{"source": "o.yaml", "entry": "broken", "reason": "<b>bad</b>"}]
    assert body["read_at"] == "2026-01-01T00:00:00.000Z"


async def test_a_model_that_needs_setup(client: httpx.AsyncClient) -> None:
    model = (await client.get("/api/models", params={"fresh": "true"})).json()["models"][-1]
    assert (model["key"], model["needs_setup"], model["origin"]) == ("org-bare", True, "inferred")
    assert (model["notes"], model["kind"]) == ("", "unknown")


@pytest.mark.parametrize(
    ("names", "long_on", "qwen_on"),
    [
        ({}, [], []),
        ({"qwen36": ["spark1"], "org/qwen": ["spark1"]}, [], ["spark1"]),
        ({"qwen-long": ["spark2"], "org/qwen": ["spark2"]}, ["spark2"], []),
        (
            {"qwen36": ["spark1"], "qwen-long": ["spark2"], "org/qwen": ["spark1", "spark2"]},
            ["spark2"],
            ["spark1"],
        ),
        # Started by hand, it answers to the repo only: either line could be meant.
        ({"org/qwen": ["spark1"]}, ["spark1"], ["spark1"]),
    ],
)
async def test_what_is_loaded_where(
    client: httpx.AsyncClient,
    loaded: dict[str, list[str]],
    names: dict[str, list[str]],
    long_on: list[str],
    qwen_on: list[str],
) -> None:
    loaded.update(names)
    models = (await client.get("/api/models")).json()["models"]
    found = {model["key"]: (model["loaded"], model["loaded_on"]) for model in models}
    assert found["qwen-long"] == (bool(long_on), long_on)
    assert found["qwen36"] == (bool(qwen_on), qwen_on)
    assert found["org-bare"] == (False, [])
