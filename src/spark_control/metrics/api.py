"""`GET /metrics`."""

from fastapi import APIRouter, Response

from spark_control.metrics.usecases import Metrics

KIND = "text/plain; version=0.0.4; charset=utf-8"


def router(metrics: Metrics) -> APIRouter:
    """Return the route that Prometheus reads."""
    routes = APIRouter(tags=["metrics"])

    @routes.get("/metrics", response_class=Response)
    async def read() -> Response:
        """Return counters, histograms and gauges as Prometheus reads them."""
        return Response(await metrics.page(), media_type=KIND)

    return routes
