"""`GET/PUT /api/settings`."""

from fastapi import APIRouter

from spark_control.settings.shapes import SaveShape, SettingsShape, render
from spark_control.settings.usecases import Configuration


def router(configuration: Configuration) -> APIRouter:
    """Return the routes of the settings."""
    routes = APIRouter(prefix="/api/settings", tags=["settings"])

    @routes.get("")
    async def read() -> SettingsShape:
        return render(configuration)

    @routes.put("")
    async def save(body: SaveShape) -> SettingsShape:
        await configuration.save(body.version, body.values)
        return render(configuration)

    return routes
