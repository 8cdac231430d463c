"""`GET /api/models`."""

from collections.abc import Callable

from fastapi import APIRouter

from spark_control.models.shapes import Loaded, MenuShape, render
from spark_control.models.usecases import Models


def router(models: Models, loaded: Callable[[], Loaded]) -> APIRouter:
    """Return the routes of the menu; `loaded` tells which names the engines answer to now."""
    routes = APIRouter(prefix="/api/models", tags=["models"])

    @routes.get("")
    async def menu(*, fresh: bool = False) -> MenuShape:
        return render(await models.menu(fresh=fresh), loaded())

    return routes
