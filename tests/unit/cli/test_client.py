"""What the client makes of answers, good and bad."""

from collections.abc import Callable

import httpx
import pytest

from spark_control.cli.client import Api
from spark_control.cli.failure import Exit, Failure
from spark_control.core.secret import Secret

URL = "http://127.0.0.1:9999"
Answering = Callable[[httpx.Request], httpx.Response]


def api(answering: Answering, token: str = "") -> Api:
    return Api(URL, Secret(token), transport=httpx.MockTransport(answering))


def failing(error: httpx.TransportError) -> Answering:
    def answering(_: httpx.Request) -> httpx.Response:
        raise error

    return answering


def failure(answering: Answering) -> Failure:
    with pytest.raises(Failure) as caught:
        api(answering).get("/api/status")
    return caught.value


def error_body(**more: object) -> dict[str, object]:
    return {"error": {"code": "swap_running", "message": "One runs.", **more}}


def test_the_token_goes_with_every_call() -> None:
    seen: list[str | None] = []

    def answering(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(200, json={"ok": True})

    assert api(answering, "sc_secret").get("/api/status")["ok"].flag is True
    api(answering).get("/api/status")
    assert seen == ["Bearer sc_secret", None]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Exit.WRONG_USE), (401, Exit.NOT_SIGNED_IN), (403, Exit.FAILED),
        (404, Exit.NOT_FOUND), (409, Exit.CONFLICT), (422, Exit.WRONG_USE), (423, Exit.CONFLICT),
        (429, Exit.FAILED), (500, Exit.FAILED), (502, Exit.FAILED), (503, Exit.FAILED),
    ],
)  # fmt: skip
def test_the_status_decides_the_exit_code(status: int, code: Exit) -> None:
    assert failure(lambda _: httpx.Response(status, json=error_body())).exit is code


def test_the_words_of_the_server_are_kept() -> None:
    body = error_body(hint="Wait for it.", detail={"id": "sw_1"})
    found = failure(lambda _: httpx.Response(409, json=body))
    assert found.as_dict() == body["error"]


def test_without_a_token_the_hint_is_for_the_command_line() -> None:
    body = {"error": {"code": "not_signed_in", "message": "No token.", "hint": "Use the page."}}
    assert "SPARK_CONTROL_TOKEN" in failure(lambda _: httpx.Response(401, json=body)).hint


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>a router</html>"),
        httpx.Response(404, text="not found"),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(302, headers={"Location": "https://example.org/"}),
        httpx.Response(500, json=["odd"]),
    ],
)
def test_another_server_is_told_from_ours(response: httpx.Response) -> None:
    found = failure(lambda _: response)
    assert (found.code, found.exit) == ("not_spark_control", Exit.NOT_REACHABLE)
    assert "/api/status" in found.message


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "server_unreachable",
         "nothing listens there"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "server_unreachable",
         "not known"),
        (httpx.ConnectTimeout(""), "server_unreachable", "does not take the connection"),
        (httpx.RemoteProtocolError(""), "server_unreachable", "RemoteProtocolError"),
        (httpx.ReadTimeout(""), "server_slow", "takes too long"),
    ],
)  # fmt: skip
def test_no_answer(error: httpx.TransportError, code: str, words: str) -> None:
    found = failure(failing(error))
    assert (found.code, found.exit) == (code, Exit.NOT_REACHABLE)
    assert words in found.message
    assert found.hint


def test_a_stream_goes_on_behind_an_event() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"data: {request.headers.get('Last-Event-ID')}\n\n")

    with api(answering).stream("/api/swap/sw_1/stream", after="7") as pieces:
        assert "".join(pieces) == "data: 7\n\n"


def test_a_refused_stream_has_the_words_of_the_server() -> None:
    refused = api(lambda _: httpx.Response(404, json=error_body()))
    with pytest.raises(Failure, match="One runs"), refused.stream("/api/swap/x/stream"):
        pass


def test_a_text_is_not_json() -> None:
    assert api(lambda _: httpx.Response(200, text="a\nb\n")).get_text("/log") == "a\nb\n"
