"""The door as ASGI middleware: checks heads, bounds bodies, adds the headers of every answer."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spark_control.access.guard import Head
from spark_control.access.shown import SECURITY
from spark_control.access.usecases import Access
from spark_control.core.errors import AppError, TooLarge
from spark_control.core.http_errors import for_path

CORS = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "authorization, content-type, x-api-key, last-event-id, "
    "x-lock-token",
    "Access-Control-Max-Age": "600",
}


def head_of(scope: Scope) -> Head:
    """Return what the rules look at."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    texts = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    client = scope.get("client")
    return Head(scope["method"], scope["path"], texts, client[0] if client else "")


def refusal(path: str, error: AppError) -> Response:
    """Return the answer for `error` in the shape of `path`."""
    shown = for_path(path, error)
    return JSONResponse(shown.body, shown.status, shown.headers)


@dataclass(slots=True)
class _Exchange:
    """One request: counts its body, so that one without a stated length ends in a 413 too."""

    receive: Receive
    send: Send
    limit: int
    extra: dict[str, str]
    taken: int = 0
    over: bool = False
    begun: bool = False

    async def read(self) -> Message:
        message = await self.receive()
        self.taken += len(message.get("body", b""))
        if self.taken > self.limit:
            self.over = True
            return {"type": "http.disconnect"}
        return message

    async def write(self, message: Message) -> None:
        if self.over and not self.begun:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in self.extra.items():
                headers[name] = value
        await self.send(message)


class Door:
    """Wraps the application. Refused requests reach no route."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = head_of(scope)
        exchange = _Exchange(receive, send, self._limit(), self._extra(head))
        try:
            if self._is_preflight(head):
                await Response(status_code=204, headers=CORS)(scope, receive, exchange.write)
                return
            self._check(head)
        except AppError as error:
            await refusal(head.path, error)(scope, receive, exchange.write)
            return
        try:
            await self._app(scope, exchange.read, exchange.write)
        except ClientDisconnect:
            if not exchange.over:
                raise
        if exchange.over and not exchange.begun:
            exchange.over = False
            await refusal(head.path, self._too_large())(scope, receive, exchange.write)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._limit() // 1_000_000} MB.")

    def _limit(self) -> int:
        return self._access.settings().number("MAX_BODY_MB") * 1_000_000

    def _check(self, head: Head) -> None:
        self._access.check(head)
        length = head.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limit():
            raise self._too_large()

    def _allowed(self, head: Head) -> bool:
        origin = head.headers.get("origin", "")
        return bool(origin) and origin in self._access.origins()

    def _is_preflight(self, head: Head) -> bool:
        asks = "access-control-request-method" in head.headers
        return head.method == "OPTIONS" and asks and self._allowed(head)

    def _extra(self, head: Head) -> dict[str, str]:
        if not self._allowed(head):
            return SECURITY
        return {
            **SECURITY,
            "Access-Control-Allow-Origin": head.headers["origin"],
            "Vary": "Origin",
        }
