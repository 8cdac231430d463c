"""`/api/session`: sign in and out on the page."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from spark_control.access import session
from spark_control.access.middleware import head_of
from spark_control.access.usecases import Access


class SessionShape(BaseModel):
    """Whether a token is asked for, and whether this browser has shown it."""

    auth: str
    signed_in: bool


class TokenShape(BaseModel):
    """The owner token."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=512)


def router(access: Access) -> APIRouter:
    """Return the routes of the session."""
    routes = APIRouter(prefix="/api/session", tags=["access"])

    @routes.get("")
    async def look(request: Request) -> SessionShape:
        """Tell whether a token is asked for, and whether this browser has shown it."""
        signed_in = not access.required or access.has_session(head_of(request.scope))
        return SessionShape(auth="token" if access.required else "off", signed_in=signed_in)

    @routes.post("", status_code=204)
    async def sign_in(body: TokenShape, request: Request) -> Response:
        """Sign in with the owner token; the answer sets a cookie."""
        answer = Response(status_code=204)
        if access.required:
            value = access.sign_in(body.token, head_of(request.scope).client)
            answer.set_cookie(
                session.COOKIE, value, max_age=session.LIFETIME_S, httponly=True,
                samesite="lax", secure=request.url.scheme == "https",
            )  # fmt: skip
        return answer

    @routes.delete("", status_code=204)
    async def sign_out() -> Response:
        """Sign out."""
        answer = Response(status_code=204)
        answer.delete_cookie(session.COOKIE)
        return answer

    return routes
