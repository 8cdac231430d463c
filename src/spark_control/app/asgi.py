"""The HTTP application: the routes of all rooms behind the door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp

from spark_control import __version__
from spark_control.access.api import router as access_router
from spark_control.access.middleware import Door
from spark_control.app import errors
from spark_control.app.compose import Parts
from spark_control.dashboard.api import router as page_router
from spark_control.dashboard.events import router as events_router
from spark_control.dashboard.status import router as status_router
from spark_control.fleet.api import router as fleet_router
from spark_control.fleet.hosts_api import router as hosts_router
from spark_control.fleet.shapes import render as render_spark
from spark_control.gateway.api import router as gateway_router
from spark_control.gateway.api import shown as worker_router
from spark_control.gateway.overview_api import router as overview_router
from spark_control.jobs.api import router as jobs_router
from spark_control.metrics.api import router as metrics_router
from spark_control.models.api import router as models_router
from spark_control.models.shapes import render as render_menu
from spark_control.requests.api import router as requests_router
from spark_control.settings.api import router as settings_router
from spark_control.settings.backup_api import router as backup_router
from spark_control.swap.api import router as swap_router
from spark_control.swap.engines_api import router as engines_router
from spark_control.swap.groups import occupied
from spark_control.swap.lock_api import router as lock_router
from spark_control.swap.validate_api import router as validate_router


def build(parts: Parts) -> ASGIApp:
    """Return the application; its lifespan starts and ends the parts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await parts.start()
        try:
            yield
        finally:
            await parts.close()

    app = FastAPI(
        title="Spark Control", version=__version__, lifespan=lifespan, docs_url=None,
        redoc_url=None, openapi_url="/openapi.json",
    )  # fmt: skip
    errors.install(app)
    for route in (
        lock_router(parts.locks),  # before the next one, which takes any name for a swap
        validate_router(parts.validation),
        swap_router(parts.swaps, parts.validation),
        engines_router(parts.takeover),
        models_router(parts.models, partial(loaded_on, parts), parts.setup),
        fleet_router(parts.fleet),
        hosts_router(parts.hosts),
        jobs_router(parts.jobs, parts.logs),
        settings_router(parts.configuration),
        backup_router(parts.backup),
        gateway_router(parts.gateway),
        overview_router(parts.gateway, parts.in_flight.busy, parts.accounting.metrics.stats),
        worker_router(),
        requests_router(parts.accounting.requests),
        metrics_router(parts.accounting.metrics),
        access_router(parts.access),
        status_router(parts.status),
        events_router(parts.bus, lambda: snapshot(parts), parts.clock),
        page_router(),
    ):
        app.include_router(route)
    _health(app, parts)
    return Door(app, parts.access)


def loaded_on(parts: Parts) -> dict[str, list[str]]:
    """Return the Sparks that each model name occupies now."""
    groups = parts.swaps.ranks.groups
    found = parts.engines.loaded()
    return {name: [on for one in found[name] for on in occupied(groups, one)] for name in found}


async def snapshot(parts: Parts) -> dict[str, object]:
    """Return the whole truth for a page that has just come."""
    now = parts.clock.now()
    menu = render_menu(await parts.models.known(), loaded_on(parts), parts.models.fits)
    return {
        "status": parts.status.now("").model_dump(mode="json"),
        "hardware": {
            "sparks": [
                render_spark(card, now).model_dump(mode="json") for card in parts.fleet.cards()
            ]
        },
        "models": menu.model_dump(mode="json"),
    }


def _health(app: FastAPI, parts: Parts) -> None:
    @app.get("/healthz", tags=["health"])
    async def healthz() -> JSONResponse:
        """Tell that the process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", tags=["health"])
    async def readyz() -> JSONResponse:
        """Tell whether it takes requests; 503 while it drains."""
        if parts.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "draining"}, 503, {"Retry-After": "5"})
