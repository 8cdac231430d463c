"""The error tree: every failure a user can meet has a stable code, what happened, and what to do.

A room defines its own errors in its `errors.py`, each a subclass of one of the families below.
The families decide the HTTP status (`http_errors.STATUS`); the code is what clients rely on.
The class docstring says what happened in general, `hint` what to do; both feed `docs/errors.md`.
"""

from collections.abc import Mapping
from typing import ClassVar


class AppError(Exception):
    """Something went wrong inside Spark Control."""

    code: ClassVar[str] = "internal"
    hint: ClassVar[str] = "Look at the log for the time of the request, then report it."

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        detail: Mapping[str, object] | None = None,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = self.hint if hint is None else hint
        self.detail = dict(detail or {})
        self.param = param
        self.retry_after_s = retry_after_s

    def as_dict(self) -> dict[str, object]:
        """Our own shape: `{code, message, hint?, detail?}`."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.advice:
            body["hint"] = self.advice
        if self.detail:
            body["detail"] = self.detail
        return body


class Internal(AppError):
    """A fault of Spark Control itself."""


class BadInput(AppError):
    """A value that was sent is not usable."""

    code = "bad_input"
    hint = "Correct the named value and send the request again."


class NotSignedIn(AppError):
    """The request carries no valid token or session."""

    code = "not_signed_in"
    hint = "Send `Authorization: Bearer TOKEN`, or sign in on the page."


class Forbidden(AppError):
    """The request is understood and refused."""

    code = "forbidden"
    hint = ""


class NotFound(AppError):
    """There is nothing with that name."""

    code = "not_found"
    hint = ""


class Conflict(AppError):
    """What is asked collides with what is there now."""

    code = "conflict"
    hint = ""


class Locked(AppError):
    """Somebody has taken this for themselves for a while."""

    code = "locked"
    hint = "Wait until it is free."


class TooLarge(AppError):
    """The body is larger than the limit."""

    code = "too_large"
    hint = "Send less, or raise `MAX_BODY_MB`."


class MethodWrong(AppError):
    """There is such a route, and it does not take this method."""

    code = "method_wrong"
    hint = "`/docs` shows the method."


class SlowClient(AppError):
    """The client did not send its request in time."""

    code = "slow_client"
    hint = "Send the whole request without long pauses."


class LineTooLong(AppError):
    """The first line of the request is longer than the limit."""

    code = "line_too_long"
    hint = "Send the values in the body."


class HeadTooLarge(AppError):
    """The headers of the request are larger than the limit, or too many."""

    code = "head_too_large"
    hint = "Send fewer or shorter headers; cookies of other programs are often the cause."


class WrongMediaType(AppError):
    """The route takes JSON only."""

    code = "wrong_media_type"
    hint = "Send `Content-Type: application/json`."


class TooMany(AppError):
    """More requests than allowed."""

    code = "too_many"
    hint = "Wait for the time in `Retry-After`."


class HostTrouble(AppError):
    """A Spark could not do what it was asked."""

    code = "host_trouble"
    hint = ""


class EngineTrouble(AppError):
    """An engine could not do what it was asked."""

    code = "engine_trouble"
    hint = ""
    status: int | None = None
    """The 5xx it answered with, which the client gets too."""


class Unavailable(AppError):
    """Not possible at the moment."""

    code = "unavailable"
    hint = "Try again later."


class SlowUpstream(AppError):
    """Something behind Spark Control took too long."""

    code = "slow_upstream"
    hint = "Try again; if it stays, look at the engine's log."


class StorageTrouble(AppError):
    """A file or the database could not be read or written."""

    code = "storage_trouble"
    hint = "Check the rights and the free space of the named path."
