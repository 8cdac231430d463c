"""A real HTTP server with canned answers, for the command line to talk to."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel

from spark_control.core import sse

CUT = "cut"
HOLD = "hold"


class Cut(Exception):
    """Ends a stream in the middle, as a lost connection does."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: JSON, or plain text when `body` is a text."""

    body: object
    status: int = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object


@dataclass(kw_only=True, slots=True)
class Canned:
    """What the server answers, by `METHOD /path`; the last of several answers stays.

    `streams` are the frames of one connection after the other; `CUT` breaks it off there and
    `HOLD` keeps it open until the client leaves, after telling `held`.
    """

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    streams: list[Sequence[str]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def on(self, what: str, *bodies: object, status: int = 200) -> "Canned":
        """Answer `what` with these, one after the other."""
        self.replies[what] = [Reply(_plain(body), status) for body in bodies]
        return self

    def asked(self, what: str) -> list[Seen]:
        """Return the requests for `METHOD /path`."""
        return [one for one in self.seen if f"{one.method} {one.path}" == what]

    def answer(self, request: Seen) -> Response:
        """Return the next answer for this request."""
        waiting = self.replies.get(f"{request.method} {request.path}")
        if not waiting:
            missing = error("route_unknown", f"Nothing is canned for {request.path}.")
            return JSONResponse(missing, 404)
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(reply.body, str):
            return PlainTextResponse(reply.body, reply.status)
        return JSONResponse(reply.body, reply.status)


def _plain(body: object) -> object:
    return body.model_dump(mode="json") if isinstance(body, BaseModel) else body


def error(code: str, message: str, hint: str = "", **detail: object) -> dict[str, object]:
    """Return an error in the shape of the API."""
    body: dict[str, object] = {"code": code, "message": message}
    body |= {"hint": hint} if hint else {}
    body |= {"detail": detail} if detail else {}
    return {"error": body}


def swap_frame(shape: BaseModel) -> str:
    """Return a frame with the state of a swap."""
    return sse.event("swap", shape.model_dump_json())


def log_frame(number: int, *lines: str) -> str:
    """Return a frame with log lines, of which the last one has this number."""
    return sse.event("log", json.dumps({"lines": lines}), event_id=str(number))


@dataclass(slots=True)
class Stage:
    """A running server; `canned` is what it answers now."""

    url: str
    canned: Canned = field(default_factory=Canned)

    def fresh(self) -> Canned:
        """Forget everything and return an empty list of answers."""
        self.canned = Canned(url=self.url)
        return self.canned


def application(stage: Stage) -> FastAPI:
    """Return the application that answers as `stage` says."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/api/swap/{swap_id}/stream")
    async def stream(request: Request) -> StreamingResponse:
        canned = stage.canned
        await _note(canned, request)
        frames = canned.streams.pop(0) if canned.streams else ()
        return StreamingResponse(_frames(canned, frames, request), media_type="text/event-stream")

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def anything(request: Request) -> Response:
        canned = stage.canned
        return canned.answer(await _note(canned, request))

    return app


async def _note(canned: Canned, request: Request) -> Seen:
    raw = await request.body()
    body = json.loads(raw) if raw else None
    query, headers = dict(request.query_params), dict(request.headers)
    canned.seen.append(Seen(request.method, request.url.path, query, headers, body))
    return canned.seen[-1]


async def _frames(canned: Canned, frames: Sequence[str], request: Request) -> AsyncIterator[str]:
    for frame in frames:
        if frame == CUT:
            raise Cut
        if frame == HOLD:
            canned.held.set()
            await request.receive()  # the next thing that comes is that the client has left
            return
        yield frame


@contextmanager
def serving() -> Iterator[Stage]:
    """Serve on a port of the system's choice, in a thread, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        stage = Stage(f"http://127.0.0.1:{sock.getsockname()[1]}")
        config = uvicorn.Config(
            application(stage), log_config=None, lifespan="off", timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([sock],), name="canned server")
        thread.start()
        try:
            yield stage
        finally:
            server.should_exit = True
            thread.join(timeout=10)
