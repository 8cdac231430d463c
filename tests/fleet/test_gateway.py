"""The gateway before an engine that says more than it should."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from spark_control.access.shown import SECURITY
from spark_control.app import boot as boots
from spark_control.app.compose import compose
from tests.fleet.system import QUICK, System, served, system
from tests.service.engines.small import Say, SmallEngine, dribbles, models, says, small_engine

CHAT = "/v1/chat/completions"
APPS = "https://apps.example.org"
LOUD = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true",
    "Set-Cookie": "engine=1", "Server": "engine", "Date": "yesterday", "X-Engine": "kept",
    "Content-Security-Policy": "default-src *", "X-Frame-Options": "ALLOWALL", "Vary": "X-Any",
}  # fmt: skip


@asynccontextmanager
async def before(tmp: Path, chat: Say) -> AsyncIterator[
    tuple[System, SmallEngine]
]:  # fmt: skip
    """Run Spark Control over one engine that serves `model`."""
    paths: Mapping[str, Say] = {
        "/health": says(b""), "/v1/models": models("model"), CHAT: chat,
    }  # fmt: skip
    async with system(tmp, sparks=1, ALLOWED_ORIGINS=APPS) as there:
        slot = there.parts.engines.slots()["spark1"]
        async with small_engine(paths, slot.host, slot.port) as engine:
            await there.parts.engines.refresh("spark1")
            await there.parts.gateway.settle()
            yield there, engine


async def test_headers_end_where_they_belong(tmp_path: Path) -> None:
    async with before(tmp_path, says({"ok": 1}, 200, LOUD)) as (there, engine):
        browser = {"Origin": APPS, "Referer": f"{APPS}/x", "Sec-Fetch-Mode": "cors",
                   "Cookie": "ours=1", "X-App": "kept"}  # fmt: skip
        asked = {"model": "model"}
        plain = await there.http.post(CHAT, json=asked)
        app = await there.http.post(CHAT, headers=browser, json=asked)
        assert plain.status_code == app.status_code == 200
        assert engine.asked[CHAT]["x-app"] == "kept"
        foreign = {"origin", "referer", "sec-fetch-mode", "cookie"}
        assert foreign.isdisjoint(engine.asked[CHAT])

    for answer in (app, plain):
        assert answer.headers["x-engine"] == "kept"
        assert not {"set-cookie", "access-control-allow-credentials"} & set(answer.headers)
        assert "engine" not in answer.headers.get_list("server")
        assert "yesterday" not in answer.headers.get_list("date")
        for name, value in SECURITY.items():
            assert answer.headers.get_list(name) == [value]
    assert app.headers.get_list("access-control-allow-origin") == [APPS]
    assert "access-control-allow-origin" not in plain.headers


async def test_the_words_of_a_5xx_go_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when they never end."""
    async with before(tmp_path, dribbles(b"the prompt again ", 500)) as (there, _):
        asked = there.http.post(CHAT, json={"model": "model"})
        answer: httpx.Response = await asyncio.wait_for(asked, 10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "engine_error")
    assert "the prompt" not in answer.text + caplog.text
    assert "the engine on spark1 answered with 500 (" in caplog.text


@pytest.mark.parametrize("sparks", [False, True])
async def test_who_names_no_model_where_only_a_server_is(
    tmp_path: Path, sparks: bool  # noqa: FBT001 - a column
) -> None:  # fmt: skip
    """Without any Spark it is meant; with one whose engine is off, nothing may leave by itself."""
    paths: Mapping[str, Say] = {"/v1/models": models("far"), CHAT: says({"ok": 1})}
    async with small_engine(paths) as far:
        url = f"http://{far.address.host}:{far.address.port}/v1"
        servers = json.dumps([
            {"name": "marked", "base_url": "http://127.0.0.1:1", "models": ["x"], "redact": True},
            {"name": "far", "base_url": url, "models": ["far"]},
        ])  # fmt: skip
        variables = {"DATA_DIR": str(tmp_path / "data"), "UPSTREAMS": servers}
        if sparks:
            variables |= {"SPARK1_HOST": "127.0.0.1", "SPARK1_PORT": "1"}
        parts = compose(boots.read(variables, demo=boots.Demo(())), limits=QUICK)
        async with served(parts) as there, httpx.AsyncClient(base_url=there, timeout=30) as http:
            await parts.gateway.settle()
            answers = [await http.post(CHAT, json=body) for body in ({}, {"model": "default"})]
            named = await http.post(CHAT, json={"model": "far"})
    assert [answer.status_code for answer in answers] == [503 if sparks else 200] * 2
    assert named.status_code == 200
    if sparks:
        assert answers[0].json()["error"]["code"] == "nothing_loaded"
