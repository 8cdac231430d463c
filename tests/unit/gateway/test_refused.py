"""What is kept of a 5xx: its status, when to come again, and what cannot hold a text."""

from datetime import UTC, datetime

import pytest

from spark_control.core.errors import EngineTrouble
from spark_control.gateway.head import read_answer
from spark_control.gateway.refused import gist, kept, may_name

NOW = datetime(2026, 5, 6, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("Wed, 06 May 2026 12:00:30 GMT", 30),
        ("Wed, 06 May 2026 12:00:30 -0000", 30),
        ("Wed, 06 May 2026 11:00:00 GMT", 0),
        ("Wed, 06 May 2099 12:00:00 GMT", 3600),
        ("-5", None),
        ("7.5", None),
        ("\xb2", None),
        ("soon", None),
        ("Wed, 99 May 2026 12:00:30 GMT", None),
        ("", None),
    ],
)
def test_when_to_come_again(said: str, seconds: int | None) -> None:
    head = read_answer(f"HTTP/1.1 503 No\r\nRetry-After: {said}\r\n\r\n".encode("latin-1"))
    error = kept(EngineTrouble("It failed."), head, NOW)
    assert (error.status, error.retry_after_s) == (503, seconds)


SECRET = b"the prompt"


@pytest.mark.parametrize(
    ("head", "body", "told"),
    [
        (
            b"Content-Type: application/json; x=1\r\nContent-Length: 9\r\n",
            b'{"error":{"message":"the prompt","type":"InternalServerError","code":500}}',
            "500 (application/json, 9 bytes, InternalServerError, 500)",
        ),
        (
            b"Content-Type: application/problem+json\r\n",
            b'{"object":"error","type":"a.b-c","code":"a.b-c","message":"the prompt"}',
            "500 (application/problem+json, no stated length, a.b-c)",
        ),
        (
            b"Content-Type: application/json\r\n",
            b'{"error":{"type":"the prompt","code":true},"type":"x\\ny","code":["the prompt"]}',
            "500 (application/json, no stated length)",
        ),
        (
            b"Content-Type: application/json\r\n",
            b'{"error":"the prompt"}',
            "500 (application/json, no stated length)",
        ),
        (
            b"Content-Type: application/json\r\n",
            b'{"error":{"type":"\xff"}}',
            "500 (application/json, no stated length)",
        ),
        (
            b"Content-Type: application/json\r\n",
            b'{"error":' + b"[" * 9000,
            "500 (application/json, no stated length)",
        ),
        (b"Content-Type: text/plain\r\n", SECRET, "500 (text/plain, no stated length)"),
        (b"Content-Type: the prompt\r\n", SECRET, "500 (no known type, no stated length)"),
        (b"", SECRET, "500 (no known type, no stated length)"),
    ],
)
def test_what_is_logged_is_no_text(head: bytes, body: bytes, told: str) -> None:
    assert gist(read_answer(b"HTTP/1.1 500 Oh\r\n" + head + b"\r\n"), body) == told


@pytest.mark.parametrize(
    ("lines", "may"),
    [
        (b"Content-Type: application/json\r\n", True),
        (b"Content-Type: application/json\r\nContent-Length: 16384\r\n", True),
        (b"Content-Type: application/json\r\nContent-Length: 16385\r\n", False),
        (b"Content-Type: text/plain\r\n", False),
    ],
)
def test_what_may_have_a_name(lines: bytes, may: bool) -> None:  # noqa: FBT001 - a column
    assert may_name(read_answer(b"HTTP/1.1 500 Oh\r\n" + lines + b"\r\n")) is may
