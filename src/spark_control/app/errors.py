"""Turns whatever a route raises into one of the error shapes."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spark_control.access.middleware import refusal
from spark_control.core.errors import AppError, BadInput, Internal, NotFound, Unavailable

log = logging.getLogger(__name__)


class RouteUnknown(NotFound):
    """There is no such route, or it does not take this method."""

    code = "route_unknown"
    hint = "`/docs` lists the routes."


class BodyInvalid(BadInput):
    """The request does not have the shape that the route takes."""

    code = "body_invalid"
    hint = "`/docs` shows the shape."


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, AppError):
        raise error
    shown = refusal(request.url.path, error)
    if shown.status_code >= 500 and not isinstance(error, Unavailable):
        log.warning("%s %s: %s", request.method, request.url.path, error.message)
    return shown


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # What was sent is left out: it may hold a secret.
    rows = [{"where": ".".join(map(str, e["loc"])), "why": e["msg"]} for e in error.errors()]
    first = f"{rows[0]['where']}: {rows[0]['why']}" if rows else "The request is not valid"
    return refusal(request.url.path, BodyInvalid(f"{first}.", detail={"fields": rows}))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code in {404, 405}:
        found = RouteUnknown(f"There is no {request.method} {request.url.path}.")
        answer = refusal(request.url.path, found)
        answer.status_code = error.status_code
        return answer
    return refusal(request.url.path, BadInput(str(error.detail)))


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("%s %s broke", request.method, request.url.path, exc_info=error)
    return refusal(request.url.path, Internal("Something broke inside Spark Control."))


def install(app: FastAPI) -> None:
    """Give `app` the handlers."""
    app.add_exception_handler(AppError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)
