"""`/api/engines`: whose engines run, and what may be done with those of others."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from spark_control.core.secret import Secret
from spark_control.swap.engines_shapes import EnginesShape, RowShape, StopShape, render
from spark_control.swap.lock_api import LockToken
from spark_control.swap.takeover import Takeover

Name = Annotated[str, InPath(max_length=200)]


def router(takeover: Takeover) -> APIRouter:
    """Return the routes of engines."""
    routes = APIRouter(prefix="/api/engines", tags=["engines"])

    @routes.get("")
    async def look(*, fresh: bool = False) -> EnginesShape:
        """Show the engine of each Spark, and whose it is."""
        return EnginesShape(engines=[render(row) for row in await takeover.rows(fresh=fresh)])

    @routes.post("/{spark}/take-over")
    async def take_over(spark: Name, lock_token: LockToken = "") -> RowShape:
        """Let swaps replace the engine that somebody else started there."""
        return render(await takeover.take_over(spark, _claim(lock_token)))

    @routes.post("/{spark}/stop")
    async def stop(spark: Name, body: StopShape, lock_token: LockToken = "") -> RowShape:
        """Stop the engine that somebody else started there."""
        return render(await takeover.stop(spark, body.confirm, _claim(lock_token)))

    return routes


def _claim(lock_token: str) -> Secret | None:
    return Secret(lock_token) if lock_token else None
