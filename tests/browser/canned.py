"""A Spark Control with canned answers, which a test changes while the page looks at it.

The routes of the dashboard, the door's headers and the shapes are the real ones; what they say is
made up here.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.types import ASGIApp, Receive, Scope, Send

from spark_control.access.errors import TooManyTries, WrongToken
from spark_control.access.shown import SECURITY
from spark_control.app.errors import install
from spark_control.core.bus import Bus
from spark_control.core.clock import RealClock
from spark_control.core.errors import AppError, NotSignedIn
from spark_control.core.http_errors import for_path
from spark_control.core.sse import HEADERS, event
from spark_control.core.tasks import Tasks
from spark_control.dashboard.api import router as page_router
from spark_control.dashboard.events import router as events_router
from spark_control.dashboard.status import StatusShape
from spark_control.fleet.hosts_shapes import EntryShape, HostsAnswer, LineShape
from spark_control.fleet.shapes import HardwareAnswer, SparkShape
from spark_control.gateway.overview_api import AliasShape, GatewayShape
from spark_control.models.fit_shapes import FitShape, SuggestShape
from spark_control.models.import_shapes import IntakeShape
from spark_control.models.shapes import MenuShape, RecipeShape
from spark_control.requests.shapes import RequestShape, RequestsShape, StatsShape
from spark_control.swap.engines_shapes import EnginesShape, RowShape
from spark_control.swap.lock_shapes import FreeShape, LockShape
from spark_control.swap.shapes import SwapShape
from spark_control.swap.validate_shapes import ReportShape
from tests.browser.scenes import (
    STATUS,
    engine_of,
    loaded,
    menu,
    recipe,
    requests_stats,
    spark,
    swap,
)
from tests.unit.cli.samples import gateway

PUBLIC = ("/assets/", "/api/session", "/healthz")


class Down(AppError):
    """The server is away."""


REPORT = ReportShape(
    ok=True, stage="done", error=None, errors=[], warnings=[], cmd_args=[], launch_cmd="",
    spark="spark1", parser="vLLM 0.33.0 in vllm-node", note="Checked.", checked_at="",
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Canned:
    """What the answers are now, and what the page has asked for."""

    status: StatusShape = field(default_factory=lambda: STATUS.model_copy(deep=True))
    sparks: list[SparkShape] = field(default_factory=lambda: [spark("spark1"), spark("spark2")])
    menu: MenuShape = field(default_factory=menu)
    hosts: list[EntryShape] = field(default_factory=list)
    checks: list[LineShape] = field(default_factory=list)
    """What a test of a Spark says; the lines after the third wait for `go_on`."""
    fit: FitShape | None = None
    proposal: SuggestShape | None = None
    token: str | None = None
    refuse: AppError | None = None
    """What the next request for a swap is answered with, instead of starting one."""
    report: ReportShape = field(default_factory=lambda: REPORT.model_copy(deep=True))
    words: list[str] = field(default_factory=lambda: ["Hello", " from", " the model."])
    away: bool = False
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    bus: Bus = field(default_factory=lambda: Bus(boot="b1"))
    lines: list[str] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Holds the rest of a chat answer after its first piece until it is set."""
    records: list[RequestShape] = field(default_factory=list)
    stats: StatsShape | None = None
    gateway: GatewayShape = field(default_factory=gateway)
    aliases: dict[str, str] = field(default_factory=lambda: {"fast": "qwen36"})
    engines: list[RowShape] = field(default_factory=list)
    intake: IntakeShape | None = None
    url: str = ""

    async def snapshot(self) -> dict[str, object]:
        return {
            "status": self.status.model_dump(mode="json"),
            "hardware": {"sparks": [one.model_dump(mode="json") for one in self.sparks]},
            "models": self.menu.model_dump(mode="json"),
        }

    def tell(self, shape: SwapShape) -> None:
        """Let the swap be so from now on, and say it."""
        self.status.swap = shape
        self.bus.publish("swap", shape.id, shape.model_dump(mode="json"))
        self.wake()

    def lock(self, shape: LockShape | None) -> None:
        """Let the swap lock be held, or free, from now on, and say it."""
        self.status.lock = shape or FreeShape()
        self.bus.publish("lock", "swap", self.status.lock.model_dump(mode="json"))

    def look(self, card: SparkShape) -> None:
        """Let a Spark be so from now on, and say it."""
        self.sparks = [card if one.name == card.name else one for one in self.sparks]
        self.bus.publish("hardware", card.name, card.model_dump(mode="json"))

    def log(self, *lines: str) -> None:
        """Let the engine write lines."""
        self.lines += lines
        self.wake()

    def wake(self) -> None:
        """Let streams of the log look again."""
        self.more.set()
        self.more = asyncio.Event()

    def serve(self, *models: tuple[str, str, str | None]) -> None:
        """Let these be loaded: model, Spark, how it is played."""
        self.status.loaded = [loaded(*one) for one in models]
        by_spark = {where: (name, how) for name, where, how in models}
        for one in self.status.sparks:
            engine = engine_of(one.name, one.host, *by_spark.get(one.name, (None, None)))
            one.engine = engine
            self.bus.publish("engine", one.name, engine.model_dump(mode="json"))

    def leave(self) -> None:
        """Be away: streams are cut, new requests fail."""
        self.away = True
        self.bus.close()

    def requests(self, method: str, path: str) -> list[Any]:
        """Return the bodies the page sent to a route."""
        return [body for how, where, body in self.asked if (how, where) == (method, path)]


def build(canned: Canned) -> FastAPI:
    """Return the application that answers from `canned`."""
    app = FastAPI()
    install(app)
    app.include_router(page_router())
    app.include_router(events_router(canned.bus, canned.snapshot, RealClock()))
    _session(app, canned)
    _api(app, canned)
    _models(app, canned)
    _fleet(app, canned)
    _hosts(app, canned)
    _swaps(app, canned)
    _chat(app, canned)
    _requests(app, canned)
    _engines(app, canned)

    async def door(request: Request, answer: RequestResponseEndpoint) -> Response:
        path = request.url.path
        refused: AppError | None = Down("The server is away.") if canned.away else None
        public = path == "/" or path.startswith(PUBLIC)
        if canned.token and not public and request.cookies.get("sc") != canned.token:
            refused = NotSignedIn("This needs the owner token.")
        if refused is not None:
            shown = for_path(path, refused)
            return JSONResponse(shown.body, shown.status, shown.headers)
        if request.method != "GET":
            body = await request.body()
            canned.asked.append((request.method, path, json.loads(body) if body else None))
        response = await answer(request)
        for name, value in SECURITY.items():
            response.headers.setdefault(name, value)
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=door)
    return app


def _session(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/session")
    async def look(request: Request) -> dict[str, object]:
        signed_in = canned.token is None or request.cookies.get("sc") == canned.token
        return {"auth": "token" if canned.token else "off", "signed_in": signed_in}

    @app.post("/api/session")
    async def sign_in(request: Request) -> Response:
        tried = (await request.json())["token"]
        if tried == "again":
            raise TooManyTries("Too many wrong tokens.", retry_after_s=4)
        if tried != canned.token:
            raise WrongToken("The token is not the right one.")
        answer = Response(status_code=204)
        answer.set_cookie("sc", tried, httponly=True, samesite="lax")
        return answer

    @app.delete("/api/session")
    async def sign_out() -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie("sc")
        return answer


def _api(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/status")
    async def status() -> StatusShape:
        return canned.status

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/jobs/sw_1/log")
    async def log() -> PlainTextResponse:
        return PlainTextResponse("".join(f"{line}\n" for line in canned.lines))


def _models(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/models")
    async def models() -> MenuShape:
        return canned.menu

    @app.get("/api/models/suggest")
    async def suggest(key: str) -> SuggestShape:
        assert canned.proposal is not None, key
        return canned.proposal

    @app.get("/api/models/{key}/fit")
    async def fit(key: str, spark: str) -> FitShape:
        assert canned.fit is not None, (key, spark)
        return canned.fit.model_copy(update={"spark": spark})

    @app.post("/api/models", status_code=201)
    async def add(request: Request) -> RecipeShape:
        entry = await request.json()
        for one in canned.menu.models:
            one.needs_setup = one.needs_setup and one.key != entry["key"]
        return recipe(entry["key"], entry["name"], "")


def _requests(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/requests")
    async def records(request: Request, limit: int = 50, after: str = "") -> RequestsShape:
        canned.asked.append(("GET", "/api/requests", dict(request.query_params)))
        begin = int(after or 0)
        rows = canned.records[begin : begin + limit]
        more = begin + limit < len(canned.records)
        return RequestsShape(requests=rows, next=str(begin + limit) if more else None)

    @app.get("/api/requests/stats")
    async def stats() -> StatsShape:
        return canned.stats or requests_stats({})

    @app.get("/api/gateway")
    async def gateway() -> GatewayShape:
        return canned.gateway

    @app.get("/api/settings")
    async def settings() -> dict[str, object]:
        value = json.dumps(canned.aliases) if canned.aliases else ""
        return {"version": "v1", "settings": [{"name": "ALIASES", "value": value}]}

    @app.put("/api/settings")
    async def save(request: Request) -> dict[str, object]:
        if canned.refuse is not None:
            raise canned.refuse
        canned.aliases = json.loads((await request.json())["values"]["ALIASES"] or "{}")
        canned.gateway.aliases = [
            AliasShape(name=name, model=model, to=["spark1"], shadowed=False)
            for name, model in canned.aliases.items()
        ]
        return await settings()


def _engines(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/engines")
    async def engines() -> EnginesShape:
        return EnginesShape(engines=canned.engines)

    @app.post("/api/engines/{name}/{what}")
    async def act(name: str, what: str) -> RowShape:
        more = {"ours": "adopted", "can_take_over": False}
        gone = {"ours": None, "kind": None, "state": "absent"}
        was = next(one for one in canned.engines if one.spark == name)
        return was.model_copy(update=more if what == "take-over" else gone)

    @app.post("/api/models/import")
    async def take_in() -> IntakeShape:
        assert canned.intake is not None
        return canned.intake


def _fleet(app: FastAPI, canned: Canned) -> None:
    @app.get("/api/hardware")
    async def hardware() -> HardwareAnswer:
        return HardwareAnswer(sparks=canned.sparks)

    @app.get("/api/hosts")
    async def hosts() -> HostsAnswer:
        return HostsAnswer(hosts=canned.hosts)

    @app.get("/api/ssh-key")
    async def ssh_key() -> dict[str, str]:
        return {"public_key": "ssh-ed25519 AAAA", "command": "printf 'ssh-ed25519 AAAA'"}


def _hosts(app: FastAPI, canned: Canned) -> None:
    @app.post("/api/hosts/test")
    async def test() -> StreamingResponse:
        return StreamingResponse(_checks(canned), media_type="application/x-ndjson")

    @app.post("/api/hosts", status_code=201)
    async def add(request: Request) -> EntryShape:
        if canned.refuse is not None:
            raise canned.refuse
        wish = await request.json()
        return canned.hosts[0].model_copy(update={"name": wish["name"] or "spark1"})

    @app.post("/api/hosts/{name}/trust")
    async def trust(name: str) -> EntryShape:
        canned.checks = [one.model_copy(update={"key": None}) for one in canned.checks]
        return next(one for one in canned.hosts if one.name == name)

    @app.delete("/api/hosts/{name}", status_code=204)
    async def remove(name: str) -> Response:
        if canned.refuse is not None:
            raise canned.refuse
        canned.status.sparks = [one for one in canned.status.sparks if one.name != name]
        return Response(status_code=204)


async def _checks(canned: Canned) -> AsyncIterator[str]:
    for number, line in enumerate(canned.checks):
        if number == 3:
            await canned.go_on.wait()
        yield f"{line.model_dump_json()}\n"


def _swaps(app: FastAPI, canned: Canned) -> None:
    @app.post("/api/swap", status_code=202)
    async def start(request: Request) -> SwapShape:
        if canned.refuse is not None:
            raise canned.refuse
        wish = await request.json()
        leaving = [one.model for one in canned.status.loaded if one.spark == wish["host"]]
        canned.tell(swap(wish["model"], spark=wish["host"], replaces=leaving, phase="checking"))
        assert canned.status.swap is not None
        return canned.status.swap

    @app.post("/api/swap/lock/break")
    async def break_lock() -> FreeShape:
        canned.lock(None)
        return FreeShape()

    @app.post("/api/swap/{key}/validate")
    async def validate(key: str) -> ReportShape:
        return canned.report.model_copy(update={"cmd_args": ["vllm", "serve", key]})

    @app.get("/api/swap/sw_1")
    async def look() -> SwapShape | None:
        shape = canned.status.swap
        return shape.model_copy(update={"log_tail": canned.lines[-40:]}) if shape else None

    @app.delete("/api/swap/sw_1")
    async def cancel() -> SwapShape | None:
        return canned.status.swap

    @app.get("/api/swap/sw_1/stream")
    async def stream(request: Request) -> StreamingResponse:
        after = int(request.headers.get("last-event-id", "0"))
        frames = _log(canned, after)
        return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)


async def _log(canned: Canned, after: int) -> AsyncIterator[str]:
    while not canned.away:
        more = canned.more
        if fresh := canned.lines[after:]:
            after = len(canned.lines)
            yield event("log", json.dumps({"lines": fresh}), event_id=str(after))
        if canned.status.swap is not None:
            yield event("swap", canned.status.swap.model_dump_json())
            if canned.status.swap.ended_at:
                return
        await more.wait()


def _chat(app: FastAPI, canned: Canned) -> None:
    async def pieces() -> AsyncIterator[str]:
        for number, word in enumerate(canned.words):
            delta = {"choices": [{"index": 0, "delta": {"content": word}}]}
            frame = f"data: {json.dumps(delta)}\n\n"
            # Cut in the middle of a line, as a network does.
            yield frame[:9]
            yield frame[9:]
            if number == 0:
                await canned.go_on.wait()
        yield "data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def chat() -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/event-stream")


@dataclass(slots=True)
class Behind:
    """Takes a path prefix off, as a proxy does; what does not begin with it is not found."""

    app: ASGIApp
    prefix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(f"{self.prefix}/"):
            await Response(status_code=404)(scope, receive, send)
            return
        path = scope["path"].removeprefix(self.prefix)
        await self.app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


@asynccontextmanager
async def serving(canned: Canned, prefix: str = "") -> AsyncIterator[Canned]:
    """Serve `canned` on a port of this machine; `canned.url` says where."""
    sock = socket.create_server(("127.0.0.1", 0))
    canned.url = f"http://127.0.0.1:{sock.getsockname()[1]}{prefix}/"
    config = uvicorn.Config(
        Behind(build(canned), prefix), log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    tasks = Tasks("canned")
    serve = tasks.spawn(server.serve(sockets=[sock]), name="server")
    try:
        yield canned
    finally:
        canned.go_on.set()
        canned.leave()
        canned.wake()
        server.should_exit = True
        await serve
