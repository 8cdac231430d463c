"""`GET /api/hardware`."""

from fastapi import APIRouter

from spark_control.fleet.shapes import HardwareAnswer, render
from spark_control.fleet.usecases import Fleet


def router(fleet: Fleet) -> APIRouter:
    """Return the routes of the fleet."""
    routes = APIRouter(prefix="/api/hardware", tags=["fleet"])

    @routes.get("")
    async def hardware(*, fresh: bool = False) -> HardwareAnswer:
        cards = await fleet.hardware(fresh=fresh)
        now = fleet.clock.now()
        return HardwareAnswer(sparks=[render(card, now) for card in cards])

    return routes
