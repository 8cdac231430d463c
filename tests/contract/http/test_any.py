"""Whatever is sent: it is refused by name, or goes on whole, once, and as it was meant.

The worker's own protocols are fed without sockets, so that thousands of cuts can be tried.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from spark_control.access.shown import SECURITY
from spark_control.core.clock import RealClock
from spark_control.core.errors import HeadTooLarge, LineTooLong
from spark_control.core.ids import RandomIds
from spark_control.gateway.errors import RequestMalformed
from spark_control.gateway.head import read_request
from spark_control.gateway.headers import rendered, to_control, to_engine
from spark_control.gateway.worker.client import Client
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.pool import Pool
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upstream import Idle, Upstream
from spark_control.gateway.worker.worker import Ledger, Worker
from tests.contract.http.plane import BODY, CHAT, state, target

PORT = 9


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def close(self) -> None:
        self.closed = True

    @override
    def abort(self) -> None:
        self.closed = True

    @override
    def can_write_eof(self) -> bool:
        return True

    @override
    def write_eof(self) -> None:
        pass

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass


@dataclass(kw_only=True, slots=True)
class Handed(Pool):
    """Gives out connections that the test made."""

    made: list[tuple[Upstream, Wire]] = field(default_factory=list)

    @override
    def take(self, place: Place) -> Upstream | None:
        wire = Wire()
        upstream = Upstream(place, Idle(self.loop))
        upstream.connection_made(wire)
        self.made.append((upstream, wire))
        return upstream


class Bench:
    """A worker without sockets, and a client of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        times = Times()
        self.control = Place(name="control", base_url="control", socket="/nope")
        self.worker = Worker(
            loop=loop, clock=RealClock(), ids=RandomIds(), times=times, ledger=Ledger(),
            control=self.control,
        )  # fmt: skip
        self.pool = Handed(loop=loop, times=times, control=self.control)
        self.worker.pool = self.pool
        self.worker.date = b"date: x\r\n\r\n"
        self.worker.take(state([target(PORT)]))

    def client(self) -> tuple[Client, Wire]:
        client, wire = Client(self.worker), Wire()
        client.connection_made(wire)
        return client, wire


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    loop = asyncio.new_event_loop()
    yield Bench(loop)
    loop.close()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted({at % (len(data) + 1) for at in cuts}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


def read(data: bytes, method: str = "POST", *, ended: bool) -> tuple[h11.Response, bytes, bytes]:
    """Read an answer strictly: its head, its body, and what came after it."""
    line = h11.Connection(h11.CLIENT)
    line.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    line.send(h11.EndOfMessage())
    line.receive_data(data)
    if ended:
        line.receive_data(b"")
    head, body = None, b""
    while not isinstance(event := line.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            pytest.fail(f"{event!r} instead of an answer")
    assert head is not None
    return head, body, line.trailing_data[0]


@dataclass(frozen=True)
class Said:
    """An answer as an upstream may make it."""

    status: int
    data: bytes
    body: bytes
    to_the_end: bool
    kept: list[tuple[str, str]]
    """The headers that are the client's to see, in their order."""


FRAMING = {"content-length", "transfer-encoding", "connection"}
DROPPED = [
    ("Server", "x"), ("Date", "then"), ("Set-Cookie", "a=1"), ("Keep-Alive", "timeout=5"),
    ("Access-Control-Allow-Origin", "*"), ("X-Frame-Options", "ALLOW"), ("Upgrade", "h2c"),
]  # fmt: skip
"""What an engine must not say under our address."""
NAMED = [("Connection", "x-hop"), ("X-Hop", "1")]
TOKEN = st.text("abcxyzABC-_1", min_size=1, max_size=8)
VALUE = st.text('ab \t,;=\xe9"/', max_size=12)
CUTS = st.lists(st.integers(0, 5000), max_size=30)


@st.composite
def said(draw: st.DrawFn) -> Said:
    """Make any valid answer: status, headers, framing, extensions, trailers, early answers."""
    status = draw(st.sampled_from([200, 201, 204, 206, 301, 304, 400, 404, 422, 429]))
    parts = draw(st.lists(st.binary(min_size=1, max_size=200), max_size=6))
    body = b"".join(parts)
    early = draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2))
    fields = draw(st.lists(st.tuples(TOKEN.map(lambda name: f"X-{name}"), VALUE), max_size=4))
    how = draw(st.sampled_from(["length", "chunks", "end"]))
    if draw(st.booleans()):
        fields.append(("Content-Type", "text/event-stream"))
    if status in {204, 304} and draw(st.booleans()):
        fields.append(("ETag", "x"))
    kept = [(name.lower(), value.strip(" \t")) for name, value in fields]
    others = draw(st.lists(st.sampled_from(DROPPED), max_size=2)) + NAMED * draw(st.booleans())
    for other in others:
        fields.insert(draw(st.integers(0, len(fields))), other)
    lines = rendered(fields)
    if status in {204, 304}:
        body, framed = b"", b""
    elif how == "length":
        lines += b"Content-Length: %d\r\n" % len(body)
        framed = body
    elif how == "chunks":
        lines += b"transfer-encoding: CHUNKED\r\n"
        more = draw(st.sampled_from([b"", b";a=b", b' ; a="b c"']))
        framed = b"".join(b"0%X%b\r\n%b\r\n" % (len(part), more, part) for part in parts)
        framed += b"00%b\r\n%b\r\n" % (more, draw(st.sampled_from([b"", b"X-T: 1\r\n"])))
    else:
        framed = body
    before = b"".join(b"HTTP/1.1 %d Wait\r\nX: y\r\n\r\n" % code for code in early)
    reason = draw(st.sampled_from([b" OK", b" ", b"", b" \xe9t\xe9"]))
    head = b"HTTP/1.%d %d%b\r\n%b\r\n" % (draw(st.integers(0, 1)) if how != "chunks" else 1,
                                          status, reason, lines)  # fmt: skip
    to_the_end = how == "end" and status not in {204, 304}
    return Said(status, before + head + framed, body, to_the_end, kept)


def check_headers(answer: Said, found: h11.Response) -> None:
    """See that a client gets the engine's own headers in their order, then ours, and no other."""
    rows = [(name.decode(), value.decode("latin-1")) for name, value in found.headers]
    ours = [*((name.lower(), value) for name, value in SECURITY.items()), ("date", "x")]
    assert rows[: len(answer.kept)] == answer.kept
    assert rows[-len(ours) :] == ours
    assert {name for name, _ in rows[len(answer.kept) : -len(ours)]} <= FRAMING


@given(said(), CUTS, st.integers(0, 1))
def test_any_answer_in_any_cut(bench: Bench, answer: Said, cuts: list[int], minor: int) -> None:
    client, wire = bench.client()
    head = b"POST %b HTTP/1.%d\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    client.data_received(head % (CHAT, minor, len(BODY)) + BODY)
    upstream, engine = bench.pool.made.pop()
    assert engine.sent.endswith(b"\r\n\r\n" + BODY)
    for piece in cut(answer.data, cuts):
        upstream.data_received(piece)
    if answer.to_the_end:
        upstream.connection_lost(None)
    found, body, after = read(wire.sent, ended=wire.closed)
    assert (found.status_code, body, after) == (answer.status, answer.body, b"")
    check_headers(answer, found)
    assert wire.closed is (minor == 0)
    assert bench.pool.busy() == {}
    if minor:  # the connection is as good as new
        wire.sent = b""
        client.data_received(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        assert json.loads(read(wire.sent, "GET", ended=False)[1])["object"] == "list"
        client.connection_lost(None)


@given(said(), CUTS, st.integers(0, 10_000))
def test_any_answer_that_ends_early(bench: Bench, answer: Said, cuts: list[int], at: int) -> None:
    """What came is passed on as it was; the client can tell that it is not all."""
    client, wire = bench.client()
    client.data_received(
        b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (CHAT, len(BODY), BODY)
    )
    upstream, _ = bench.pool.made.pop()
    data = answer.data[: 1 + at % (len(answer.data) - 1)]
    for piece in cut(data, cuts):
        upstream.data_received(piece)
    if upstream.asker is not None:
        upstream.connection_lost(ConnectionResetError())
    try:
        found, body, _ = read(wire.sent, ended=wire.closed)
    except h11.RemoteProtocolError:
        assert wire.closed
        return
    if found.status_code == 502 and b"engine_error" in body:
        return
    assert found.status_code == answer.status
    whole, _, lost = body.partition(b"event: error\ndata: {")
    assert answer.body.startswith((whole, whole.removesuffix(b"\n\n")))
    if not lost:
        assert body == answer.body


METHODS = st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "get", "P\xd6ST", "", "A B", "X" * 90])
TARGETS = st.sampled_from([
    "/", "/v1/models", "/v1/chat/completions", "/a?b=c#d", "*", "", "a", "//x", "/\x7f", "/\xe9",
    "/a b", "http://x/", "/%0d%0a", "/v1/chat/completions?x=\r\nHost: b",
])  # fmt: skip
VERSIONS = st.sampled_from(
    ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2", "http/1.1", "", "HTTP/1.1 "]
)
NAMES = st.sampled_from([
    "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "X-Forwarded-For",
    "Authorization", "Cookie", "TE", "Upgrade", "X-A", "X A", "", "X\x00", "Content-Length ",
    " Host", "X-Real-IP", "Forwarded", "Keep-Alive", "Trailer",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        "a", "3", "03", "+3", "-1", "3, 3", "chunked", "Chunked", "gzip, chunked", "close",
        "keep-alive, x-a", "100-continue", "a\r\nX-B: c", "a\nb", "a\rb", "\x00", "\x0b", "", " ",
        "content-length", "transfer-encoding", "\xe9", "host",
    ]),
    VALUE,
)  # fmt: skip
HOP = {
    "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-forwarded-for",
    "x-real-ip", "forwarded", "content-length", "expect",
}  # fmt: skip


@given(METHODS, TARGETS, VERSIONS, st.lists(st.tuples(NAMES, VALUES), max_size=6), st.booleans())
def test_any_head(
    method: str, url: str, version: str, fields: list[tuple[str, str]], host: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """A head is refused by name, or another reader finds the same in what goes on."""
    rows = ([("Host", "a")] if host else []) + fields
    text = f"{method} {url} {version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in rows) + "\r\n"
    block = text.encode("latin-1")
    block = block[: block.index(b"\r\n\r\n") + 4]
    try:
        head = read_request(block)
    except (RequestMalformed, LineTooLong, HeadTooLarge):
        return
    if not head.target.isascii():
        return  # h11 takes none of these; uvicorn and vLLM do
    for going in (to_engine, to_control):
        kept = going(head.fields)
        assert not {name for name, _ in kept} & HOP
        more = b"" if "host" in dict(kept) else b"host: e\r\n"
        line = h11.Connection(h11.SERVER)
        line.receive_data(
            f"{head.method} {head.target} HTTP/1.1\r\n".encode("latin-1") + more
            + rendered(kept) + b"content-length: 0\r\n\r\n"
        )  # fmt: skip
        event = line.next_event()
        assert isinstance(event, h11.Request)
        assert (event.method.decode(), event.target.decode("latin-1")) == (
            head.method,
            head.target,
        )
        assert isinstance(line.next_event(), h11.EndOfMessage)
        assert line.trailing_data[0] == b""


PIECES = st.lists(
    st.sampled_from([
        b"POST /v1/chat/completions HTTP/1.1\r\n", b"GET /v1/models HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n", b"Host: a\r\n", b"\r\n", b"Content-Length: 27\r\n",
        b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"1b\r\n", b"0\r\n\r\n",
        BODY, b"{}", b"\n", b"\r", b"\x00", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
    ]),
    max_size=14,
)  # fmt: skip


@given(PIECES, CUTS)
def test_any_bytes_of_a_client(bench: Bench, pieces: list[bytes], cuts: list[int]) -> None:
    """However they are cut they do the same: as many requests go on, and each is whole."""
    found = [
        played_once(bench, parts) for parts in ([b"".join(pieces)], cut(b"".join(pieces), cuts))
    ]
    assert found[0] == found[1]


def played_once(bench: Bench, parts: list[bytes]) -> tuple[list[bytes], list[bytes], bool]:
    """Return what went to upstreams, the first lines of the answers, and whether it ended."""
    client, wire = bench.client()
    bench.pool.made.clear()
    sent: list[bytes] = []
    for part in parts:
        if not wire.closed:
            client.data_received(part)
        while bench.pool.made:
            upstream, engine = bench.pool.made.pop()
            assert engine.sent.count(b"\r\n\r\n") >= 1
            if client.exchange is not None and upstream.place is bench.control:
                client.connection_lost(None)
                wire.closed = True
                sent.append(engine.sent.partition(b"\r\n")[0])
                continue
            sent.append(engine.sent)
            upstream.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    lines = [row for row in wire.sent.split(b"\r\n") if row.startswith(b"HTTP/1.")]
    closed = wire.closed
    client.connection_lost(None)
    return sent, [row for row in lines if b" 100 " not in row], closed
