"""`GET /api/gateway`: where every name goes, how it is there, the limits and the workers."""

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, Request
from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.gateway.overview import Kind, Place, Standing, running
from spark_control.gateway.usecases import Gateway
from spark_control.gateway.wire import Stats


class PlaceShape(BaseModel):
    """One place that answers. `models` are its names, the one we list it under first."""

    name: str
    kind: Kind
    capability: str
    base_url: str
    models: list[str]
    state: Standing
    since: str | None
    running: int


class AliasShape(BaseModel):
    """An alias. `to`: who answers for it now; `shadowed`: a model has that name and wins."""

    name: str
    model: str
    to: list[str]
    shadowed: bool


class LimitsShape(BaseModel):
    """The limits in force."""

    engine_in_flight: int
    audio_in_flight: int
    queue_length: int
    queue_wait_s: int
    queue_share_percent: int
    max_body_mb: int
    max_upload_mb: int


class WorkerShape(BaseModel):
    """A worker as it last said. `lag_ms`: how late its loop was, at worst."""

    pid: int
    connections: int
    waiting: int
    lag_ms: float


class GatewayShape(BaseModel):
    """The gateway as it is now. `waiting`: requests that wait for an engine."""

    base_url: str
    running: int
    waiting: int
    places: list[PlaceShape]
    aliases: list[AliasShape]
    limits: LimitsShape
    workers: list[WorkerShape]


def router(
    gateway: Gateway,
    counts: Callable[[], Mapping[str, int]],
    workers: Callable[[], Sequence[Stats]],
) -> APIRouter:
    """Return the route; `counts`: running requests by base URL."""
    routes = APIRouter(prefix="/api", tags=["gateway"])

    @routes.get("/gateway")
    async def read(request: Request) -> GatewayShape:
        """Show where every model name goes, what runs there, the limits, and the workers."""
        now, said = counts(), workers()
        return GatewayShape(
            base_url=f"{str(request.base_url).rstrip('/')}/v1",
            running=sum(now.values()), waiting=sum(one.waiting for one in said),
            places=[_place(one) for one in running(gateway.places(), now)],
            aliases=[
                AliasShape(
                    name=one.name, model=one.model, to=list(one.to), shadowed=one.shadowed
                )
                for one in gateway.aliases()
            ],
            limits=_limits(gateway),
            workers=[
                WorkerShape(
                    pid=one.pid, connections=one.connections, waiting=one.waiting,
                    lag_ms=round(one.lag_s * 1000, 1),
                )
                for one in said
            ],
        )  # fmt: skip

    return routes


def _place(one: Place) -> PlaceShape:
    return PlaceShape(
        name=one.name, kind=one.kind, capability=one.capability, base_url=one.base_url,
        models=list(one.models), state=one.standing,
        since=None if one.since is None else iso(one.since), running=one.running,
    )  # fmt: skip


def _limits(gateway: Gateway) -> LimitsShape:
    now = gateway.settings()
    return LimitsShape(
        engine_in_flight=now.number("ENGINE_IN_FLIGHT"),
        audio_in_flight=now.number("AUDIO_IN_FLIGHT"),
        queue_length=now.number("QUEUE_LENGTH"), queue_wait_s=now.number("QUEUE_WAIT_S"),
        queue_share_percent=now.number("QUEUE_SHARE"), max_body_mb=now.number("MAX_BODY_MB"),
        max_upload_mb=now.number("MAX_UPLOAD_MB"),
    )  # fmt: skip
