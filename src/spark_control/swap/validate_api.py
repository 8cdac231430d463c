"""`POST /api/swap/{key}/validate`: would this swap work, as far as that can be known."""

from fastapi import APIRouter

from spark_control.swap.plan import Wish
from spark_control.swap.validate import Validation
from spark_control.swap.validate_shapes import CheckShape, ReportShape, report


def router(validation: Validation) -> APIRouter:
    """Return the route of the pre-flight."""
    routes = APIRouter(prefix="/api/swap", tags=["swap"])

    @routes.post("/{key}/validate")
    async def validate(key: str, body: CheckShape | None = None) -> ReportShape:
        """Judge the arguments of a swap with vLLM's own parser; starts no engine."""
        host = body.host if body else None
        return report(await validation.check(Wish(key, host)))

    return routes
