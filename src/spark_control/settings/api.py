"""`GET/PUT /api/settings`."""

from fastapi import APIRouter

from spark_control.settings.shapes import SaveShape, SettingsShape, render
from spark_control.settings.usecases import Configuration


def router(configuration: Configuration) -> APIRouter:
    """Return the routes of the settings."""
    routes = APIRouter(prefix="/api/settings", tags=["settings"])

    @routes.get("")
    async def read() -> SettingsShape:
        """Show all settings; secrets only say whether they are set."""
        return render(configuration)

    @routes.put("")
    async def save(body: SaveShape) -> SettingsShape:
        """Change settings, in force at once. `version` is the one that was read."""
        await configuration.save(body.version, body.values)
        return render(configuration)

    return routes
