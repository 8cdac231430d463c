"""Where an engine's tokens come from: a script, or llama.cpp in a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from spark_control.core.clock import Clock
from spark_control.lab.standins import counts, script, shapes
from spark_control.lab.standins.front import Front
from spark_control.lab.standins.script import GENERATING, BadRequest, Piece, Wish
from spark_control.lab.standins.shapes import Voice
from spark_control.lab.standins.web import Reply, Request, json_reply

REAL_OWNER = "spark-control-lab-llama.cpp"
_TOKEN_S = 0.03


class Scripted:
    """Answers with words that say what they are."""

    def __init__(self, front: Front, model: str, clock: Clock, pace: float) -> None:
        self._front = front
        self._model = model
        self._clock = clock
        self._gap = _TOKEN_S * min(pace * 5, 1.0)

    async def __call__(self, request: Request, body: dict[str, object]) -> Reply:
        """Answer a request that was read."""
        created = int(self._clock.now().timestamp())
        ident = f"lab{created:x}{self._front.served:x}"
        asker = counts.Asker(self._front.names[0], ident, created)
        if request.path not in GENERATING:
            return json_reply(counts.answer(request.path, body, asker, self._front.longest))
        asked = script.wish(body, request.path)
        voice = shapes.voice(request.path, asker)
        if asked.stream:
            return Reply(
                kind="text/event-stream; charset=utf-8", pieces=self._stream(voice, asked)
            )
        made = [piece async for piece in self._pieces(asked)]
        return json_reply(voice.whole(made, asked))

    async def _pieces(self, asked: Wish) -> AsyncGenerator[Piece, None]:
        self._front.busy += 1
        try:
            for piece in script.pieces(self._model, asked):
                if self._gap:
                    await self._clock.sleep(self._gap)
                self._front.tokens += 1
                yield piece
        finally:
            self._front.busy -= 1

    async def _stream(self, voice: Voice, asked: Wish) -> AsyncGenerator[bytes, None]:
        for event in voice.begin(asked):
            yield event
        made = []
        async with aclosing(self._pieces(asked)) as pieces:
            async for piece in pieces:
                made.append(piece)
                yield voice.token(piece)
        for event in voice.end(made, asked):
            yield event


class Llama:
    """Passes requests to llama.cpp's own server and its answer back, byte for byte."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    async def start(self, wanted: dict[str, object]) -> int:
        """Load the model and return the process that holds it. Raises RuntimeError."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(Path(__file__).with_name("run.py")), "core"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        answer = await self._process.stdout.readline()
        if not answer:
            raise RuntimeError("llama.cpp did not start.")
        self._port = int(json.loads(answer)["port"])
        return self._process.pid

    async def ended(self) -> None:
        """Return when the process is gone."""
        if self._process:
            await self._process.wait()

    async def __call__(self, request: Request, body: dict[str, object]) -> Reply:
        """Answer a request that was read."""
        if request.path == counts.TOKENIZE:
            return json_reply(await self._tokenized(body))
        if request.path == counts.DETOKENIZE:
            return json_reply({"prompt": await self._ask(request.path, "content", body)})
        return Reply(raw=self._relay(request.path, request.body))

    async def _tokenized(self, body: dict[str, object]) -> dict[str, object]:
        """Answer as vLLM does, which names things differently from llama.cpp."""
        text: object = counts.said(body)
        if "messages" in body:
            text = await self._ask("/apply-template", "prompt", body)
        asked = {"content": text, "add_special": body.get("add_special_tokens", True)}
        tokens = await self._ask(counts.TOKENIZE, "tokens", asked)
        return counts.tokenized(tokens if isinstance(tokens, list) else [], self._front.longest)

    async def _ask(self, path: str, wanted: str, body: dict[str, object]) -> object:
        """Return one value of llama.cpp's answer. Raises BadRequest."""
        data = b"".join([part async for part in self._relay(path, json.dumps(body).encode())])
        said = json.loads(data.partition(b"\r\n\r\n")[2] or b"{}")
        if wanted not in said:
            raise BadRequest(f"llama.cpp has no answer to this: {str(said)[:200]}")
        return said[wanted]

    async def _relay(self, path: str, body: bytes) -> AsyncGenerator[bytes, None]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: llama\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._front.busy += 1
        try:
            writer.write(head.encode() + body)
            while data := await reader.read(65536):
                yield data
        finally:
            self._front.busy -= 1
            writer.close()
