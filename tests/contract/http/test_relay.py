"""What goes through comes out as it was, whatever the framing on either side."""

import asyncio

import pytest

from spark_control.access.shown import SECURITY
from spark_control.core.clock import RealClock
from tests.contract.http.plane import (
    BODY,
    CHAT,
    Answer,
    Asked,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)

JSON = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
SSE = b'data: {"a":"\xc3\xa9"}\n\n'
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def whole(body: bytes = JSON, more: bytes = b"") -> bytes:
    more += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (more, body)


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def held(go: asyncio.Event) -> Answer:
    """Answer with a stream whose events come after `go`."""

    async def streams(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        await go.wait()
        writer.write(chunks(SSE))

    return streams


async def test_a_plain_answer() -> None:
    async with upstream(says(whole(more=b"X-Engine: 1\r\nServer: e\r\n"))) as engine:
        async with plane(target(engine)) as there:
            asked = request(BODY, b"X-App: 1", b"Authorization: Bearer x", b"Cookie: c=1")
            status, headers, body = parsed(await there.raw(asked))
        assert (status, body) == (200, JSON)
        assert (headers["x-engine"], headers["connection"]) == ("1", "close")
        assert "server" not in headers
        assert {name: headers[name.lower()] for name in SECURITY} == SECURITY
        assert headers["date"].endswith(" GMT")
        assert engine.asked[0].body == BODY
        sent = engine.asked[0].head.lower()
        assert b"x-app: 1" in sent
        assert b"authorization" not in sent
        assert b"cookie" not in sent
    row = there.kept.rows[0]
    assert (row.status, row.model, row.tokens_in, row.tokens_out) == (200, "m", 3, 4)
    assert (row.bytes_in, row.bytes_out) == (len(BODY), len(JSON))


async def test_a_stream_chunk_by_chunk() -> None:
    parts = [b"%x\r\n%b\r\n" % (len(SSE), SSE)] * 3
    async with (
        upstream(says(STREAM, *parts, b"0\r\n\r\n")) as engine,
        plane(target(engine)) as there,
    ):
        status, headers, body = parsed(await there.raw(request()))
    assert (status, headers["transfer-encoding"]) == (200, "chunked")
    assert body == b"".join(parts) + b"0\r\n\r\n"


async def test_pieces_that_are_no_chunks() -> None:
    data = STREAM + chunks(SSE, SSE)
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    async with upstream(says(*pieces)) as engine, plane(target(engine)) as there:
        async with asyncio.timeout(10):
            reader, writer = await there.open()
            writer.write(request())
            await reader.readuntil(b"\r\n\r\n")
            found = b""
            while size := int(await reader.readline(), 16):
                found += await reader.readexactly(size)
                await reader.readexactly(2)
            writer.close()
    assert found == SSE * 2


@pytest.mark.parametrize("minor", [0, 1])
async def test_a_body_that_ends_with_the_connection(minor: int) -> None:
    said = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"
    async with upstream(says(said, close=True)) as engine, plane(target(engine)) as there:
        asked = request().replace(b"HTTP/1.1", b"HTTP/1.%d" % minor)
        _, headers, body = parsed(await there.raw(asked))
    assert body == (b"5\r\nhello\r\n0\r\n\r\n" if minor else b"hello")
    assert ("transfer-encoding" in headers) is bool(minor)


async def test_an_old_client_gets_no_chunks() -> None:
    async with upstream(says(STREAM, chunks(SSE))) as engine, plane(target(engine)) as there:
        body = b"POST %b HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (CHAT, len(BODY), BODY)
        assert parsed(await there.raw(body))[2] == SSE


async def test_what_comes_before_and_after_is_dropped() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    late = b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
    said = early + STREAM + late
    async with upstream(says(said)) as engine, plane(target(engine)) as there:
        answer = await there.raw(request())
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"2\r\nok\r\n0\r\n\r\n")
    assert b"X-Trailer" not in answer


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int) -> None:
    said = b"HTTP/1.1 %d No\r\nContent-Length: 5\r\n\r\n" % status
    async with upstream(says(said)) as engine, plane(target(engine)) as there:
        answers = await there.raw(request(close=False) + request())
        assert engine.connections == 1
    assert answers.count(b"HTTP/1.1 %d" % status) == 2


async def test_pipelined_and_kept() -> None:
    async with upstream(says(whole(b"1")), says(STREAM, chunks(SSE)), says(whole(b"3"))) as engine:
        async with plane(target(engine)) as there:
            asked = request(close=False) * 2 + b"\r\n" + request()
            answers = await there.raw(asked)
        assert engine.connections == 1
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.index(b"\r\n\r\n1") < answers.index(SSE) < answers.index(b"\r\n\r\n3")


async def test_a_request_in_chunks_and_in_crumbs() -> None:
    async with upstream(says(whole())) as engine, plane(target(engine)) as there:
        head = b"POST %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" % CHAT
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(BODY[:5], BODY[5:])
        reader, writer = await there.open()
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await writer.drain()
        assert parsed(await asyncio.wait_for(reader.read(), 10))[2] == JSON
        writer.close()
        assert engine.asked[0].body == BODY


async def test_expect() -> None:
    async with upstream(says(whole())) as engine, plane(target(engine)) as there:
        reader, writer = await there.open()
        head, body = request(BODY, b"Expect: 100-continue").split(b"\r\n\r\n", 1)
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert parsed(await reader.read())[2] == JSON
        writer.close()


async def test_a_large_body_both_ways() -> None:
    large = b'{"model":"m","x":"' + b"y" * 900_000 + b'"}'
    async with upstream(says(whole(large))) as engine, plane(target(engine)) as there:
        assert parsed(await there.raw(request(large)))[2] == large
        assert engine.asked[0].body == large


async def test_the_slowest_reader_holds_the_engine_back() -> None:
    sent = 0
    stop = asyncio.Event()

    async def floods(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        part = b"%x\r\n%b\r\n" % (60_000, b"z" * 60_000)
        writer.write(STREAM)
        for _n in range(2000):
            writer.write(part)
            await writer.drain()
            sent += 1
        stop.set()

    async with upstream(floods) as engine, plane(target(engine)) as there:
        reader, writer = await there.open()
        writer.write(request())
        await reader.readuntil(b"\r\n\r\n")
        before = -1
        while sent != before:  # until it has come to a stop
            before = sent
            await RealClock().sleep(0.3)
        assert sent < 1500
        assert not stop.is_set()
        while not stop.is_set():
            await reader.read(1 << 20)
        writer.close()


async def test_an_alias_is_written_into_the_body_and_nothing_else() -> None:
    body = b'{"stream":false, "model":"gpt","n":1.50,"x":[1, 2]}'
    async with upstream(says(whole())) as engine:
        async with plane(target(engine), aliases={"gpt": "m"}) as there:
            await there.raw(request(body))
        assert engine.asked[0].body == b'{"stream":false,"model":"m","n":1.50,"x":[1, 2]}'


async def test_an_outside_server_gets_its_key() -> None:
    async with upstream(says(whole())) as engine:
        async with plane(target(engine, outside=True, token="k", owner="far")) as there:
            assert parsed(await there.raw(request()))[0] == 200
            listed = await there.raw(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert b"authorization: Bearer k\r\n" in engine.asked[0].head
    assert b'"owned_by":"far"' in listed
