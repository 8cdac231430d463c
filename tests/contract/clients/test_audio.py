"""The `openai` client and speech services behind the gateway: uploads, and sound as it is made."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import openai
import pytest

from spark_control.gateway.services import Role, Service
from tests.contract.http.peer import Line, Message, played
from tests.contract.http.plane import plane

SOUND = ("a.wav", b"RIFF" + bytes(range(256)) * 400, "audio/wav")
SPOKEN = (b"RIFF\x00\x01", bytes(70_000), b"end")
HEARD = ("Guten ", "Tag")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"


@dataclass
class Speech:
    """Where the gateway is, what came to the service, and when it may go on speaking."""

    url: str = ""
    asked: list[Message] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="unused", max_retries=0)


async def _answer(line: Line, there: Speech, asked: Message) -> None:
    if asked.target == "/v1/audio/speech":
        await line.say(_HEAD % b"audio/pcm" + b"Transfer-Encoding: chunked\r\n\r\n")
        for part in SPOKEN:
            await line.say(b"%x\r\n%b\r\n" % (len(part), part))
            await there.go.wait()
        await line.say(b"0\r\n\r\n")
    elif b'name="stream"\r\n\r\ntrue' in asked.body:
        events = [{"type": "transcript.text.delta", "delta": word} for word in HEARD]
        events.append({"type": "transcript.text.done", "text": "".join(HEARD)})
        data = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
        length = b"Content-Length: %d\r\n\r\n" % len(data)
        await line.say(_HEAD % b"text/event-stream" + length, data[:31], data[31:])
    else:
        said = f"{asked.target.rpartition('/')[2]}: {''.join(HEARD)}"
        data = json.dumps({"text": said}).encode()
        length = b"Content-Length: %d\r\n\r\n" % len(data)
        await line.say(_HEAD % b"application/json" + length + data)


@asynccontextmanager
async def speech() -> AsyncIterator[Speech]:
    """Run a gateway worker before a speech service that hears and speaks."""
    there = Speech()

    async def script(line: Line) -> None:
        while True:
            asked = await line.message()
            there.asked.append(asked)
            await _answer(line, there, asked)

    async with played(script) as service:
        known = tuple(
            Service(name=name, title=name, role=role, base_url=service.url)
            for name, role in (("parakeet", Role.TRANSCRIBE), ("kokoro", Role.SPEAK))
        )
        async with plane(services=known) as found:
            there.url = f"http://127.0.0.1:{found.port}"
            yield there


async def test_what_was_said_and_what_it_means() -> None:
    async with speech() as there, there.client as ai:
        heard = await ai.audio.transcriptions.create(model="any", file=SOUND, language="de")
        async with httpx.AsyncClient(
            base_url=there.url, trust_env=False
        ) as http:  # openai's warns
            meant = await http.post("/v1/audio/translations", files={"file": SOUND})
        assert (heard.text, meant.json()["text"]) == (
            "transcriptions: Guten Tag",
            "translations: Guten Tag",
        )
        assert all(SOUND[1] in one.body for one in there.asked)
        assert b'name="language"\r\n\r\nde' in there.asked[0].body


async def test_a_transcription_as_it_comes() -> None:
    async with speech() as there, there.client as ai:
        stream = await ai.audio.transcriptions.create(model="any", file=SOUND, stream=True)
        events = [event async for event in stream]
        deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
        assert deltas == list(HEARD)
        assert events[-1].type == "transcript.text.done"


async def test_sound_is_heard_while_the_rest_is_made() -> None:
    async with speech() as there, there.client as ai:
        asked = ai.audio.speech.with_streaming_response.create(
            model="kokoro", voice="af_heart", input="Hello", response_format="pcm"
        )
        async with asked as answer:
            parts = answer.iter_bytes()
            assert await anext(parts) == SPOKEN[0]  # the service waits for us with the others
            there.go.set()
            rest = b"".join([part async for part in parts])
            assert rest == b"".join(SPOKEN[1:])
            assert answer.headers["content-type"] == "audio/pcm"


async def test_without_asyncio() -> None:
    """The plain client, in a thread of its own."""

    def asks(url: str) -> tuple[str, bytes]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as ai:
            heard = ai.audio.transcriptions.create(model="any", file=SOUND)
            spoken = ai.audio.speech.create(
                model="kokoro", voice="af_heart", input="x", response_format="pcm"
            )
            return heard.text, spoken.content

    async with speech() as there:
        there.go.set()
        heard, spoken = await asyncio.to_thread(asks, there.url)
    assert heard.startswith("transcriptions")
    assert spoken == b"".join(SPOKEN)


async def test_no_service() -> None:
    async with plane() as found:
        ai = openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{found.port}/v1", api_key="unused", max_retries=0
        )
        async with ai:
            with pytest.raises(openai.InternalServerError) as missing:
                await ai.audio.transcriptions.create(model="any", file=SOUND)
    assert (missing.value.status_code, missing.value.code) == (503, "service_missing")
