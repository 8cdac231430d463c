"""Servers of `UPSTREAMS`."""

import json

from spark_control.gateway.outside import (
    Said,
    Server,
    aliases,
    has,
    heard,
    ordered,
    read,
    target,
    up,
)


def test_entries() -> None:
    rows: list[dict[str, object]] = [
        {"name": "big", "base_url": "https://example.org/v1/", "api_key": "k", "models": ["m"]},
        {"name": "ask", "base_url": "http://10.88.0.30:8000", "redact": True, "more": 1},
        {"name": "", "base_url": "http://a"},
        {"name": "x", "base_url": "ftp://a"},
        {"base_url": "http://a"},
    ]
    big, ask = read(json.dumps(rows))
    assert (big.models, ask.models, ask.redact) == (("m",), None, True)
    found = target(big, ("m",))
    assert (found.key, found.outside, found.token, found.base_url) == (
        "m", True, "k", "https://example.org/v1",
    )  # fmt: skip
    assert "k" not in repr(Server(name="a", base_url="b", api_key="k"))
    assert "key" not in repr(target(Server(name="a", base_url="b", api_key="key"), ("m",)))


def test_none() -> None:
    assert read("") == ()


def test_where_there_is_no_spark_the_first_server_is_the_default() -> None:
    marked = target(Server(name="marked", base_url="http://a", redact=True), ("x",))
    big = target(Server(name="big", base_url="http://b"), ("m", "n"))
    both = (marked, big)
    assert aliases({"gpt": "m"}, both, alone=True) == {"default": "m", "gpt": "m"}
    assert aliases({"default": "n"}, both, alone=True) == {"default": "n"}
    assert aliases({"gpt": "m"}, both, alone=False) == {"gpt": "m"}
    assert aliases({}, (marked,), alone=True) == {}


def test_who_does_not_answer_is_asked_last_and_keeps_what_it_has() -> None:
    stated = Server(name="a", base_url="http://a", models=("m",))
    asks, new = Server(name="b", base_url="http://b"), Server(name="c", base_url="http://c")
    said = {"http://a": heard(None, None), "http://b": heard(None, ("x", "y"))}
    assert said["http://a"] == Said(up=False)
    servers = (stated, asks, new)
    assert ordered(servers, said) == [asks, new, stated]
    assert [up(server, said) for server in servers] == [False, True, None]
    assert [has(server, said) for server in servers] == [("m",), ("x", "y"), ()]
    away = {"http://b": heard(said["http://b"], None)}
    assert (up(asks, away), has(asks, away)) == (False, ("x", "y"))
    empty = {"http://b": heard(said["http://b"], ())}
    assert (up(asks, empty), has(asks, empty)) == (False, ())
    assert ordered(servers, {}) == [stated, asks, new]
