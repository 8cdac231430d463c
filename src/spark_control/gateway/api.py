"""`GET /api/endpoints`, and the routes of the workers as they stand at `/docs`."""

from typing import Any, NoReturn

from fastapi import APIRouter, Request
from pydantic import BaseModel

from spark_control.gateway.endpoints import Endpoint
from spark_control.gateway.errors import WorkerAnswers
from spark_control.gateway.usecases import Gateway

RELAYED = {
    "/v1/chat/completions": "Chat, by OpenAI's shape",
    "/v1/completions": "Go on with a text",
    "/v1/responses": "Chat, by OpenAI's newer shape",
    "/v1/messages": "Chat, by Anthropic's shape",
    "/v1/messages/count_tokens": "Count the tokens of a chat",
    "/v1/embeddings": "Embed texts",
    "/v1/rerank": "Put documents in order",
    "/v1/score": "Score pairs of texts",
    "/v1/audio/speech": "Text to speech",
    "/rerank": "The same as `/v1/rerank`",
    "/score": "The same as `/v1/score`",
    "/tokenize": "Text to tokens",
    "/detokenize": "Tokens to text",
}
UPLOADS = {
    "/v1/audio/transcriptions": "Speech to text",
    "/v1/audio/translations": "Speech to English text",
}
LISTS = {
    "/v1/models": "List the models that are loaded, and the services",
    "/v1/models/{model}": "One row of that list; the name may hold slashes",
    "/v1/audio/voices": "List the voices",
}
_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "model": {"type": "string"},
            },
        }
    }
}


class EndpointShape(BaseModel):
    """One endpoint. `model` is the first of `models`; `up` is null when it was not asked."""

    name: str
    service: str
    capability: str
    host: str
    port: int
    base_url: str
    model: str | None
    models: list[str]
    disabled: bool
    up: bool | None


class EndpointsShape(BaseModel):
    """`base_url` is the one URL over all of them."""

    base_url: str
    endpoints: list[EndpointShape]


def router(gateway: Gateway) -> APIRouter:
    """Return the routes about the gateway."""
    routes = APIRouter(prefix="/api", tags=["gateway"])

    @routes.get("/endpoints")
    async def endpoints(request: Request) -> EndpointsShape:
        """List every endpoint: engines, services, and servers of `UPSTREAMS`."""
        url = f"{str(request.base_url).rstrip('/')}/v1"
        return EndpointsShape(base_url=url, endpoints=[_shape(one) for one in gateway.endpoints()])

    return routes


def shown() -> APIRouter:
    """Return the routes that a worker answers, so that `/docs` lists them; none comes here."""
    routes = APIRouter(tags=["models"])
    kinds: tuple[tuple[dict[str, str], str, dict[str, Any] | None], ...] = (
        (RELAYED, "POST", _OBJECT), (UPLOADS, "POST", _FORM), (LISTS, "GET", None),
    )  # fmt: skip
    for paths, method, content in kinds:
        body = None if content is None else {"requestBody": {"content": content}}
        for path, summary in paths.items():
            routes.add_api_route(
                path, _elsewhere, methods=[method], summary=summary, openapi_extra=body,
                response_model=None,
            )  # fmt: skip
    return routes


async def _elsewhere() -> NoReturn:
    """Answered by a gateway worker; the body passes through as it is."""
    raise WorkerAnswers("The gateway worker answers this.")


def _shape(one: Endpoint) -> EndpointShape:
    return EndpointShape(
        name=one.name, service=one.service, capability=one.capability, host=one.host,
        port=one.port, base_url=one.base_url, model=one.models[0] if one.models else None,
        models=list(one.models), disabled=one.disabled, up=one.up,
    )  # fmt: skip
