"""Plays a speech or embedding service in a container; its answers say that nothing is computed."""

import asyncio
import hashlib
import io
import json
import math
import re
import signal
import struct
import wave
from collections.abc import Callable

from spark_control.core.clock import RealClock
from spark_control.lab.standins import box as boxes
from spark_control.lab.standins import counts
from spark_control.lab.standins.box import Box, complain, say
from spark_control.lab.standins.script import BadRequest
from spark_control.lab.standins.web import Reply, Request, Server, bind, json_reply

SAID = "This is the scripted speech service of the Spark Control lab; nobody has listened."
FAULT = "service-fails"
_WIDTH = 64
_CREATED = 1_763_700_000
_RATE = 22050
_MAGPIE_VOICES = ("Magpie-Multilingual.EN-US.Mia", "Magpie-Multilingual.EN-US.Aria",
                  "Magpie-Multilingual.DE-DE.Aria")  # fmt: skip
_KOKORO_VOICES = ("af_heart", "af_bella", "bm_george")
_FIELD = re.compile(rb'name="(\w+)"\r\n\r\n(.*?)\r\n--', re.DOTALL)
_LONGEST_TONE_S = 3.0


def tone(text: str, rate: int = _RATE) -> bytes:
    """Return a WAV with a tone, longer for a longer text; it is plain that no voice speaks."""
    count = int(rate * min(_LONGEST_TONE_S, 0.2 + 0.02 * len(text)))
    wave_of = (int(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    held = io.BytesIO()
    with wave.open(held, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", value) for value in wave_of))
    return held.getvalue()


def vector(text: str) -> list[float]:
    """Return numbers that are the same for the same text and mean nothing."""
    digest = hashlib.shake_256(text.encode()).digest(_WIDTH)
    values = [byte / 127.5 - 1 for byte in digest]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [round(value / length, 6) for value in values]


def fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form, as far as they are texts."""
    return {
        name.decode(): value.decode("utf-8", "replace") for name, value in _FIELD.findall(body)
    }


def _models(name: str) -> Reply:
    row = {"id": name, "object": "model", "created": _CREATED,
           "owned_by": "spark-control-lab-scripted"}  # fmt: skip
    return json_reply({"object": "list", "data": [row]})


def _trouble(text: str, status: int = 400) -> Reply:
    return json_reply({"error": {"message": text, "type": "invalid_request_error"}}, status)


def parakeet(request: Request) -> Reply | None:
    """Answer as the speech-to-text service does."""
    if request.path == "/v1/models":
        return _models("parakeet-tdt-0.6b-v3")
    if request.path not in {"/v1/audio/transcriptions", "/v1/audio/translations"}:
        return None
    if b'name="file"' not in request.body:
        return _trouble("file: Field required", 422)
    given = fields(request.body)
    if given.get("response_format") == "text":
        return Reply(body=f"{SAID}\n".encode(), kind="text/plain; charset=utf-8")
    answer: dict[str, object] = {"text": SAID}
    if given.get("response_format") == "verbose_json":
        segment = {"id": 0, "start": 0.0, "end": 1.0, "text": SAID}
        answer |= {"task": "transcribe", "language": "en", "duration": 1.0, "segments": [segment]}
    return json_reply(answer)


def magpie(request: Request) -> Reply | None:
    """Answer as the NIM of Magpie does."""
    if request.path == "/v1/audio/list_voices":
        return json_reply({"en-US,de-DE": {"voices": list(_MAGPIE_VOICES)}})
    if request.path != "/v1/audio/synthesize":
        return None
    given = fields(request.body)
    if not given.get("text") or not given.get("language"):
        return _trouble("text and language are required", 422)
    if given.get("voice", _MAGPIE_VOICES[0]) not in _MAGPIE_VOICES:
        return _trouble(f"Voice {given['voice']} is not there.")
    return Reply(body=tone(given["text"]), kind="audio/wav")


def kokoro(request: Request) -> Reply | None:
    """Answer as the server of Kokoro does; it makes WAV only here."""
    if request.path == "/v1/audio/voices":
        return json_reply({"voices": list(_KOKORO_VOICES)})
    if request.path == "/v1/models":
        return _models("kokoro")
    if request.path != "/v1/audio/speech":
        return None
    text = json.loads(request.body).get("input", "")
    return Reply(body=tone(str(text)), kind="audio/wav")


def embed(request: Request) -> Reply | None:
    """Answer as an embedding server does."""
    name = "scripted-embedding"
    if request.path == "/v1/models":
        return _models(name)
    body = json.loads(request.body or b"{}")
    if request.path in counts.RERANK | counts.SCORE:
        asker = counts.Asker(name, "lab", _CREATED)
        return json_reply(counts.answer(request.path, body, asker, 0))
    if request.path != "/v1/embeddings":
        return None
    given = body.get("input", "")
    texts = given if isinstance(given, list) else [given]
    data = [
        {"object": "embedding", "index": n, "embedding": vector(str(text))}
        for n, text in enumerate(texts)
    ]
    words = sum(len(str(text).split()) for text in texts)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return json_reply({"object": "list", "model": name, "data": data, "usage": usage})


_PLAYED: dict[str, Callable[[Request], Reply | None]] = {
    "parakeet": parakeet, "magpie": magpie, "kokoro": kokoro, "embed": embed,
}  # fmt: skip


class Played:
    """One service; a fault makes it fail."""

    def __init__(self, box: Box, name: str) -> None:
        self._box = box
        self._name = name

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path in {"/health", "/v1/health/ready"}:
            return json_reply({"status": "ok", "note": "scripted by the Spark Control lab"})
        broken = self._box.fault(FAULT)
        if broken is not None and broken in {"", self._name} and request.method == "POST":
            return _trouble("CUDA error: an illegal memory access was encountered", 500)
        try:
            return _PLAYED[self._name](request) or _trouble("Not Found", 404)
        except (BadRequest, ValueError, AttributeError) as error:
            return _trouble(str(error), 422)


async def _serve(box: Box, name: str, port: int) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = Server(box, Played(box, name), RealClock())
    await server.listen(bind(str(box.spark()["host"]), port))
    say(f"Spark Control lab: a script plays {name} on port {port}; no model runs.\n")
    await stop.wait()
    await server.close()
    return 0


def main(_name: str, words: list[str]) -> int:
    """Play the service `words[0]` on the port `words[1]`."""
    if len(words) != 2 or words[0] not in _PLAYED or not words[1].isdecimal():
        complain(f"usage: lab-service {{{','.join(_PLAYED)}}} PORT\n")
        return 2
    try:
        return asyncio.run(_serve(boxes.here(), words[0], int(words[1])))
    except OSError as error:
        complain(f"OSError: {error}\n")
        return 1
