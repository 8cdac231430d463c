"""Answers that a worker gives itself."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from spark_control.access.shown import SECURITY
from spark_control.core.errors import AppError
from spark_control.core.http_errors import for_path
from spark_control.gateway.headers import rendered

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
GUARD = rendered((name.lower(), value) for name, value in SECURITY.items())
"""The header lines that every answer carries."""


def status_line(status: int, reason: str = "") -> bytes:
    """Return the first line of an answer."""
    known = {row.value: row.phrase for row in HTTPStatus}
    return f"HTTP/1.1 {status} {reason or known.get(status, '')}\r\n".encode("latin-1")


def json_answer(
    status: int, body: bytes, extra: bytes, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole answer; `extra` are finished header lines."""
    more = rendered((headers or {}).items())
    head = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
    return b"%b%b%b%b\r\n%b" % (status_line(status), head, more, extra, body)


def error_answer(path: str, error: AppError, extra: bytes) -> tuple[int, bytes]:
    """Return the status and the whole answer for `error`, in the shape of `path`."""
    shown = for_path(path, error)
    body = msgspec.json.encode(shown.body)
    return shown.status, json_answer(shown.status, body, extra, shown.headers)


def error_event(path: str, error: AppError) -> bytes:
    """Return the event that ends a broken stream."""
    body = msgspec.json.encode(for_path(path, error).body)
    return b"event: error\ndata: %b\n\n" % body
