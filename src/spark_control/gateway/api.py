"""`GET /api/endpoints`."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from spark_control.gateway.endpoints import Endpoint
from spark_control.gateway.usecases import Gateway


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


def _shape(one: Endpoint) -> EndpointShape:
    return EndpointShape(
        name=one.name, service=one.service, capability=one.capability, host=one.host,
        port=one.port, base_url=one.base_url, model=one.models[0] if one.models else None,
        models=list(one.models), disabled=one.disabled, up=one.up,
    )  # fmt: skip
