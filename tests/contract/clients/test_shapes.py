"""The real clients of other people against the gateway: every answer and error in their shapes."""

import asyncio
import json
from collections.abc import AsyncIterator

import anthropic
import httpx
import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.contract.clients.engine import CITY, TOOL, USAGE, VECTOR, WORDS, Engine, gateway

TEXT = "".join(WORDS)
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi \u2603"}]


class City(pydantic.BaseModel):
    city: str
    people: int


def of_openai(there: Engine) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="unused", max_retries=0)


@pytest.mark.parametrize("model", ["m", "org/m", "gpt-4o", "default"])
async def test_openai_chat(model: str) -> None:
    """A key, a repo, an alias and the default; whole and as a stream."""
    async with gateway() as there, of_openai(there) as client:
        whole = await client.chat.completions.create(model=model, messages=ASKED)
        assert whole.choices[0].message.content == TEXT
        assert whole.usage == openai.types.CompletionUsage.model_validate(USAGE)
        stream = await client.chat.completions.create(
            model=model, messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
        assert chunks[-1].usage == whole.usage
        head, body = there.asked[0]
        assert body["messages"] == ASKED
        assert body["model"] == ("org/m" if model == "org/m" else "m")
        assert not {name for name, _ in head.fields} & {"authorization", "cookie"}


def test_openai_without_asyncio() -> None:
    """The plain client, in a thread of its own, keeps one connection for all it asks."""

    def asks(url: str) -> tuple[str, str]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
            whole = client.chat.completions.create(model="m", messages=ASKED)
            stream = client.chat.completions.create(model="m", messages=ASKED, stream=True)
            parts = [chunk.choices[0].delta.content or "" for chunk in stream]
            assert [model.id for model in client.models.list()] == ["m"]
            return whole.choices[0].message.content or "", "".join(parts)

    async def run() -> None:
        async with gateway() as there:
            assert await asyncio.to_thread(asks, there.url) == (TEXT, TEXT)

    asyncio.run(run())


async def test_openai_tools() -> None:
    async with gateway() as there, of_openai(there) as client:
        tools = [TOOL]
        whole = await client.chat.completions.create(model="m", messages=ASKED, tools=tools)
        calls = whole.choices[0].message.tool_calls or []
        assert [json.loads(call.function.arguments) for call in calls if call.type == "function"]
        async with client.chat.completions.stream(
            model="m", messages=ASKED, tools=tools
        ) as stream:
            final = await stream.get_final_completion()
        (call,) = final.choices[0].message.tool_calls or []
        assert (call.id, call.function.name) == ("call-1", "weather")
        assert json.loads(call.function.arguments) == CITY
        assert there.asked[0][1]["tools"] == [TOOL]


async def test_openai_structured_output() -> None:
    async with gateway() as there, of_openai(there) as client:
        parsed = await client.chat.completions.parse(
            model="m", messages=ASKED, response_format=City
        )
        assert parsed.choices[0].message.parsed == City(**CITY)
        assert there.asked[0][1]["response_format"]["json_schema"]["name"] == "City"


async def test_openai_embeddings_and_responses() -> None:
    """The client asks for base64 by itself, and for floats when it is told to."""
    async with gateway() as there, of_openai(there) as client:
        packed = await client.embeddings.create(model="m", input=["a", "b"])
        plain = await client.embeddings.create(model="m", input="a", encoding_format="float")
        assert [tuple(row.embedding) for row in (*packed.data, *plain.data)] == [VECTOR] * 3
        assert there.asked[0][1]["encoding_format"] == "base64"
        response = await client.responses.create(model="m", input="Hi")
        assert response.output_text == TEXT


async def test_openai_streams_a_response() -> None:
    """Events with names, none of them `[DONE]`; the client puts the answer together."""
    async with gateway() as there, of_openai(there) as client:
        async with client.responses.stream(model="m", input="Hi") as stream:
            parts = [e.delta async for e in stream if e.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        assert ("".join(parts), final.output_text) == (TEXT, TEXT)
        assert final.usage is not None
        assert final.usage.output_tokens == 2


def test_openai_tools_and_embeddings_without_asyncio() -> None:
    def asks(url: str) -> tuple[str, list[float]]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as client:
            stream = client.chat.completions.create(
                model="m", messages=ASKED, tools=[TOOL], stream=True
            )
            calls = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]
            text = "".join(call.function.arguments or "" for call in calls if call.function)
            return text, client.embeddings.create(model="m", input="a").data[0].embedding

    async def run() -> None:
        async with gateway() as there:
            text, vector = await asyncio.to_thread(asks, there.url)
            assert (json.loads(text), tuple(vector)) == (CITY, VECTOR)

    asyncio.run(run())


async def test_openai_errors() -> None:
    async with gateway() as there, of_openai(there) as client:
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(model="nope", messages=ASKED)
        assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
        with pytest.raises(openai.InternalServerError) as unloaded:
            await client.chat.completions.create(model="other", messages=ASKED)
        assert (unloaded.value.status_code, unloaded.value.code) == (503, "model_not_loaded")
        with pytest.raises(openai.BadRequestError):
            await client.post("/chat/completions", cast_to=object, body=[1])
        stream = await client.chat.completions.create(
            model="m", messages=ASKED, stream=True, user="breaks"
        )
        with pytest.raises(openai.APIError, match="broke off") as broken:
            async for _ in stream:
                pass
        assert broken.value.code == "engine_error"


async def test_openai_leaves_a_stream() -> None:
    """The connection is good for the next request, or another one is opened: nothing hangs."""
    async with gateway() as there, of_openai(there) as client:
        for _ in range(3):
            stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
            await anext(aiter(stream))
            await stream.close()
        whole = await client.chat.completions.create(model="m", messages=ASKED)
        assert whole.choices[0].message.content == TEXT


async def test_anthropic() -> None:
    async with (
        gateway() as there,
        anthropic.AsyncAnthropic(base_url=there.url, api_key="unused", max_retries=0) as client,
    ):
        asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
        whole = await client.messages.create(model="m", max_tokens=9, messages=asked)
        assert [part.text for part in whole.content if part.type == "text"] == [TEXT]
        async with client.messages.stream(model="gpt-4o", max_tokens=9, messages=asked) as stream:
            assert "".join([text async for text in stream.text_stream]) == TEXT
            final = await stream.get_final_message()
        assert (final.model, final.stop_reason, final.usage.output_tokens) == ("m", "end_turn", 2)
        counted = await client.messages.count_tokens(model="m", messages=asked)
        assert counted.input_tokens == 3
        head, _ = there.asked[0]
        assert "x-api-key" not in dict(head.fields)
        assert dict(head.fields)["anthropic-version"]
        with pytest.raises(anthropic.NotFoundError) as unknown:
            await client.messages.create(model="nope", max_tokens=9, messages=asked)
        assert unknown.value.type == "not_found_error"
        assert "nope" in unknown.value.message
        with pytest.raises(anthropic.InternalServerError) as unloaded:
            await client.messages.create(model="other", max_tokens=9, messages=asked)
        assert unloaded.value.status_code == 503


def test_anthropic_without_asyncio() -> None:
    def asks(url: str) -> str:
        with (
            anthropic.Anthropic(base_url=url, api_key="unused", max_retries=0) as client,
            client.messages.stream(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
            ) as stream,
        ):
            return "".join(stream.text_stream)

    async def run() -> None:
        async with gateway() as there:
            assert await asyncio.to_thread(asks, there.url) == TEXT

    asyncio.run(run())


async def test_anthropic_sees_a_break() -> None:
    async with (
        gateway() as there,
        anthropic.AsyncAnthropic(base_url=there.url, api_key="unused", max_retries=0) as client,
        client.messages.stream(
            model="m",
            max_tokens=9,
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"user": "breaks"},
        ) as stream,
    ):
        with pytest.raises(anthropic.APIError, match="broke off"):
            await stream.until_done()


async def test_httpx() -> None:
    """Paths that no client library knows, on one connection, and an upload that is generated."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"model":"m",'
        yield b'"documents":["a","b"],"query":"q"}'

    async with gateway() as there, httpx.AsyncClient(base_url=there.url, trust_env=False) as http:
        ranked = await http.post("/v1/rerank", content=body())
        assert [row["index"] for row in ranked.json()["results"]] == [0, 1]
        for path in ("/tokenize", "/detokenize", "/v1/score"):
            assert (await http.post(path, json={"model": "m"})).json()["count"] == 2
        async with http.stream("POST", "/v1/chat/completions", json={"stream": True}) as stream:
            lines = [line async for line in stream.aiter_lines() if line]
        assert lines[-1] == "data: [DONE]"
        assert (await http.get("/v1/models")).json()["data"][0]["id"] == "m"
        wrong = await http.get("/v1/chat/completions")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_wrong")
