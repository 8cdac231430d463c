"""`/api/swap/lock`: take it, renew it, look at it, give it back, break it.

Its routes go before those of `/api/swap/{id}`, or that one would take `lock` for a swap.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from spark_control.core.secret import Secret
from spark_control.swap.lock_shapes import (
    BreakShape,
    FreeShape,
    LockShape,
    LockWishShape,
    TokenShape,
    render,
    with_token,
)
from spark_control.swap.locks import Locks

LockToken = Annotated[str, Header(alias="X-Lock-Token", max_length=256)]
"""The token that taking the lock gave; who sends none is not the holder."""


def router(locks: Locks) -> APIRouter:
    """Return the routes of the swap lock."""
    routes = APIRouter(prefix="/api/swap/lock", tags=["swap"])

    @routes.post("", status_code=201, responses={200: {"model": TokenShape}})
    async def take(
        response: Response, body: LockWishShape | None = None, lock_token: LockToken = ""
    ) -> TokenShape:
        """Take the lock (201), or renew it with its token (200)."""
        wish = body or LockWishShape()
        if not lock_token:
            token, reading = await locks.acquire(wish.holder, wish.reason, wish.ttl_s)
            return with_token(reading, token)
        response.status_code = 200
        token = Secret(lock_token)
        return with_token(await locks.renew(token, wish.reason, wish.ttl_s), token)

    @routes.get("")
    async def look() -> LockShape | FreeShape:
        return render(await locks.look())

    @routes.delete("")
    async def release(lock_token: LockToken = "") -> LockShape | FreeShape:
        return render(await locks.release(Secret(lock_token)))

    @routes.post("/break")
    async def break_lock(body: BreakShape) -> LockShape | FreeShape:
        """Take the lock from its holder; the reason goes to the log."""
        return render(await locks.break_lock(body.reason))

    return routes
