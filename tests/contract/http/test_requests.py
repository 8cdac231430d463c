"""What a client may send, in every way it can be cut, and what is refused before it goes on."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from spark_control.gateway.head import HEAD_BYTES, LINE_BYTES, MOST_FIELDS
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, answers, echo, line_to, page, played, turns
from tests.contract.http.plane import (
    BODY,
    BOUNDS,
    CHAT,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)
from tests.contract.http.test_relay import JSON, SSE, STREAM, chunks, whole

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
SOCKET = "control.sock"


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
    async with (
        played(answers(*[whole()] * 3)) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        for before in (b"", b"\r\n", b"\r\n\r\n\r\n"):
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
    async with (
        played(answers(*[whole()] * 2)) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
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
    async with (
        played(answers(whole())) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
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
    async with (
        played(waits) as engine,
        plane(target(engine.port), times=times) as gateway,
        line_to(gateway.port) as client,
    ):
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


async def test_who_sends_all_before_it_reads_sees_the_refusal() -> None:
    """Most clients do: the rest of the body is taken and dropped, so that no reset eats it."""
    body = b"x" * 30_000_000
    async with plane(target(1)) as gateway, line_to(gateway.port) as client:
        await client.say(request(body, close=False))
        said = await client.message()
        assert (said.status, said.all("connection")) == (413, ["close"])
        assert json.loads(said.body)["error"]["code"] == "too_large"


async def test_nothing_behind_a_last_request_is_looked_at() -> None:
    async with (
        played(answers(whole())) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        await client.say(request() + request())
        said = await client.message()
        assert (said.body, said.all("connection")) == (JSON, ["close"])
        client.writer.write_eof()
        assert await client.rest() == b""
        assert len(gateway.kept.rows) == 1


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_eight_megabytes(*, chunked: bool) -> None:
    """A long prompt goes on whole and unchanged, however it came."""
    body = json.dumps({"model": "m", "prompt": "\u00fc" + "x" * 8_000_000}).encode()
    room = msgspec.structs.replace(BOUNDS, body_bytes=64_000_000)
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine), bounds=room) as there,
    ):
        sent = request(body)
        if chunked:
            head, _, _ = request(b"", b"Transfer-Encoding: chunked").partition(b"Content-Length")
            parts = [body[at : at + 700_001] for at in range(0, len(body), 700_001)]
            sent = head + b"\r\n" + chunks(*parts)
        assert parsed(await there.raw(sent))[0] == 200
        (asked,) = engine.asked
        assert asked.body == body
        assert b"content-length: %d\r\n" % len(body) in asked.head
        await there.until(lambda: bool(there.kept.rows))
        assert there.kept.rows[0].bytes_in == len(body)
