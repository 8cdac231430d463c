"""Following requests through silence, cuts and restarts."""

from collections.abc import Iterator

import httpx
import pytest
from typing_extensions import override

from spark_control.cli.client import Api
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.feed import AT_ONCE, Feed
from spark_control.core import sse
from spark_control.core.secret import Secret
from tests.unit.cli.clock import FakeClock

TOLD = sse.event("requests", "{}")
OTHER = sse.event("hardware", "{}")


class Body(httpx.SyncByteStream):
    """The events of one connection, then its end or what breaks it off."""

    def __init__(self, *frames: str, end: httpx.TransportError | None = None) -> None:
        self._frames, self._end = frames, end

    @override
    def __iter__(self) -> Iterator[bytes]:
        for frame in self._frames:
            yield frame.encode()
        if self._end is not None:
            raise self._end


class Server:
    """Gives records by number, one more at each look, and one stream after the other."""

    def __init__(self, *streams: Body | httpx.Response, records: int = 3) -> None:
        self.streams = list(streams)
        self.records = records
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/requests":
            self.queries.append(dict(request.url.params))
            rows = [{"id": f"rq_{n}"} for n in reversed(range(self.records))]
            self.records += 1
            return httpx.Response(200, json={"requests": rows, "next": None})
        if not self.streams:
            raise httpx.ConnectError("Connection refused")
        body = self.streams.pop(0)
        return body if isinstance(body, httpx.Response) else httpx.Response(200, stream=body)


def follow(server: Server, limit: int = 2) -> tuple[list[list[str]], Failure, FakeClock]:
    api = Api("http://test", Secret(""), transport=httpx.MockTransport(server))
    clock = FakeClock()
    feed = Feed(api=api, clock=clock, query={"limit": limit, "model": "m"}, limit=limit)
    given: list[list[str]] = []
    with pytest.raises(Failure) as caught:
        given.extend([row["id"].text or "" for row in rows] for rows in feed.rows())
    api.close()
    return given, caught.value, clock


def test_some_earlier_ones_and_then_each_new_one_once() -> None:
    server = Server(Body(TOLD, OTHER, TOLD))
    given, failure, clock = follow(server)
    assert given == [["rq_1", "rq_2"], ["rq_3"], ["rq_4"]]
    assert failure.exit is Exit.NOT_REACHABLE
    assert clock.passed > 60
    assert server.queries[0] == {"limit": str(AT_ONCE), "model": "m"}


def test_a_cut_and_silence_are_borne() -> None:
    cut, quiet = httpx.RemoteProtocolError("closed"), httpx.ReadTimeout("")
    given, _, _ = follow(Server(Body(TOLD, end=cut), Body(end=quiet), Body(TOLD)))
    assert given == [["rq_1", "rq_2"], ["rq_3"], ["rq_4"]]


def test_a_server_that_refuses_ends_it() -> None:
    error = {"error": {"code": "not_signed_in", "message": "no"}}
    given, failure, clock = follow(Server(httpx.Response(401, json=error)))
    assert len(given) == 1
    assert failure.exit is Exit.NOT_SIGNED_IN
    assert clock.passed == 0
