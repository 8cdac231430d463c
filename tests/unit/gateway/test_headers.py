"""Which headers go on, both ways."""

from spark_control.access.shown import SECURITY
from spark_control.gateway.headers import (
    from_control,
    rendered,
    to_client,
    to_control,
    to_engine,
)


def rows(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "x") for name in names)


KEPT = rows("content-type", "accept", "x-request-id")


def test_to_the_engine() -> None:
    kept_back = rows(
        "host", "authorization", "x-api-key", "cookie", "origin", "referer", "sec-fetch-site",
        "sec-fetch-mode", "access-control-request-method", "content-length", "expect",
        "x-forwarded-for", "forwarded", "keep-alive", "transfer-encoding",
    )  # fmt: skip
    assert to_engine(kept_back + KEPT) == KEPT


def test_to_the_client() -> None:
    kept_back = rows(
        "access-control-allow-origin", "access-control-allow-credentials", "set-cookie", "server",
        "date", "transfer-encoding", "content-length", *(name.lower() for name in SECURITY),
    )  # fmt: skip
    assert to_client(kept_back + KEPT) == KEPT


def test_to_control_and_back() -> None:
    mine = rows("host", "authorization", "cookie", "origin", "sec-fetch-site")
    forged = rows("x-forwarded-for", "x-forwarded-proto", "x-real-ip", "forwarded")
    hop = rows("te", "upgrade", "expect", "content-length")
    assert to_control(forged + hop + mine + KEPT) == mine + KEPT
    set_there = rows("set-cookie", "date", "access-control-allow-origin", "server")
    assert from_control(set_there + rows("content-length", "trailer") + KEPT) == set_there + KEPT


def test_headers_that_connection_names_go_no_further() -> None:
    said = (("connection", "close, X-Mine, host"), ("x-mine", "1"), ("host", "a"))
    assert to_engine(said + KEPT) == KEPT
    assert to_control(said) == (("host", "a"),)


def test_on_the_wire() -> None:
    assert rendered((("a", "b"), ("c", "é"))) == b"a: b\r\nc: \xe9\r\n"
