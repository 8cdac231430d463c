"""The real `openai` client against the running gateway: its shapes, streams and errors hold."""

from pathlib import Path

import openai
import pytest

from tests.fleet.system import system


async def test_the_client_of_openai(tmp_path: Path) -> None:
    async with (
        system(tmp_path, sparks=1) as there,
        openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="unused", max_retries=0) as client,
    ):
        with pytest.raises(openai.InternalServerError) as nothing:
            await client.chat.completions.create(
                model="default", messages=[{"role": "user", "content": "Hi"}]
            )
        assert (nothing.value.status_code, nothing.value.code) == (503, "nothing_loaded")
        assert [model.id async for model in client.models.list()] == []

        await there.swapped("qwen36")
        assert [model.id async for model in client.models.list()] == ["qwen36"]
        whole = await client.chat.completions.create(
            model="qwen36", messages=[{"role": "user", "content": "Hi"}], max_tokens=5
        )
        assert whole.choices[0].message.content
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 5

        stream = await client.chat.completions.create(
            model="qwen36", messages=[{"role": "user", "content": "Hi"}], max_tokens=5,
            stream=True, stream_options={"include_usage": True},
        )  # fmt: skip
        chunks = [chunk async for chunk in stream]
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == whole.choices[0].message.content
        assert chunks[-1].usage is not None

        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(
                model="nope", messages=[{"role": "user", "content": "Hi"}]
            )
        assert unknown.value.code == "model_not_found"
        assert unknown.value.param == "model"
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(
                model="qwen36", messages=[{"role": "user", "content": "Hi"}], max_tokens=-1
            )
