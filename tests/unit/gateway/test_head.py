"""Heads: what is taken, what is refused, and with which answer."""

import pytest

from spark_control.core.errors import AppError, HeadTooLarge, LineTooLong
from spark_control.core.http_errors import row_of
from spark_control.gateway.errors import AnswerMalformed, RequestMalformed
from spark_control.gateway.head import (
    HEAD_BYTES,
    LINE_BYTES,
    MOST_FIELDS,
    AnswerHead,
    after_blank_lines,
    check_unended,
    read_answer,
    read_request,
)


def block(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def post(*lines: str) -> bytes:
    return block("POST /v1/x?y=1 HTTP/1.1", "Host: a", *lines)


def test_a_request() -> None:
    head = read_request(post("Content-Length: 12", "X-One: \t b c ", "x-one: é"))
    assert (head.method, head.target, head.path, head.minor) == ("POST", "/v1/x?y=1", "/v1/x", 1)
    assert head.fields == (("host", "a"), ("content-length", "12"), ("x-one", "b c"),
                           ("x-one", "é"))  # fmt: skip
    assert (head.length, head.chunked, head.has_body) == (12, False, True)
    assert (head.keep_alive, head.expects) == (True, False)


@pytest.mark.parametrize(
    ("data", "length", "chunked", "keep", "expects"),
    [
        (post(), None, False, True, False),
        (post("Content-Length: 0"), 0, False, True, False),
        (post("Transfer-Encoding: Chunked"), None, True, True, False),
        (post("Connection: x, Close"), None, False, False, False),
        (post("Expect: 100-Continue"), None, False, True, True),
        (block("GET / HTTP/1.0"), None, False, False, False),
        (block("GET / HTTP/1.0", "Connection: keep-alive"), None, False, False, False),
        (block("GET / HTTP/1.0", "Expect: 100-continue"), None, False, False, False),
        (block("OPTIONS * HTTP/1.1", "Host: a"), None, False, True, False),
    ],
)
def test_framing(
    data: bytes,
    length: int | None,
    chunked: bool,  # noqa: FBT001 - a column of the table
    keep: bool,  # noqa: FBT001 - a column of the table
    expects: bool,  # noqa: FBT001 - a column of the table
) -> None:
    head = read_request(data)
    assert (head.length, head.chunked, head.keep_alive, head.expects) == (
        length, chunked, keep, expects,
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        block("POST / HTTP/1.1"),
        block("POST / HTTP/1.1", "Host: a", "Host: a"),
        block("POST / HTTP/2.0", "Host: a"),
        block("POST / HTTP/1.1 x", "Host: a"),
        block("POST  / HTTP/1.1", "Host: a"),
        block("P(ST / HTTP/1.1", "Host: a"),
        block("GET http://a/ HTTP/1.1", "Host: a"),
        block("GET /a b HTTP/1.1", "Host: a"),
        post("Content-Length: 5", "Content-Length: 5"),
        post("Content-Length: 5, 5"),
        post("Content-Length: +5"),
        post("Content-Length: 5", "Transfer-Encoding: chunked"),
        post("Transfer-Encoding: gzip, chunked"),
        post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        block("POST / HTTP/1.0", "Transfer-Encoding: chunked"),
        post("Expect: tea"),
        post("No colon"),
        post("Blank : x"),
        post(": x"),
        post(" folded"),
        post("X: a\rb"),
        post("X: a\x00b"),
        post("X: a").replace(b"X: a\r\n", b"X: a\n"),
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(RequestMalformed):
        read_request(data)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(f"X: {'a' * HEAD_BYTES}"), 431),
        (post(*["X: a"] * MOST_FIELDS), 431),
        (block(f"GET /{'a' * LINE_BYTES} HTTP/1.1", "Host: a"), 414),
    ],
)
def test_too_much(data: bytes, status: int) -> None:
    with pytest.raises(AppError) as refused:
        read_request(data)
    assert row_of(type(refused.value)).status == status


def test_blank_lines_before_a_request() -> None:
    assert after_blank_lines(b"GET") == b"GET"
    assert after_blank_lines(b"\r\n\r\n\r\nGET\r\n") == b"GET\r\n"
    assert after_blank_lines(b"\r\n\r") == b"\r"
    assert after_blank_lines(b"\nGET") == b"\nGET"


def test_a_head_that_has_not_ended() -> None:
    check_unended(b"GET / HT")
    check_unended(b"GET / HTTP/1.1\r\nHost: a\r")
    with pytest.raises(RequestMalformed):
        check_unended(b"GET / HTTP/1.1\nHost: a")
    with pytest.raises(LineTooLong):
        check_unended(b"G" * (LINE_BYTES + 1))
    with pytest.raises(HeadTooLarge):
        check_unended(b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES)


def test_an_answer() -> None:
    head = read_answer(block("HTTP/1.1 200 All right", "Content-Length: 3", "Content-Length: 3"))
    fields = (("content-length", "3"), ("content-length", "3"))
    assert head == AnswerHead(200, "All right", fields, 3, chunked=False, keep_alive=True)


@pytest.mark.parametrize(
    ("lines", "length", "chunked", "keep"),
    [
        (("HTTP/1.1 200", "Transfer-Encoding: chunked"), None, True, True),
        (("HTTP/1.1 200 ", "Transfer-Encoding: chunked", "Content-Length: 1"), None, True, False),
        (("HTTP/1.1 200 OK",), None, False, False),
        (("HTTP/1.1 204 OK",), None, False, True),
        (("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close"), 0, False, False),
        (("HTTP/1.0 200 OK", "Content-Length: 0"), 0, False, False),
        (("HTTP/1.0 200 OK", "Content-Length: 0", "Connection: Keep-Alive"), 0, False, True),
    ],
)
def test_framing_of_answers(
    lines: tuple[str, ...],
    length: int | None,
    chunked: bool,  # noqa: FBT001 - a column of the table
    keep: bool,  # noqa: FBT001 - a column of the table
) -> None:
    head = read_answer(block(*lines))
    assert (head.length, head.chunked, head.keep_alive) == (length, chunked, keep)


@pytest.mark.parametrize(
    "data",
    [
        block("HTTP/2 200 OK"),
        block("HTTP/1.1 999 OK"),
        block("HTTP/1.1 200 OK", "no header"),
        block("HTTP/1.1 200 OK", *["X: a"] * (MOST_FIELDS + 1)),
        block("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"),
        block("HTTP/1.1 200 OK", "Content-Length: x"),
        block("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"),
    ],
)
def test_answers_that_cannot_be_read(data: bytes) -> None:
    with pytest.raises(AnswerMalformed):
        read_answer(data)
