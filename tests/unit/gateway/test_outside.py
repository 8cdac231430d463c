"""Servers of `UPSTREAMS`."""

import json

from spark_control.gateway.outside import Server, read, target


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
