"""A server that answers any request to an engine or a speech service, and can be taken away."""

import asyncio
import json
from dataclasses import dataclass, field

from spark_control.core.clock import RealClock

EVENTS = 60
PAUSE_S = 0.03
MESSAGES = "/v1/messages"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: "
_STREAM = _HEAD + b"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(slots=True)
class Steady:
    """Listens on one port; `active` are the requests that run, each for at least `takes_s`."""

    takes_s: float = 0.0
    port: int = 0
    active: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the port of the time before."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=1 << 22
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut all connections and listen no more."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                size = int(head.partition("content-length: ")[2].split("\r\n")[0] or 0)
                body = await reader.readexactly(size)
                self.active += 1
                try:
                    await RealClock().sleep(self.takes_s)
                    await self._answer(head.split(" ", 2)[1], body, writer)
                finally:
                    self.active -= 1
        except (OSError, EOFError):
            pass  # the other side left, or we were stopped
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if b'"stream": true' not in body[:80]:
            usage = {"prompt_tokens": 3, "completion_tokens": 5}
            said = json.dumps({"id": "x", "took": len(body), "usage": usage})
            length = f"application/json\r\nContent-Length: {len(said)}\r\n\r\n{said}"
            writer.write(_HEAD + length.encode())
            await writer.drain()
            return
        writer.write(_STREAM)
        for n in range(EVENTS):
            await self._event(_delta(path, n), writer)
            await RealClock().sleep(PAUSE_S)
        end = json.dumps({"type": "message_stop"}) if path == MESSAGES else "[DONE]"
        await self._event(end, writer)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _event(self, text: str, writer: asyncio.StreamWriter) -> None:
        event = f"data: {text}\n\n".encode()
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        if writer.transport.is_closing():
            raise ConnectionResetError


def _delta(path: str, n: int) -> str:
    if path == MESSAGES:
        delta = {"type": "text_delta", "text": f"{n}"}
        return json.dumps({"type": "content_block_delta", "index": 0, "delta": delta})
    return json.dumps({"choices": [{"delta": {"content": f"{n}"}}]})
