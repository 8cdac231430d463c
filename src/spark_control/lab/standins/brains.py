"""Where an engine's tokens come from: a script, or llama.cpp in a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from spark_control.core.clock import Clock
from spark_control.lab.standins import script
from spark_control.lab.standins.front import COMPLETIONS, Front
from spark_control.lab.standins.script import Piece, Shape, Wish
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
        """Answer a completion."""
        chat = request.path == COMPLETIONS[0]
        asked = script.wish(body, chat=chat)
        created = int(self._clock.now().timestamp())
        ident = f"{'chatcmpl' if chat else 'cmpl'}-lab{created:x}{self._front.served:x}"
        shape = Shape(chat, ident, created, self._front.names[0])
        if asked.stream:
            return Reply(
                kind="text/event-stream; charset=utf-8", pieces=self._stream(shape, asked)
            )
        made = [piece async for piece in self._pieces(asked)]
        return json_reply(shape.whole(made, script.usage(asked, len(made))))

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

    async def _stream(self, shape: Shape, asked: Wish) -> AsyncGenerator[bytes, None]:
        if opening := shape.opening():
            yield script.sse(opening)
        made = 0
        async with aclosing(self._pieces(asked)) as pieces:
            async for piece in pieces:
                made += 1
                yield script.sse(shape.event(piece))
        if asked.usage:
            yield script.sse(shape.closing(script.usage(asked, made)))
        yield b"data: [DONE]\n\n"


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

    async def __call__(self, request: Request, _body: dict[str, object]) -> Reply:
        """Answer a completion."""
        return Reply(raw=self._relay(request))

    async def _relay(self, request: Request) -> AsyncGenerator[bytes, None]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = (
            f"POST {request.path} HTTP/1.1\r\nhost: llama\r\ncontent-type: application/json\r\n"
            f"content-length: {len(request.body)}\r\nconnection: close\r\n\r\n"
        )
        self._front.busy += 1
        try:
            writer.write(head.encode() + request.body)
            while data := await reader.read(65536):
                yield data
        finally:
            self._front.busy -= 1
            writer.close()
