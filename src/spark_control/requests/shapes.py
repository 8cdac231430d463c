"""Records and series on the wire."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.requests.domain import Record, Slot
from spark_control.requests.series import Point, Span, points, total


class RequestShape(BaseModel):
    """One request. `estimated`: `tokens_out` was counted from the events of a stream."""

    id: str
    at: str
    path: str
    asked: str | None
    model: str | None
    target: str | None
    client: str
    status: int
    error: str | None
    streamed: bool
    queue_ms: float
    ttft_ms: float | None
    duration_ms: float
    tokens_in: int | None
    tokens_out: int | None
    estimated: bool
    tokens_per_s: float | None
    bytes_in: int
    bytes_out: int


class RequestsShape(BaseModel):
    """The newest first; `next` is the `after` of the next page, null on the last."""

    requests: list[RequestShape]
    next: str | None


class PointShape(BaseModel):
    """One step. What cannot be said is null."""

    at: str
    requests: int
    errors: int
    tokens_in: int
    tokens_out: int
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    tokens_per_s_p50: float | None


class StatsShape(BaseModel):
    """A window cut into steps, and all of it as one."""

    window_s: int
    step_s: int
    points: list[PointShape]
    total: PointShape
    gpu_busy: dict[str, list[float | None]]
    """By Spark, 0 to 1 for each step; null where nothing was read."""


class ModelShape(BaseModel):
    """What the requests for one model add up to; null is what reached no engine."""

    model: str | None
    requests: int
    errors: int
    tokens_in: int
    tokens_out: int
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    tokens_per_s_p50: float | None


class ModelsShape(BaseModel):
    """The last `window_s` seconds by model, the busiest first."""

    window_s: int
    models: list[ModelShape]


def render(record: Record) -> RequestShape:
    """Return a record as the API shows it."""
    speed = record.tokens_per_s
    return RequestShape(
        id=record.id, at=iso(record.at), path=record.path, asked=record.asked,
        model=record.model, target=record.target, client=record.client, status=record.status,
        error=record.error, streamed=record.streamed, queue_ms=record.queue_ms,
        ttft_ms=record.ttft_ms, duration_ms=record.duration_ms, tokens_in=record.tokens_in,
        tokens_out=record.tokens_out, estimated=record.estimated,
        tokens_per_s=None if speed is None else round(speed, 1),
        bytes_in=record.bytes_in, bytes_out=record.bytes_out,
    )  # fmt: skip


def render_stats(
    window_s: int, span: Span, slots: Sequence[Slot], gpu_busy: dict[str, list[float | None]]
) -> StatsShape:
    """Return the series as the API shows it."""
    return StatsShape(
        window_s=window_s, step_s=span.step_s, gpu_busy=gpu_busy,
        points=[_point(point) for point in points(slots, span)],
        total=_point(total(slots, span)),
    )  # fmt: skip


def render_models(window_s: int, span: Span, found: Mapping[str | None, Slot]) -> ModelsShape:
    """Return the sums by model as the API shows them."""
    rows = [
        ModelShape(model=model, **_point(total([slot], span)).model_dump(exclude={"at"}))
        for model, slot in found.items()
    ]
    rows.sort(key=lambda row: (row.model is None, -row.requests, row.model or ""))
    return ModelsShape(window_s=window_s, models=rows)


def _point(point: Point) -> PointShape:
    at = iso(datetime.fromtimestamp(point.at_ms / 1000, UTC))
    return PointShape(
        at=at, requests=point.requests, errors=point.errors, tokens_in=point.tokens_in,
        tokens_out=point.tokens_out, ttft_p50_ms=point.ttft_p50_ms,
        ttft_p95_ms=point.ttft_p95_ms, tokens_per_s_p50=point.tokens_per_s_p50,
    )  # fmt: skip
