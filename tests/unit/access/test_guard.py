"""The rules at the door."""

import pytest

from spark_control.access.errors import CrossOrigin, HostMissing, HostNotAllowed
from spark_control.access.guard import (
    Head,
    check_host,
    check_media,
    check_origin,
    is_outside,
    is_public,
    split_host,
)
from spark_control.core.errors import WrongMediaType

NAMES = frozenset({"spark-control.example.org"})


def head(method: str = "POST", path: str = "/api/swap", **headers: str) -> Head:
    return Head(method, path, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9999", "localhost", "LOCALHOST:1", "[::1]:9999", "10.88.0.11",
     "spark-control.example.org.:80", "x.localhost"],
)  # fmt: skip
def test_our_names_pass(host: str) -> None:
    check_host(head(host=host), NAMES)


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1.example.org", "localhost.x:80"])
def test_other_names_do_not(host: str) -> None:
    with pytest.raises(HostNotAllowed):
        check_host(head(host=host), NAMES)


def test_a_request_without_a_host() -> None:
    with pytest.raises(HostMissing):
        check_host(head(), NAMES)


def test_split_host() -> None:
    assert split_host("[::1]:80") == ("::1", "80")
    assert split_host("[::1]") == ("::1", "")
    assert split_host("A.b:1") == ("a.b", "1")


HOST = "10.88.0.11:9999"
PASS = [
    {"host": HOST},
    {"host": HOST, "sec_fetch_site": "same-origin", "origin": "http://10.88.0.11:9999"},
    {"host": HOST, "sec_fetch_site": "none"},
    {"host": HOST, "origin": "http://10.88.0.11:9999"},
    {"host": "spark.example.org", "origin": "https://spark.example.org"},
    {"host": "spark.example.org", "origin": "https://spark.example.org:443"},
    {"host": HOST, "origin": "https://other.example.org", "sec_fetch_site": "cross-site"},
]
FAIL = [
    {"host": HOST, "sec_fetch_site": "cross-site", "origin": "http://10.88.0.11:9999"},
    {"host": HOST, "sec_fetch_site": "same-site"},
    {"host": HOST, "origin": "http://10.88.0.11:80"},
    {"host": HOST, "origin": "http://evil.example.org:9999"},
    {"host": HOST, "origin": "null"},
    {"host": HOST, "origin": "http://10.88.0.11:99999999"},
    {"host": HOST, "origin": "http://["},
]


@pytest.mark.parametrize("headers", PASS)
def test_same_origin_and_other_programs_pass(headers: dict[str, str]) -> None:
    allowed = frozenset({"https://other.example.org"})
    check_origin(head(**headers), allowed, cookie_only=False)


@pytest.mark.parametrize("headers", FAIL)
def test_cross_origin_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(CrossOrigin):
        check_origin(head(**headers), frozenset(), cookie_only=False)


def test_a_cookie_alone_does_not_act() -> None:
    with pytest.raises(CrossOrigin):
        check_origin(head(host=HOST), frozenset(), cookie_only=True)


def test_reading_and_outside_routes_are_free_of_it() -> None:
    check_origin(head("GET", origin="null"), frozenset(), cookie_only=True)
    check_origin(head(path="/v1/chat/completions", origin="null"), frozenset(), cookie_only=True)


@pytest.mark.parametrize(
    "request_head",
    [
        head(content_type="application/json; charset=utf-8", content_length="2"),
        head("DELETE"),
        head("GET", content_length="5"),
        head(path="/v1/audio/transcriptions", content_type="multipart/form-data"),
        head(content_length="0"),
    ],
)
def test_media_that_passes(request_head: Head) -> None:
    check_media(request_head)


@pytest.mark.parametrize(
    "request_head",
    [
        head(content_type="text/plain", content_length="2"),
        head(content_length="2"),
        head(transfer_encoding="chunked", content_type="application/x-www-form-urlencoded"),
    ],
)
def test_media_that_a_form_could_send(request_head: Head) -> None:
    with pytest.raises(WrongMediaType):
        check_media(request_head)


def test_which_paths_are_which() -> None:
    assert is_outside("/v1/models")
    assert is_outside("/rerank")
    assert is_outside("/api/audio/diarize-chunk")
    assert not is_outside("/v1x")
    assert not is_outside("/api/swap")
    assert is_public("/")
    assert is_public("/assets/page.js")
    assert not is_public("/api/status")
    assert not is_public("/assetsx")
