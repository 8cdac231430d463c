"""Speech and embedding services behind the one URL, with the real client of OpenAI."""

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai

from tests.fleet.system import System, system
from tests.fleet.test_live_settings import save
from tests.service.engines.small import models, says, small_engine

MIA = "Magpie-Multilingual.EN-US.Mia"
SAID = "scripted speech service"
AUDIO = ("a.wav", b"RIFF" + bytes(3000))


@asynccontextmanager
async def serviced(tmp: Path, **variables: Any) -> AsyncIterator[System]:
    """Run everything with the services of the lab, looked at once."""
    async with system(tmp, services=True, **variables) as there:
        await settled(there)
        yield there


async def settled(there: System) -> None:
    """Return once the services that can be up are seen to be."""
    services = there.parts.gateway.services
    async with asyncio.timeout(20):
        await services.look()
        while not all(one.up for one in services.now() if "10.88" not in one.base_url):
            await services.look()
    await there.parts.gateway.settle()


def client(there: System) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{there.url}/v1", api_key="unused", max_retries=0)


async def transcribe(there: System, **more: str) -> httpx.Response:
    return await there.http.post(
        "/v1/audio/transcriptions", files={"file": AUDIO}, data={"model": "any", **more}
    )


async def test_one_url_for_all_of_it(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there, client(there) as ai:
        heard = await ai.audio.transcriptions.create(model="parakeet", file=AUDIO)
        spoken = await ai.audio.speech.create(model="tts-1", voice=MIA, input="Hello")
        kokoro = await ai.audio.speech.create(
            model="kokoro", voice="af_heart", input="Hello", response_format="wav"
        )
        vectors = await ai.embeddings.create(
            model="text-embedding-3-small", input=["a", "b", "a"], encoding_format="float"
        )
        listed = [row.id async for row in await ai.models.list()]
        voices = (await there.get("/v1/audio/voices"))["voices"]

    assert SAID in heard.text
    for answer in (spoken, kokoro):
        assert answer.response.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(answer.content)) as sound:
            assert sound.getnframes() > 0
    first, second, again = (row.embedding for row in vectors.data)
    assert first == again != second
    assert {"parakeet-tdt-0.6b-v3", "scripted-embedding", "kokoro", MIA, "af_heart"} <= set(listed)
    assert {"id": MIA, "name": MIA, "service": "magpie"} in voices


async def test_what_a_service_refuses_is_passed_on(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there:
        wrong = await there.http.post(
            "/v1/audio/speech", json={"input": "x", "voice": "Magpie-Multilingual.EN-US.Nobody"}
        )
        format_ = await there.http.post(
            "/v1/audio/speech", json={"input": "x", "voice": MIA, "response_format": "flac"}
        )
        text = await transcribe(there, response_format="text")
        nothing = await there.http.post("/v1/audio/transcriptions")
    assert (wrong.status_code, "is not there" in wrong.text) == (400, True)
    assert (format_.status_code, format_.json()["error"]["code"]) == (400, "speech_format")
    assert (text.headers["content-type"], SAID in text.text) == ("text/plain; charset=utf-8", True)
    assert nothing.status_code == 422


async def test_a_service_that_fails_inside_is_told_of(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there:
        heard = there.parts.bus.subscribe("service")
        await there.lab.set_fault("spark2", "service-fails", "")
        answers = [
            await transcribe(there),
            await there.http.post("/v1/audio/speech", json={"input": "x", "voice": MIA}),
        ]
        embedding = await there.http.post("/v1/embeddings", json={"input": "x"})
        events = {(await asyncio.wait_for(anext(heard), 5)).key for _ in answers}
        rows = await there.get("/api/requests")
        there.parts.bus.unsubscribe(heard)
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert answer.json()["error"]["code"] == "service_wedged"
        assert "CUDA" not in answer.text
    assert events == {"parakeet", "magpie"}
    assert (embedding.status_code, embedding.json()["error"]["code"]) == (500, "service_error")
    assert rows


async def test_an_upload_has_a_limit(tmp_path: Path) -> None:
    async with serviced(tmp_path, MAX_UPLOAD_MB="1") as there:
        stated = await there.http.post("/v1/audio/transcriptions", content=bytes(1_000_001))

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(65536)

        unstated = await there.http.post("/v1/audio/transcriptions", content=chunks())
        right = await transcribe(there)
    for answer in (stated, unstated):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert "MAX_UPLOAD_MB" in answer.text
    assert right.status_code == 200


async def test_settings_count_at_once(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there:
        async with asyncio.timeout(10):
            assert (await transcribe(there)).status_code == 200
            await save(there, DISABLED_SERVICES="parakeet,magpie,kokoro")
            while (gone := await transcribe(there)).status_code == 200:
                pass
        spoken = await there.http.post("/v1/audio/speech", json={"input": "x"})
    for answer in (gone, spoken):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_missing")


async def test_nobody_there(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        answer = await transcribe(there)
        spoken = await there.http.post("/v1/audio/speech", json={"input": "x"})
        voices = await there.get("/v1/audio/voices")
    for one in (answer, spoken):
        assert (one.status_code, one.json()["error"]["code"]) == (502, "service_unreachable")
    assert voices == {"object": "list", "voices": []}


async def backed_by(there: System, base_url: str) -> None:
    """Put a server before the service of the settings, and wait until it is seen."""
    servers = [{"name": "far", "base_url": f"{base_url}/v1", "models": ["w"]}]
    await save(there, UPSTREAMS=json.dumps(servers), SPEECH_BACKENDS="far")
    await settled(there)


async def targets(there: System, count: int) -> list[str]:
    """Return who answered, once so many requests are on record; the newest first."""
    async with asyncio.timeout(10):
        while len(rows := (await there.get("/api/requests"))["requests"]) < count:
            pass
    return [row["target"] for row in rows]


async def test_what_the_first_refuses_goes_to_the_next(tmp_path: Path) -> None:
    """The upload was kept, so it can be sent again, as often as there are services."""
    async with serviced(tmp_path) as there:
        host = there.lab.sparks[1].host
        await there.lab.set_fault("spark2", "service-fails", "embed")
        await backed_by(there, f"http://{host}:8001")
        large = ("a.wav", bytes(3_000_000))
        answer = await there.http.post("/v1/audio/transcriptions", files={"file": large})
        assert await targets(there, 1) == ["parakeet"]
        await there.lab.set_fault("spark2", "service-fails", "")
        failed = await transcribe(there)
    assert answer.status_code == 200, answer.text
    assert SAID in answer.json()["text"]
    assert (failed.status_code, failed.json()["error"]["code"]) == (503, "service_wedged")


async def test_when_the_first_has_just_gone(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there:
        paths = {"/v1/models": models("w"), "/v1/audio/transcriptions": says({"text": "far"})}
        async with small_engine(paths) as far:
            await backed_by(there, far.address.base_url)
            first = await transcribe(there)
        second = await transcribe(there)
        assert await targets(there, 2) == ["parakeet", "far"]
    assert (first.json()["text"], SAID in second.json()["text"]) == ("far", True)


async def test_every_endpoint_is_listed(tmp_path: Path) -> None:
    async with serviced(tmp_path, DISABLED_SERVICES="kokoro") as there:
        found = await there.get("/api/endpoints")
    rows = {row["name"]: row for row in found["endpoints"]}
    assert found["base_url"] == f"{there.url}/v1"
    assert set(rows) == {"spark1", "spark2", "parakeet", "magpie", "kokoro", "embed", "qdrant"}
    assert rows["embed"] == {
        "name": "embed", "service": "embed", "capability": "embed",
        "host": there.lab.sparks[1].host, "port": 8001,
        "base_url": f"http://{there.lab.sparks[1].host}:8001/v1", "model": "scripted-embedding",
        "models": ["scripted-embedding"], "disabled": False, "up": True,
    }  # fmt: skip
    assert (rows["kokoro"]["disabled"], rows["kokoro"]["up"]) == (True, None)


async def test_a_swap_leaves_the_services_alone(tmp_path: Path) -> None:
    async with serviced(tmp_path) as there:
        job = await there.swapped("gpt-oss-120b", host="spark2")
        assert job["state"] == "ready", job
        assert (await transcribe(there)).status_code == 200
        chat = await there.chat("default")
        embedded = await there.http.post("/v1/embeddings", json={"input": "x"})
    assert chat.json()["model"] == "gpt-oss-120b"
    assert embedded.json()["model"] == "scripted-embedding"
