"""The list of models and one row of it, for the real clients of OpenAI and Anthropic."""

import json

import anthropic
import openai
import pytest

from spark_control.gateway.route import Coming
from spark_control.gateway.services import Role, Service
from tests.contract.clients.engine import gateway
from tests.contract.http.peer import line_to, page
from tests.contract.http.plane import plane, request, says, target, upstream
from tests.contract.http.test_relay import whole

REPO = "openai/gpt-oss-120b"


@pytest.mark.parametrize("name", ["m", "org/m", "gpt-4o", "default"])
async def test_the_client_of_openai_finds_a_model(name: str) -> None:
    """Also by the other names that a request may have; the list has it once."""
    async with (
        gateway() as there,
        openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="x", max_retries=0) as client,
    ):
        assert [row.id async for row in client.models.list()] == ["m"]
        found = await client.models.retrieve(name)
        assert (found.id, found.object) == (name, "model")
        with pytest.raises(openai.NotFoundError) as missing:
            await client.models.retrieve("other")  # it is on the menu, and not loaded
        assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
        assert missing.value.body == {
            "message": "There is no model 'other' now. Loaded: m. `GET /v1/models` lists what is "
                       "loaded.",
            "type": "not_found_error", "code": "model_not_found", "param": "model",
            "hint": "`GET /v1/models` lists what is loaded.", "detail": {"loaded": ["m"]},
        }  # fmt: skip


async def test_the_client_of_anthropic_finds_a_model() -> None:
    async with (
        gateway() as there,
        anthropic.AsyncAnthropic(base_url=there.url, api_key="x", max_retries=0) as client,
    ):
        assert [row.id async for row in client.models.list()] == ["m"]
        assert (await client.models.retrieve("org/m")).id == "org/m"
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("nope")


async def test_an_error_says_what_is_loaded_and_when_the_other_comes() -> None:
    coming = Coming("big", ("spark2",), "loading", 41.6, leaving=False)
    async with (
        plane(target(1, "m"), menu={"big": "big"}, coming=coming) as there,
        openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{there.port}/v1", api_key="x", max_retries=0
        ) as client,
    ):
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(model="big", messages=[])
        body = refused.value.body
        assert isinstance(body, dict)
        assert body["detail"] == {
            "loaded": ["m"], "swap": {"model": "big", "phase": "loading", "eta_s": 41.6},
        }  # fmt: skip
        assert refused.value.code == "model_not_loaded"
        assert refused.value.response.headers["retry-after"] == "42"


@pytest.mark.parametrize(
    "path", [b"openai/gpt-oss-120b", b"openai%2Fgpt-oss-120b", b"openai%2fgpt%2Doss-120b?a=b"]
)
async def test_a_name_with_slashes(path: bytes) -> None:
    async with plane(target(1, REPO)) as there, line_to(there.port) as client:
        for method in ("GET", "HEAD"):  # over one connection
            await client.say(page(method.encode(), b"/v1/models/" + path))
            said = await client.message(method)
            assert said.status == 200
            assert said.all("content-type") == ["application/json"]
            if method == "GET":
                assert json.loads(said.body)["id"] == REPO
            else:
                assert said.body == b""


@pytest.mark.parametrize("path", [b"", b"%", b"%ff%00", b"\xc3\xa9", b"x" * 4000])
async def test_a_name_that_is_none(path: bytes) -> None:
    async with plane(target(1, "m")) as there, line_to(there.port) as client:
        for _ in range(2):
            await client.say(page(path=b"/v1/models/" + path))
            said = await client.message("GET")
            assert said.status == 404
            assert json.loads(said.body)["error"]["code"] == "model_not_found"
            assert len(said.body) < 1500
        assert {len(row.asked or "") <= 200 for row in there.kept.rows} == {True}


async def test_a_voice_and_a_name_beyond_ascii() -> None:
    speaks = Service(
        name="kokoro", title="Kokoro", role=Role.SPEAK, base_url="http://127.0.0.1:1",
        models=("kokoro",), voices=("af_heart",),
    )  # fmt: skip
    async with plane(target(1, "é"), services=(speaks,)) as there, line_to(there.port) as client:
        for asked, name in ((b"%C3%A9", "é"), (b"\xc3\xa9", "é"), (b"kokoro", "kokoro")):
            await client.say(page(path=b"/v1/models/" + asked))
            assert json.loads((await client.message("GET")).body)["id"] == name


@pytest.mark.parametrize("path", [b"/rerank", b"/score"])
async def test_the_short_paths_of_vllm(path: bytes) -> None:
    """They go where the long ones go: to who has the model, else to the embedding service."""
    async with upstream(says(whole())) as engine, upstream(says(whole())) as vectors:
        embeds = Service(
            name="embed", title="The embedding service", role=Role.EMBED,
            base_url=f"http://127.0.0.1:{vectors.port}",
        )  # fmt: skip
        async with plane(target(engine, "m"), services=(embeds,)) as there:
            await there.raw(request(b'{"model":"m"}', path=path))
            await there.raw(request(b'{"query":"q"}', path=path))
            assert engine.asked[0].head.startswith(b"POST %b HTTP" % path)
            assert vectors.asked[0].head.startswith(b"POST %b HTTP" % path)
            assert [(row.path, row.status) for row in there.kept.rows] == [
                (path.decode(), 200)
            ] * 2
