"""What a client may send, in every way it can be cut, and what is refused before it goes on."""

import asyncio
import json
from pathlib import Path

import pytest

from spark_control.gateway.head import HEAD_BYTES, LINE_BYTES, MOST_FIELDS
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, answers, echo, line_to, played, turns
from tests.contract.http.plane import BODY, BOUNDS, CHAT, plane, request, target
from tests.contract.http.test_relay import JSON, SSE, STREAM, chunks, whole

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
SOCKET = "control.sock"


def page(method: bytes = b"GET", path: bytes = b"/", *lines: bytes) -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (
        method, path, b"".join(line + b"\r\n" for line in lines),
    )  # fmt: skip


async def test_models_pages_and_the_list_on_one_connection(tmp_path: Path) -> None:
    """All of it is sent at once; each answer comes in its turn."""
    there = str(tmp_path / SOCKET)
    async with (
        played(answers(whole(b"1"), STREAM + chunks(SSE), whole(b"3"))) as engine,
        played(echo, path=there) as control,
        plane(target(engine.port), control=there) as gateway,
        line_to(gateway.port) as client,
    ):
        asked = request(close=False)
        await client.say(
            asked + page() + asked + page(b"HEAD", b"/x") + page(b"GET", b"/v1/models") + asked
            + page(b"PUT", b"/api/x?y=1", b"Content-Length: 2", b"Content-Type: application/json")
            + b"{}" + page(b"GET", b"/last")
        )  # fmt: skip
        methods = ("POST", "GET", "POST", "HEAD", "GET", "POST", "PUT", "GET")
        said = [await client.message(method) for method in methods]
        assert [one.status for one in said] == [200] * 8
        bodies = [one.body for one in said]
        assert (bodies[0], bodies[2], bodies[5]) == (b"1", SSE, b"3")
        assert bodies[1].startswith(b"GET /\n")
        assert bodies[3] == b""
        assert json.loads(bodies[4])["data"][0]["id"] == "m"
        assert bodies[6].startswith(b"PUT /api/x?y=1\n")
        assert bodies[6].endswith(b"\n{}")
        assert bodies[7].startswith(b"GET /last\n")
        assert (len(engine.lines), len(control.lines)) == (1, 1)


async def test_a_request_cut_at_every_byte() -> None:
    """Two requests, one in chunks; the second part of the bytes comes when the first was read."""
    data = request(close=False) + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    data += chunks(BODY[:9], BODY[9:])
    async with (
        played(answers(*[whole()] * 2 * len(data))) as engine,
        plane(target(engine.port)) as gateway,
    ):
        for at in range(1, len(data)):
            async with line_to(gateway.port) as client:
                await client.say(data[:at])
                await gateway.until(lambda: gateway.worker.connections > 0)
                await turns()
                await client.say(data[at:])
                assert [(await client.message()).body for _ in range(2)] == [JSON] * 2


async def test_blank_lines_between_requests_are_skipped() -> None:
    async with played(answers(*[whole()] * 3)) as engine, plane(target(engine.port)) as gateway:
        async with line_to(gateway.port) as client:
            for before in (b"", b"\r\n", b"\r\n"):
                await client.say(before + request(close=False))
                assert (await client.message()).body == JSON


@pytest.mark.parametrize("coding", ["length", "chunked"])
async def test_expect(coding: str) -> None:
    """100 comes when it is waited for, once, and not when the body is here already."""
    framed = b"Transfer-Encoding: chunked\r\n" if coding == "chunked" else (
        b"Content-Length: %d\r\n" % len(BODY)
    )  # fmt: skip
    body = chunks(BODY) if coding == "chunked" else BODY
    head = HEAD + framed + b"Expect: 100-Continue\r\n\r\n"
    async with played(answers(*[whole()] * 2)) as engine, plane(target(engine.port)) as gateway:
        async with line_to(gateway.port) as client:
            await client.say(head)
            waiting = asyncio.gather(client.message())
            await gateway.until(lambda: b"100 Continue" in client.raw)
            assert engine.lines == []
            await client.say(body)
            (said,) = await waiting
            assert (said.early, said.status) == ([100], 200)
            await client.say(head + body)
            assert (await client.message()).early == []


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((b"Content-Length: 99999999",), 413),
        ((b"Content-Length: 9", b"Expect: tea"), 400),
        ((b"Content-Length: 9", b"Origin: null", b"Host: b"), 400),
    ],
)
async def test_expect_gets_a_refusal_at_once(lines: tuple[bytes, ...], status: int) -> None:
    head = HEAD + b"".join(line + b"\r\n" for line in (*lines, b"Expect: 100-continue")) + b"\r\n"
    async with plane(target(1)) as gateway, line_to(gateway.port) as client:
        await client.say(head)
        said = await client.message()
        assert (said.early, said.status) == ([], status)
        assert said.all("connection") == ["close"]


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
AMBIGUOUS = {
    "CL and TE": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "TE and CL": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "the same length twice": b"Content-Length: 4\r\nContent-Length: 4\r\n",
    "a list of lengths": b"Content-Length: 4, 4\r\n",
    "a signed length": b"Content-Length: +4\r\n",
    "a hex length": b"Content-Length: 0x4\r\n",
    "an endless length": b"Content-Length: 9999999999999999999999\r\n",
    "no length": b"Content-Length:\r\n",
    "a length of other digits": "Content-Length: \u00b2\r\n".encode("latin-1"),
    "a length on two lines": b"Content-Length:\r\n 4\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n",
    "a tab before the colon": b"Content-Length\t: 4\r\n",
    "a coding before chunks": b"Transfer-Encoding: gzip, chunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks in a list": b"Transfer-Encoding: chunked, identity\r\n",
    "another coding": b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
    "a coding with a stray byte": b"Transfer-Encoding: \x0bchunked\r\n",
    "quoted chunks": b'Transfer-Encoding: "chunked"\r\n',
    "chunks after a zero": b"X: \x00\r\nTransfer-Encoding: chunked\r\n",
    "LF alone": b"X: y\nTransfer-Encoding: chunked\r\n",
    "CR alone": b"X: y\rTransfer-Encoding: chunked\r\n",
    "a name of no token": b"Trans\xe9fer: chunked\r\n",
    "two hosts": b"Host: b\r\nContent-Length: 4\r\n",
    "a coding folded": b"X: y\r\n\tTransfer-Encoding: chunked\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
@pytest.mark.parametrize("path", [CHAT, b"/api/x"])
async def test_what_can_be_read_in_two_ways_goes_nowhere(
    tmp_path: Path, name: str, path: bytes
) -> None:
    """It is refused by name, the connection ends, and what follows is not taken for a request."""
    there = str(tmp_path / SOCKET)
    data = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%b\r\n" % (
        path, AMBIGUOUS[name],
    )  # fmt: skip
    async with (
        played(echo) as engine, played(echo, path=there) as control,
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(data + b"0\r\n\r\n" + SMUGGLED)
        said = await client.message()
        assert (said.status, said.all("connection")) == (400, ["close"])
        assert json.loads(said.body)["error"]["code"] == "request_malformed"
        client.writer.write_eof()
        assert await client.rest() == b""
        assert (engine.lines, control.lines) == ([], [])


BROKEN_CHUNKS = [
    b"x\r\n", b"-1\r\n", b"+1\r\na\r\n", b"0x1\r\na\r\n", b" 1\r\na\r\n", b"1\na\r\n",
    b"1\r\nab\r\n", b"1\r\na\n", b"1\r\na\r\r", b"10000000000000000\r\n", b"\r\n", b"1;" + b"e" * 2000,
    b"0\r\nX: " + b"t" * 9000, b"1 \r\na\r\n0\r\n\r\n", b"1;x\ny\r\na\r\n0\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BROKEN_CHUNKS)))
@pytest.mark.parametrize("path", [CHAT, b"/api/x"])
async def test_chunks_that_are_none(tmp_path: Path, number: int, path: bytes) -> None:
    """The control process sees the request end before its body does, never a shorter one."""
    there = str(tmp_path / SOCKET)
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    async with (
        played(echo) as engine, played(echo, path=there),
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(head + BROKEN_CHUNKS[number])
        said = await client.message()
        assert (said.status, said.all("connection")) == (400, ["close"])
        assert json.loads(said.body)["error"]["code"] == "request_malformed"
        assert engine.lines == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /v1/models HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET http://a/v1/models HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /v1/models HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.2\r\nHost: a\r\n\r\n", 400),
        (b"GET  /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /v1/mo\tdels HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * LINE_BYTES), 414),
        (b"G" * (LINE_BYTES + 2), 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"a" * HEAD_BYTES), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % (b"X: a\r\n" * MOST_FIELDS), 431),
        (b"DELETE /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ],
)
async def test_refused_by_its_head(data: bytes, status: int) -> None:
    async with plane() as gateway, line_to(gateway.port) as client:
        await client.say(data)
        said = await client.message("GET")
        assert (said.status, said.all("connection")) == (status, ["close"])
        assert json.loads(said.body)["error"]["code"]


async def test_limits_are_reached_before_they_refuse() -> None:
    line = b"POST %b?%b HTTP/1.1" % (CHAT, b"q" * (LINE_BYTES - len(CHAT) - 15))
    assert len(line) == LINE_BYTES
    body = b'{"model":"m","x":"%b"}' % (b"y" * (BOUNDS.body_bytes - 20))
    many = b"".join(b"X-%d: a\r\n" % number for number in range(MOST_FIELDS - 3))
    rows = b"%b\r\nHost: a\r\n%bContent-Length: %d\r\n" % (line, many, len(body))
    fill = b"X: %b\r\n\r\n" % (b"a" * (HEAD_BYTES - len(rows) - 7))
    assert len(rows + fill) == HEAD_BYTES
    assert len(body) == BOUNDS.body_bytes
    async with played(answers(whole())) as engine, plane(target(engine.port)) as gateway:
        async with line_to(gateway.port) as client:
            await client.say(rows + fill + body)
            assert (await client.message()).body == JSON
            assert b"q" * 100 in engine.lines[0].raw


@pytest.mark.parametrize("path", [CHAT, b"/v1/messages", b"/v1/nothing"])
async def test_head_gets_no_body_even_with_a_refusal(path: bytes) -> None:
    """To HEAD nobody may send a body; here each of these is refused by somebody."""
    async with plane() as gateway, line_to(gateway.port) as client:
        await client.say(b"HEAD %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
        said = await client.message("HEAD")
        assert said.status in {405, 503}
        client.writer.write_eof()
        await client.rest()
        assert client.raw.endswith(b"\r\n\r\n")
        assert client.raw.count(b"\r\n\r\n") == 1


async def test_what_is_said_of_the_way_is_not_believed(tmp_path: Path) -> None:
    """Nobody but the worker tells the control process where a request comes from."""
    there = str(tmp_path / SOCKET)
    false = (
        b"X-Forwarded-For: 10.88.0.9", b"x-forwarded-for: 10.88.0.8", b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil.example.org", b"Forwarded: for=10.88.0.9", b"X-Real-IP: 10.88.0.9",
        b"Connection: x-forwarded-for, x-hop", b"X-Hop: 1", b"TE: trailers", b"Upgrade: h2c",
        b"Keep-Alive: 9", b"Proxy-Authorization: x", b"X-Twice: 1", b"X-Twice: 2",
    )  # fmt: skip
    async with (
        played(answers(whole())) as engine, played(echo, path=there) as control,
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(page(b"GET", b"/api/x", *false))
        told = (await client.message("GET")).body.decode().splitlines()
        assert told[0] == "GET /api/x"
        rows = set(told[1:-1])
        assert rows == {
            "host: a", "x-twice: 1", "x-twice: 2", "x-forwarded-for: 127.0.0.1",
            "x-forwarded-proto: http",
        }  # fmt: skip
        assert len(control.lines) == 1
        await client.say(request(BODY, *false, b"X-Api-Key: k", b"Accept: a/b", close=False))
        assert (await client.message()).body == JSON
        raw = engine.lines[0].raw.lower()
        rows_sent = set(raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
        assert rows_sent == {
            b"host: 127.0.0.1:%d" % engine.port, b"x-twice: 1", b"x-twice: 2", b"accept: a/b",
            b"content-length: %d" % len(BODY),
        }  # fmt: skip


async def test_an_upload_to_control_goes_on_as_it_comes(tmp_path: Path) -> None:
    """The first half is there before the second is sent; chunks stay chunks."""
    there = str(tmp_path / SOCKET)
    head = page(b"POST", b"/api/x", b"Transfer-Encoding: chunked")
    async with (
        played(echo, path=there) as control,
        plane(control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(head + b"5\r\nfirst\r\n")
        reading = asyncio.gather(client.message())
        await gateway.until(lambda: bool(control.lines) and b"first" in control.lines[0].raw)
        await client.say(b"6;x=y\r\nsecond\r\n0\r\nX-Trailer: 1\r\n\r\n")
        (said,) = await reading
        assert said.body.endswith(b"\nfirstsecond")
        assert b"trailer" not in control.lines[0].raw.lower()


async def test_an_answer_before_the_upload_ends(tmp_path: Path) -> None:
    """The client sees it, the rest of the body is taken and dropped, the connection ends."""
    there = str(tmp_path / SOCKET)

    async def early(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(b"HTTP/1.1 413 Large\r\nContent-Length: 5\r\n\r\nlarge")
        await line.rest()

    async with (
        played(early, path=there),
        plane(control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(page(b"POST", b"/api/x", b"Content-Length: 900000") + b"x" * 100_000)
        said = await client.message()
        assert (said.status, said.body, said.all("connection")) == (413, b"large", ["close"])
        await client.say(b"x" * 800_000)


async def test_a_slow_body_and_a_slow_head() -> None:
    """Bytes that drip do not move the limit of a head, nor that of a whole body."""
    times = Times(look=0.02, head=0.3, body=0.3, linger=0.1)
    async with plane(target(1), times=times) as gateway:
        for data in (b"GET / HTTP/1.1\r\nX: ", HEAD + b"Content-Length: 9000\r\n\r\n"):
            async with line_to(gateway.port) as client:
                await client.say(data)
                reading = asyncio.gather(client.message())
                while not reading.done():
                    client.writer.write(b"x")
                    await asyncio.wait([reading], timeout=0.02)
                (said,) = await reading
                assert said.status == 408
                assert json.loads(said.body)["error"]["code"] == "slow_client"


async def test_a_head_is_timed_from_its_own_turn_on() -> None:
    """The begin of the next request may wait behind an answer for longer than a head may take."""
    go = asyncio.Event()

    async def waits(line: Line) -> None:
        await line.message()
        await go.wait()
        await line.say(whole(b"1"))
        await line.message()
        await line.say(whole(b"2"))
        await line.message()

    times = Times(look=0.01, head=0.25)
    async with played(waits) as engine, plane(target(engine.port), times=times) as gateway:
        async with line_to(gateway.port) as client:
            await client.say(request(close=False) + HEAD[:20])
            await gateway.until(lambda: bool(engine.lines))
            began = gateway.worker.time()
            await gateway.until(lambda: gateway.worker.time() > began + 0.4)
            go.set()
            assert (await client.message()).body == b"1"
            looked = gateway.worker.time()
            await gateway.until(lambda: gateway.worker.time() > looked + 0.05)
            await client.say(request(close=False)[20:])
            assert (await client.message()).body == b"2"


async def test_an_old_client() -> None:
    """HTTP/1.0: no Host is asked for, no chunks are sent, and the connection ends."""
    data = b"POST %b HTTP/1.0\r\nContent-Length: %d\r\n%b\r\n%b"
    for more in (b"", b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n"):
        async with (
            played(answers(STREAM + chunks(SSE, SSE))) as engine,
            plane(target(engine.port)) as gateway, line_to(gateway.port) as client,
        ):  # fmt: skip
            await client.say(data % (CHAT, len(BODY), more, BODY))
            said = await client.message()
            assert (said.early, said.body) == ([], SSE * 2)
            assert said.all("transfer-encoding") == []
            assert said.all("connection") == ["close"]
            assert await client.rest() == b""
