"""Following a swap through silence, cuts and restarts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from typing_extensions import override

from spark_control.cli.answer import Answer
from spark_control.cli.client import Api
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.follow import Follower, News, Watched
from spark_control.core import sse
from spark_control.core.secret import Secret
from spark_control.swap.shapes import SwapShape
from tests.unit.cli import samples
from tests.unit.cli.clock import FakeClock


class Body(httpx.SyncByteStream):
    """The body of one stream: its frames, then its end or what breaks it off."""

    def __init__(self, frames: list[str], end: httpx.TransportError | None) -> None:
        self._frames = frames
        self._end = end

    @override
    def __iter__(self) -> Iterator[bytes]:
        for frame in self._frames:
            yield frame.encode()
        if self._end is not None:
            raise self._end


@dataclass(slots=True)
class Server:
    """Answers one connection after the other; after the last one nobody listens any more."""

    bodies: list[Body | httpx.Response] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers.get("Last-Event-ID"))
        if not self.bodies:
            raise httpx.ConnectError("Connection refused")
        body = self.bodies.pop(0)
        return body if isinstance(body, httpx.Response) else httpx.Response(200, stream=body)


CUT = httpx.RemoteProtocolError("peer closed connection")
QUIET = httpx.ReadTimeout("")


def frames(*events: str, end: httpx.TransportError | None = None) -> Body:
    return Body(list(events), end)


def log(number: int, *lines: str) -> str:
    return sse.event("log", json.dumps({"lines": lines}), event_id=str(number))


def state(shape: SwapShape) -> str:
    return sse.event("swap", shape.model_dump_json())


LOADING, READY = state(samples.swap()), state(samples.ready())


def follow(server: Server) -> tuple[list[News], Watched, FakeClock]:
    clock = FakeClock()
    transport = httpx.MockTransport(server)
    follower = Follower(api=Api("http://h", Secret(""), transport=transport), clock=clock)
    watched = Watched(raw=samples.answer(samples.swap()), at=0.0)
    return list(follower.follow(watched)), watched, clock


def test_to_the_end() -> None:
    server = Server([frames(log(2, "a", "b"), LOADING, log(3, "c"), READY)])
    news, watched, clock = follow(server)
    assert news == [News.LOG, News.SWAP, News.LOG, News.SWAP]
    assert list(watched.lines) == ["a", "b", "c"]
    assert watched.fresh == ["c"]
    assert watched.swap.state == "ready"
    assert clock.passed == 0.0


def test_an_ended_swap_is_not_followed() -> None:
    server = Server()
    watched = Watched(raw=samples.answer(samples.ready()), at=0.0)
    api = Api("http://h", Secret(""), transport=httpx.MockTransport(server))
    assert list(Follower(api=api, clock=FakeClock()).follow(watched)) == []
    assert server.asked == []


@pytest.mark.parametrize("end", [CUT, None, httpx.ReadError("reset")])
def test_a_cut_stream_goes_on_behind_the_last_line(end: httpx.TransportError | None) -> None:
    cut = frames(log(2, "a", "b"), LOADING, "event: swap\ndata: {half", end=end)
    server = Server([cut, frames(log(3, "c"), READY)])
    news, watched, clock = follow(server)
    assert server.asked == [None, "2"]
    assert news == [News.LOG, News.SWAP, News.LOST, News.LOG, News.SWAP]
    assert list(watched.lines) == ["a", "b", "c"]
    assert not watched.lost
    assert clock.passed == 1.0


def test_silence_is_no_fault() -> None:
    server = Server([frames(log(1, "a"), end=QUIET), frames(READY)])
    news, _, clock = follow(server)
    assert (news, clock.passed) == ([News.LOG, News.SWAP], 0.0)
    assert server.asked == [None, "1"]


def test_after_a_minute_without_a_word_it_gives_up() -> None:
    server = Server([frames(log(1, "a"), end=CUT)])
    with pytest.raises(Failure, match="may go on without us") as caught:
        follow(server)
    assert caught.value.exit is Exit.NOT_REACHABLE
    assert 60 < len(server.asked) < 65


@pytest.mark.parametrize(("status", "code"), [(401, Exit.NOT_SIGNED_IN), (404, Exit.NOT_FOUND)])
def test_a_refusal_ends_it(status: int, code: Exit) -> None:
    body = {"error": {"code": "no", "message": "No."}}
    with pytest.raises(Failure) as caught:
        follow(Server([httpx.Response(status, json=body)]))
    assert caught.value.exit is code


def test_another_server_ends_it() -> None:
    with pytest.raises(Failure, match="does not answer like Spark Control"):
        follow(Server([httpx.Response(502, text="bad gateway")]))


def test_what_is_not_understood_is_passed_over() -> None:
    odd = sse.event("swap", "no json") + sse.event("swap", "{}") + sse.event("new", "{}")
    news, watched, _ = follow(Server([frames(sse.BEAT, odd, READY)]))
    assert news == [News.SWAP]
    assert watched.swap.ended


def test_a_swap_without_an_id_is_none() -> None:
    assert Watched(raw=Answer(), at=0.0).swap.id == ""
