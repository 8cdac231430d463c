"""The real clients of other people with the lab's scripted engine, through the one URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import openai
import pytest

from tests.fleet.system import System, system
from tests.fleet.test_spine import recipes

SAID = "no model is running"


@asynccontextmanager
async def loaded(tmp: Path) -> AsyncIterator[System]:
    async with system(tmp, sparks=1, MODELS_OVERRIDES=recipes(tmp)) as there:
        job = await there.swapped("smollm2")
        assert job["state"] == "ready", job
        yield there


async def test_responses_and_messages(tmp_path: Path) -> None:
    async with (
        loaded(tmp_path) as there,
        openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="-", max_retries=0) as ai,
        anthropic.AsyncAnthropic(base_url=there.url, api_key="-", max_retries=0) as claude,
    ):
        whole = await ai.responses.create(model="smollm2", input="Say hello.")
        async with ai.responses.stream(model="smollm2", input="Say hello.") as stream:
            told = [event.delta async for event in stream
                    if event.type == "response.output_text.delta"]  # fmt: skip
            final = await stream.get_final_response()
        assert SAID in whole.output_text
        assert "".join(told) == final.output_text == whole.output_text

        asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Say hello."}]
        message = await claude.messages.create(model="smollm2", max_tokens=99, messages=asked)
        async with claude.messages.stream(model="smollm2", max_tokens=99, messages=asked) as parts:
            text = "".join([part async for part in parts.text_stream])
            ended = await parts.get_final_message()
        assert SAID in text
        assert [part.text for part in message.content if part.type == "text"] == [text]
        assert (ended.stop_reason, ended.usage.input_tokens) == ("end_turn", 2)
        counted = await claude.messages.count_tokens(model="smollm2", messages=asked)
        assert counted.input_tokens == 2
        with pytest.raises(anthropic.BadRequestError, match="at least 1"):
            await claude.messages.create(model="smollm2", max_tokens=-1, messages=asked)

        rows = (await there.get("/api/requests"))["requests"]
        paths = {(row["path"], row["status"], row["error"]) for row in rows}
        assert {("/v1/responses", 200, None), ("/v1/messages", 200, None)} <= paths


async def test_tokens_and_scores(tmp_path: Path) -> None:
    async with loaded(tmp_path) as there:

        async def ask(path: str, **body: object) -> dict[str, object]:
            answer = await there.http.post(path, json={"model": "smollm2", **body})
            assert answer.status_code == 200, answer.text
            found: dict[str, object] = answer.json()
            return found

        tokens = (await ask("/tokenize", prompt="Hello"))["tokens"]
        assert await ask("/detokenize", tokens=tokens) == {"prompt": "Hello"}
        ranked = await ask("/v1/rerank", query="a b", documents=["x", "b a"])
        scored = await ask("/v1/score", text_1="a b", text_2=["x", "b a"])
        unknown = await there.http.post("/v1/embeddings", json={"model": "smollm2", "input": "x"})
    assert [row["index"] for row in ranked["results"]] == [1, 0]  # type: ignore[attr-defined]
    assert [row["score"] for row in scored["data"]] == [0.0, 1.0]  # type: ignore[attr-defined]
    assert unknown.status_code == 404
