"""`GET /api/requests`, `/api/requests/stats` and `/api/requests/models`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from spark_control.requests import parse
from spark_control.requests.domain import Filter
from spark_control.requests.shapes import ModelsShape, RequestsShape, StatsShape, render
from spark_control.requests.usecases import RequestLog

Text = Annotated[str | None, Query(max_length=200)]


def router(requests: RequestLog) -> APIRouter:
    """Return the routes of the records."""
    routes = APIRouter(prefix="/api/requests", tags=["requests"])

    @routes.get("", response_model=RequestsShape)
    async def read(  # noqa: PLR0913 - each is a field of the query
        *,
        model: Text = None,
        client: Text = None,
        status: Text = None,
        since: Text = None,
        until: Text = None,
        after: Text = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        format: Literal["json", "csv"] = "json",  # noqa: A002 - its name in the query
    ) -> RequestsShape | Response:
        """List requests, the newest first; no record holds what was asked or answered.

        `status` is `ok`, `error`, a status or `4xx`; `since` and `until` are ISO times or spans
        ago such as `24h`. `format=csv` gives all that match as a table.
        """
        wanted = parse.chosen(
            requests.clock.now(), model=model, client=client, status=status, since=since,
            until=until,
        )  # fmt: skip
        if format == "csv":
            name = {"Content-Disposition": 'attachment; filename="requests.csv"'}
            return StreamingResponse(requests.csv(wanted), media_type="text/csv", headers=name)
        place = parse.place(after) if after else None
        found, behind = await requests.page(wanted, after=place, limit=limit)
        rows = [render(record) for record in found]
        return RequestsShape(requests=rows, next=parse.shown(behind) if behind else None)

    @routes.get("/stats")
    async def stats(
        window: Annotated[str, Query(max_length=20)] = "1h",
        step: Annotated[str | None, Query(max_length=20)] = None,
        model: Text = None,
        client: Text = None,
    ) -> StatsShape:
        """Return series for charts over the last `window`, one point each `step`."""
        window_s = parse.span(window, "window")
        wanted = Filter(model=model or None, client=client or None)
        return await requests.stats(
            wanted, window_s=window_s, step_s=parse.step_of(window_s, step)
        )

    @routes.get("/models")
    async def models(
        window: Annotated[str, Query(max_length=20)] = "1h", client: Text = None
    ) -> ModelsShape:
        """Return what the last `window` adds up to, by model."""
        wanted = Filter(client=client or None)
        return await requests.models(wanted, window_s=parse.span(window, "window"))

    return routes
