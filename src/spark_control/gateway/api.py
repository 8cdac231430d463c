"""`/v1`: the routes that OpenAI's clients call."""

import json
import logging

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from spark_control.core.errors import AppError
from spark_control.core.http_errors import for_path
from spark_control.core.tasks import run_unless
from spark_control.engines.domain import Engine
from spark_control.gateway.headers import to_client
from spark_control.gateway.ports import Answer
from spark_control.gateway.route import key_of
from spark_control.gateway.usecases import Gateway

log = logging.getLogger(__name__)

CLIENT_LEFT = 499
"""Nobody reads it; it keeps a client that left in mid-upload from counting as a fault of ours."""
RELAYED = ("/v1/chat/completions", "/v1/completions")


def router(gateway: Gateway) -> APIRouter:
    """Return the routes of the gateway."""
    routes = APIRouter(tags=["gateway"])

    @routes.get("/v1/models")
    async def models() -> JSONResponse:
        """List the models that are loaded, by their keys."""
        rows = [_row(engine) for engine in gateway.listed()]
        return JSONResponse({"object": "list", "data": rows})

    async def relay(request: Request) -> Response:
        """Pass a request to the engine that serves its `model`, bytes through."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=CLIENT_LEFT)
        return Relayed(gateway, request.url.path, dict(request.headers), body)

    for path in RELAYED:
        routes.add_api_route(path, relay, methods=["POST"], response_model=None)
    return routes


def _row(engine: Engine) -> dict[str, object]:
    made = int(engine.seen_at.timestamp())
    return {
        "id": key_of(engine),
        "object": "model",
        "created": made,
        "owned_by": engine.look.owner,
    }


class Relayed(Response):
    """An answer that is fetched while it is sent.

    The upstream's head is awaited before ours goes out, so a refusal keeps its status; each chunk
    goes out as it came; a client that leaves ends the request upstream at once.
    """

    def __init__(self, gateway: Gateway, path: str, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self._gateway = gateway
        self._path = path
        self._asked = headers
        self._body = body

    @override
    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await run_unless(self._relay(send), _left(receive))

    async def _relay(self, send: Send) -> None:
        async with self._gateway.answer(self._path, self._asked, self._body) as answer:
            await send({
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1"))
                    for name, value in to_client(answer.headers).items()
                ],
            })  # fmt: skip
            await self._chunks(answer, send)
        await send({"type": "http.response.body", "body": b""})

    async def _chunks(self, answer: Answer, send: Send) -> None:
        """Pass the chunks on. A break in a stream ends it with one error event, no `[DONE]`."""
        try:
            async for chunk in answer.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except AppError as error:
            log.warning("the answer of %s broke: %s", self._path, error.message)
            if "text/event-stream" not in answer.headers.get("content-type", ""):
                raise
            text = f"event: error\ndata: {json.dumps(for_path(self._path, error).body)}\n\n"
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _left(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
