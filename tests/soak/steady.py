"""An engine for `UPSTREAMS` that answers any request, and can be taken away and brought back."""

import asyncio
import json
from dataclasses import dataclass, field

from spark_control.core.clock import RealClock

EVENTS = 60
PAUSE_S = 0.03
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: "
_STREAM = _HEAD + b"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(slots=True)
class Steady:
    """Listens on one port; `active` are the requests that run."""

    port: int = 0
    active: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the port of the time before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
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
                asked = json.loads(await reader.readexactly(size) or b"{}")
                self.active += 1
                try:
                    await self._answer(asked, writer)
                finally:
                    self.active -= 1
        except (OSError, EOFError):
            pass  # the other side left, or we were stopped
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, asked: dict[str, object], writer: asyncio.StreamWriter) -> None:
        if not asked.get("stream"):
            body = json.dumps({"id": "x", "usage": {"prompt_tokens": 3, "completion_tokens": 5}})
            length = f"application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            writer.write(_HEAD + length.encode())
            await writer.drain()
            return
        writer.write(_STREAM)
        for n in range(EVENTS):
            await self._event(json.dumps({"choices": [{"delta": {"content": f"{n}"}}]}), writer)
            await RealClock().sleep(PAUSE_S)
        await self._event("[DONE]", writer)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _event(self, text: str, writer: asyncio.StreamWriter) -> None:
        event = f"data: {text}\n\n".encode()
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        if writer.transport.is_closing():
            raise ConnectionResetError
