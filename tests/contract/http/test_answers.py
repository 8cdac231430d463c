"""What an upstream may answer, in every framing and cut, and what a client gets of it."""

import asyncio
from pathlib import Path

import h11
import pytest

from spark_control.access.shown import SECURITY
from spark_control.gateway.route import Target
from tests.contract.http.peer import Line, answers, echo, line_to, played, turns
from tests.contract.http.plane import BODY, CHAT, code, plane, request, target
from tests.contract.http.test_relay import JSON, STREAM, chunks, whole

TEXT = 'data: {"text": "h\u00e9 \u6f22\u5b57 \U0001f9d1\u200d\U0001f680 \u0627"}\n\n'.encode()
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
FRAMINGS = {
    "length": PLAIN + b"Content-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT),
    "length twice": PLAIN + b"Content-Length: %d\r\n" % len(TEXT) * 2 + b"\r\n" + TEXT,
    "chunks": PLAIN + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks(TEXT[:9], TEXT[9:]),
    "chunks with more": PLAIN + b"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
    + b"009;a=b\r\n%b\r\n%X ; c\r\n%b\r\n" % (TEXT[:9], len(TEXT) - 9, TEXT[9:])
    + b"000\r\nX: y\r\nContent-Length: 3\r\n\r\n",
    "chunks and a length": PLAIN + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunks(TEXT),
    "early hints": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    + whole(TEXT),
    "no reason": b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT),
    "to its end": PLAIN + b"\r\n" + TEXT,
    "HTTP/1.0": PLAIN.replace(b"1.1", b"1.0") + b"\r\n" + TEXT,
    "HTTP/1.0 with a length": PLAIN.replace(b"1.1", b"1.0")
    + b"Content-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT),
    "closing": PLAIN + b"Connection: Close\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMINGS)
@pytest.mark.parametrize("minor", [0, 1])
async def test_any_framing_cut_anywhere(name: str, minor: int) -> None:
    """Every cut splits it in two reads, also within a character; the body is the same."""
    data = FRAMINGS[name]
    ends = name in {"to its end", "HTTP/1.0", "HTTP/1.0 with a length", "closing"}
    places = range(1, len(data))
    cuts = iter(places)

    async def cut(line: Line) -> None:
        while True:
            await line.message()
            at = next(cuts)
            await line.say(data[:at])
            await turns()
            await line.say(data[at:])
            if ends:
                return

    asked = request(close=False).replace(b"HTTP/1.1", b"HTTP/1.%d" % minor)
    async with played(cut) as engine, plane(target(engine.port)) as gateway:
        for _ in places:
            async with line_to(gateway.port) as client:
                await client.say(asked)
                said = await client.message()
                assert (said.status, said.early, said.body) == (200, [], TEXT)
                if minor:
                    assert said.all("connection") == []
                else:
                    assert said.all("transfer-encoding") == []
                    assert await client.rest() == b""
        kept = 1 if not ends and name != "chunks and a length" else len(data) - 1
        assert len(engine.lines) == kept


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize(
    "lines", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]
)
async def test_answers_that_have_no_body(status: int, lines: bytes) -> None:
    """The next answer on the connection is not taken for the body; a 204 states no length."""
    said = b"HTTP/1.1 %d Nothing\r\n%b\r\n" % (status, lines)
    async with (
        played(answers(said, whole())) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        await client.say(request(close=False) * 2)
        first = await client.message()
        assert (first.status, first.body) == (status, b"")
        assert first.all("transfer-encoding") == []
        if status == 204:
            assert first.all("content-length") == []
        assert (await client.message()).body == JSON


async def test_head_of_a_page(tmp_path: Path) -> None:
    """The length is that of the page, no body follows, and the connection stays good."""
    there = str(tmp_path / "control.sock")

    async def page(line: Line) -> None:
        while True:
            asked = await line.message()
            framed = b"Content-Length: 3\r\n" if asked.target != "/c" else (
                b"Transfer-Encoding: chunked\r\n"
            )  # fmt: skip
            await line.say(b"HTTP/1.1 200 OK\r\n" + framed + b"\r\n")
            if asked.method == "GET":
                await line.say(b"abc" if asked.target != "/c" else chunks(b"abc"))

    async with (
        played(page, path=there) as control,
        plane(control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        for path in (b"/a", b"/c"):
            for method in ("HEAD", "GET"):
                await client.say(b"%b %b HTTP/1.1\r\nHost: a\r\n\r\n" % (method.encode(), path))
                said = await client.message(method)
                assert said.body == (b"" if method == "HEAD" else b"abc")
                if path == b"/a":
                    assert said.all("content-length") == ["3"]
        assert len(control.lines) == 1


async def test_a_huge_event() -> None:
    """8 MB in one event, in one chunk, and then in many."""
    large = b'data: {"x":"' + b"y" * 8_000_000 + b'"}\n\n'
    pieces = [large[at : at + 16_000] for at in range(0, len(large), 16_000)]
    last = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9}}\n\n'
    async with (
        played(answers(STREAM + chunks(large, last), STREAM + chunks(*pieces, last))) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        for _ in range(2):
            await client.say(request(close=False))
            assert (await client.message()).body == large + last
        rows = gateway.kept.rows
    assert [(row.tokens_in, row.tokens_out, row.bytes_out) for row in rows] == [
        (7, 9, len(large + last))
    ] * 2


async def test_headers_that_an_engine_may_not_set() -> None:
    """What would speak for our own address is dropped; twice the same header stays twice."""
    lines = (
        b"Set-Cookie: session=x\r\nAccess-Control-Allow-Origin: *\r\nServer: e\r\nDate: never\r\n"
        b"Content-Security-Policy: none\r\nX-Frame-Options: ALLOWALL\r\nConnection: x-hop\r\n"
        b"X-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nTrailer: x\r\nX-Id: 1\r\n"
        b"X-Id: 2\r\n"
        b"Proxy-Authenticate: Basic\r\n"
    )
    async with (
        played(answers(whole(more=lines))) as engine,
        plane(target(engine.port)) as there,
        line_to(there.port) as client,
    ):
        await client.say(request(close=False))
        said = await client.message()
    ours = {name.lower() for name in SECURITY}
    names = [name for name, _ in said.fields if name not in ours]
    assert sorted(names) == ["content-length", "content-type", "date", "x-id", "x-id"]
    assert said.all("x-id") == ["1", "2"]
    assert all(said.all(name.lower()) == [value] for name, value in SECURITY.items())


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
async def test_answers_that_are_none(said: bytes) -> None:
    async with played(answers(said)) as engine, plane(target(engine.port)) as gateway:
        assert code(await gateway.raw(request())) == (502, "answer_malformed")


async def test_a_flood_of_early_answers() -> None:
    """Thousands of `100 Continue` before the answer break nothing."""
    flood = b"HTTP/1.1 100 Continue\r\n\r\n" * 5000
    async with (
        played(answers(flood + whole())) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        assert (await client.message()).body == JSON


@pytest.mark.parametrize("more", [b"x", whole(b"not asked for")])
async def test_bytes_after_an_answer_are_nobodys(more: bytes) -> None:
    """They are not the answer to the next request, whoever makes it."""
    async with played(answers(whole(b"1") + more, whole(b"2"))) as engine:
        async with plane(target(engine.port)) as gateway, line_to(gateway.port) as client:
            for _ in range(2):
                await client.say(request(close=False))
                assert (await client.message()).body == b"1"
        assert len(engine.lines) == 2


async def test_bytes_on_an_idle_connection_are_nobodys() -> None:
    """They come while nobody waits; the next request goes over another connection."""
    more = asyncio.Event()

    async def speaks(line: Line) -> None:
        await line.message()
        await line.say(whole(b"1"))
        await more.wait()
        await line.say(whole(b"not asked for"))
        await line.rest()
        line.gone.set()

    async with (
        played(speaks) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        assert (await client.message()).body == b"1"
        more.set()
        await asyncio.wait_for(engine.lines[0].gone.wait(), 5)
        await client.say(request(close=False))
        assert (await client.message()).body == b"1"


async def test_an_upstream_of_ipv6() -> None:
    async with played(echo, host="::1") as engine:
        there = Target(name="six", base_url=engine.url, served=("m",))
        async with plane(there) as gateway, line_to(gateway.port) as client:
            for _ in range(2):
                await client.say(request(close=False))
                said = await client.message()
                assert f"host: [::1]:{engine.port}\n".encode() in said.body
                assert said.body.endswith(BODY)
        assert len(engine.lines) == 1


@pytest.mark.parametrize("name", ["length", "chunks"])
async def test_less_than_was_promised_is_never_taken_for_all(name: str) -> None:
    """Cut short at every byte: the client reads an error, or an answer that is not whole."""
    data = FRAMINGS[name]
    for at in range(len(data)):

        async def short(line: Line, at: int = at) -> None:
            await line.message()
            await line.say(data[:at])

        async with (
            played(short) as engine,
            plane(target(engine.port)) as gateway,
            line_to(gateway.port) as client,
        ):
            await client.say(request(close=False))
            if at < data.index(b"\r\n\r\n") + 4:
                assert (await client.message()).status == 502
            else:
                with pytest.raises(h11.RemoteProtocolError):
                    await client.message()
        assert gateway.worker.pool.busy() == {}


async def test_old_clients_see_a_break_as_a_reset() -> None:
    """HTTP/1.0 knows no chunks, so an end in order would say that all is there."""

    async def breaks(line: Line) -> None:
        await line.message()
        await line.say(PLAIN + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    async with (
        played(breaks) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        await client.say(
            b"POST %b HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (CHAT, len(BODY), BODY)
        )
        with pytest.raises(ConnectionResetError):
            await client.message()
