"""One table from error families to HTTP, with three renderings: ours, OpenAI's, Anthropic's."""

from dataclasses import dataclass, replace

from spark_control.core import errors


@dataclass(frozen=True, slots=True)
class Row:
    """How one family looks on the wire."""

    status: int
    openai_type: str
    anthropic_type: str


TABLE: dict[type[errors.AppError], Row] = {
    errors.BadInput: Row(400, "invalid_request_error", "invalid_request_error"),
    errors.NotSignedIn: Row(401, "authentication_error", "authentication_error"),
    errors.Forbidden: Row(403, "permission_error", "permission_error"),
    errors.NotFound: Row(404, "not_found_error", "not_found_error"),
    errors.MethodWrong: Row(405, "invalid_request_error", "invalid_request_error"),
    errors.SlowClient: Row(408, "timeout_error", "timeout_error"),
    errors.Conflict: Row(409, "conflict_error", "invalid_request_error"),
    errors.TooLarge: Row(413, "invalid_request_error", "request_too_large"),
    errors.LineTooLong: Row(414, "invalid_request_error", "invalid_request_error"),
    errors.WrongMediaType: Row(415, "invalid_request_error", "invalid_request_error"),
    errors.Locked: Row(423, "conflict_error", "invalid_request_error"),
    errors.HeadTooLarge: Row(431, "invalid_request_error", "invalid_request_error"),
    errors.TooMany: Row(429, "rate_limit_error", "rate_limit_error"),
    errors.HostTrouble: Row(502, "upstream_error", "api_error"),
    errors.EngineTrouble: Row(502, "upstream_error", "api_error"),
    errors.Unavailable: Row(503, "unavailable_error", "overloaded_error"),
    errors.SlowUpstream: Row(504, "timeout_error", "timeout_error"),
    errors.StorageTrouble: Row(507, "server_error", "api_error"),
    errors.AppError: Row(500, "server_error", "api_error"),
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished answer: status, JSON body, extra headers."""

    status: int
    body: dict[str, object]
    headers: dict[str, str]


def row_of(kind: type[errors.AppError]) -> Row:
    """Return the row of the nearest family of `kind`."""
    return next(TABLE[base] for base in kind.__mro__ if base in TABLE)


def row_for(error: errors.AppError) -> Row:
    """Return the row of `error`; an engine's own status stays, and has the types of its family."""
    row = row_of(type(error))
    if not isinstance(error, errors.EngineTrouble) or error.status is None:
        return row
    alike = next((other for other in TABLE.values() if other.status == error.status), row)
    return replace(alike, status=error.status)


def _headers(error: errors.AppError) -> dict[str, str]:
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _sentence(error: errors.AppError) -> str:
    return f"{error.message} {error.advice}".strip()


def ours(error: errors.AppError) -> Rendered:
    """Render `{error: {code, message, hint?, detail?}}`."""
    return Rendered(row_for(error).status, {"error": error.as_dict()}, _headers(error))


def openai(error: errors.AppError) -> Rendered:
    """Render `{error: {message, type, code, param}}`, the shape of OpenAI's API.

    Its clients keep what else there is: `hint` and `detail` are as in our own shape.
    """
    row = row_for(error)
    body: dict[str, object] = {
        "message": _sentence(error),
        "type": row.openai_type,
        "code": error.code,
        "param": error.param,
    }
    more = error.as_dict()
    body |= {name: more[name] for name in ("hint", "detail") if name in more}
    return Rendered(row.status, {"error": body}, _headers(error))


def anthropic(error: errors.AppError) -> Rendered:
    """Render `{type: error, error: {type, message}}`, the shape of Anthropic's API."""
    row = row_for(error)
    body: dict[str, object] = {"type": row.anthropic_type, "message": _sentence(error)}
    return Rendered(row.status, {"type": "error", "error": body}, _headers(error))


def for_path(path: str, error: errors.AppError) -> Rendered:
    """Pick the shape that clients of `path` expect."""
    if path.startswith("/v1/messages"):
        return anthropic(error)
    if path == "/v1" or path.startswith("/v1/"):
        return openai(error)
    return ours(error)
