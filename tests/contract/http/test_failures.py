"""What a client sees when something breaks, and that nothing of it stays behind."""

import asyncio
import json

import pytest

from spark_control.core.sockets import bound
from spark_control.gateway.framing import Chunked
from spark_control.gateway.route import Target
from spark_control.gateway.wire import Bounds
from spark_control.gateway.worker.times import Times
from tests.contract.http.plane import (
    BODY,
    Asked,
    code,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)
from tests.contract.http.test_relay import JSON, SSE, STREAM, chunks, held, whole


async def silent(asked: Asked, _: asyncio.StreamWriter) -> None:
    await asked.reader.read()


async def hangs_up(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.close()


def shut() -> int:
    """Return a port that nobody listens on."""
    with bound("127.0.0.1", 0, shared=False) as sock:
        return int(sock.getsockname()[1])


async def test_a_refusal_of_the_engine_passes() -> None:
    said = b"HTTP/1.1 422 No\r\nContent-Length: 4\r\n\r\nmine"
    async with upstream(says(said)) as engine, plane(target(engine)) as there:
        assert parsed(await there.raw(request()))[::2] == (422, b"mine")


async def test_an_address_that_is_none() -> None:
    """It must not take the others down with it."""
    bad = Target(name="bad", base_url="http://b:99999", served=("bad",))
    async with upstream(says(whole())) as engine, plane(bad, target(engine)) as there:
        answer = await there.raw(request(b'{"model":"bad"}'))
        assert code(answer) == (502, "engine_unreachable")
        assert parsed(await there.raw(request()))[2] == JSON


async def test_nobody_there() -> None:
    async with plane(target(shut())) as there:
        assert code(await there.raw(request())) == (502, "engine_unreachable")


async def test_it_hangs_up_on_a_new_connection() -> None:
    async with upstream(hangs_up) as engine, plane(target(engine)) as there:
        assert code(await there.raw(request())) == (502, "engine_error")


async def test_a_stream_that_breaks_anywhere() -> None:
    """At each byte: an error as the answer, or as its last event, or the whole of it."""
    data = STREAM + chunks(SSE, b"data: [DONE]\n\n")
    parts = [says(data[:at], close=True) for at in range(len(data) + 1)]
    async with upstream(*parts) as engine, plane(target(engine)) as there:
        for at in range(len(data) + 1):
            status, _, body = parsed(await there.raw(request()))
            if at < len(STREAM):
                assert status == 502, at
            elif at < len(data):
                assert status == 200, at
                assert b"event: error\ndata: {" in body, at
                assert body.endswith(b"0\r\n\r\n"), at
            else:
                assert Chunked().feed(body) == SSE + b"data: [DONE]\n\n"
        assert there.worker.pool.busy() == {}


async def test_a_plain_answer_that_breaks_ends_early() -> None:
    async with upstream(says(whole()[:-5], close=True)) as engine, plane(target(engine)) as there:
        status, headers, body = parsed(await there.raw(request()))
    assert status == 200
    assert len(body) < int(headers["content-length"])
    assert there.kept.rows[0].error == "engine_error"


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none(said: bytes) -> None:
    async with upstream(says(said)) as engine, plane(target(engine)) as there:
        assert code(await there.raw(request())) == (502, "answer_malformed")


async def test_bad_chunks_in_the_middle() -> None:
    async with upstream(says(STREAM, b"zz\r\n")) as engine, plane(target(engine)) as there:
        assert b"event: error" in await there.raw(request())


async def test_a_slow_engine() -> None:
    times = Times(look=0.02, stream_head=0.1, pause=0.1)
    slow = upstream(silent, says(STREAM, b"1\r\nx\r\n"))
    async with slow as engine, plane(target(engine), times=times) as there:
        assert code(await there.raw(request())) == (504, "engine_slow")
        assert b'"engine_slow"' in await there.raw(request())
    assert there.worker.pool.busy() == {}


@pytest.mark.parametrize(
    ("body", "times"),
    [
        (BODY, Times(look=0.02, stream_head=0.1)),
        (b'{"model":"m"}', Times(look=0.02, first_byte=0.1)),
    ],
)
async def test_a_stream_has_its_own_time_to_begin(body: bytes, times: Times) -> None:
    async with upstream(silent) as engine, plane(target(engine), times=times) as there:
        assert code(await there.raw(request(body))) == (504, "engine_slow")
        assert there.kept.rows[0].status == 504


async def test_a_client_that_leaves_ends_the_request() -> None:
    async with upstream(silent) as engine, plane(target(engine)) as there:
        _, writer = await there.open()
        writer.write(request())
        await there.until(lambda: bool(engine.asked))
        writer.close()
        await there.until(lambda: bool(there.kept.rows))
    assert there.kept.rows[0].status == 499


async def test_a_client_that_leaves_in_mid_upload() -> None:
    async with plane(target(1)) as there:
        _, writer = await there.open()
        writer.write(request()[:-5])
        await writer.drain()
        writer.close()
        await there.until(lambda: there.worker.connections == 0)
    assert [(row.status, row.model) for row in there.kept.rows] == [(499, None)]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (request(b"{}", b"Transfer-Encoding: chunked"), 400),
        (request(b"{}", b"Content-Length: 2"), 400),
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 9000), 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b" % (b"a" * 70_000), 431),
        (b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", 413),
        (b"GET /v1/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        (request(b"{}").replace(b"Host: a", b"Host: evil.example.org"), 403),
        (
            b"POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
        ),
        (request(b"{"), 400),
        (request(b'{"model":"\xff"}'), 400),
    ],
)
async def test_refused(data: bytes, status: int) -> None:
    async with plane() as there:
        answer = await there.raw(data)
    assert parsed(answer)[0] == status
    assert parsed(answer)[1]["connection"] == "close"
    assert json.loads(parsed(answer)[2])["error"]


async def test_a_body_in_chunks_has_a_limit_too() -> None:
    head = b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with plane() as there:
        reader, writer = await there.open()
        writer.write(head + (b"10000\r\n%b\r\n" % (b"x" * 65536)) * 20)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert code(answer) == (413, "too_large")


async def test_slow_clients() -> None:
    times = Times(look=0.02, head=0.1, body_pause=0.1, keep_alive=0.2, linger=0.1)
    async with plane(times=times) as there:
        assert parsed(await there.raw(b"GET / HT"))[0] == 408
        assert code(await there.raw(request()[:-5])) == (408, "slow_client")
        assert await there.raw(b"") == b""


async def test_no_control_process() -> None:
    async with upstream(says(whole())) as engine, plane(target(engine)) as there:
        answer = await there.raw(
            b"GET /api/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        assert code(answer) == (503, "control_away")
        assert parsed(answer)[1]["retry-after"] == "2"
        assert parsed(await there.raw(request()))[2] == JSON


async def test_names_that_nobody_serves() -> None:
    async with plane(menu={"big": "big"}) as there:
        assert code(await there.raw(request(b'{"model":"x"}'))) == (404, "model_not_found")
        assert code(await there.raw(request(b'{"model":"big"}'))) == (503, "model_not_loaded")
        assert code(await there.raw(request(b"{}"))) == (503, "nothing_loaded")
        embed = request(b"{}", path=b"/v1/embeddings")
        assert code(await there.raw(embed)) == (503, "service_missing")
    assert there.kept.syncs == 4
    assert [row.error for row in there.kept.rows] == [
        "model_not_found", "model_not_loaded", "nothing_loaded", "service_missing",
    ]  # fmt: skip


async def test_nothing_goes_to_a_server_that_is_marked_for_redaction() -> None:
    async with upstream(says(whole())) as engine:
        async with plane(target(engine, outside=True, redact=True)) as there:
            assert code(await there.raw(request())) == (503, "redaction_missing")
        assert engine.asked == []


async def test_a_busy_engine_makes_others_wait() -> None:
    go = asyncio.Event()

    async def waits(_: Asked, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(whole())

    bounds = Bounds(body_bytes=1000, in_flight=1, queue=1, wait_s=5.0, share=1.0)
    async with upstream(waits) as engine, plane(target(engine), bounds=bounds) as there:
        first = asyncio.gather(there.raw(request()))
        await there.until(lambda: len(engine.asked) == 1)
        second = asyncio.gather(there.raw(request()))
        await there.until(lambda: there.worker.waiting == 1)
        refused = await there.raw(request())
        assert code(refused) == (503, "queue_full")
        assert "retry-after" in parsed(refused)[1]
        go.set()
        for answer in (*await first, *await second):
            assert parsed(answer)[2] == JSON
    assert there.worker.waiting == 0


async def test_who_waits_too_long_or_leaves() -> None:
    bounds = Bounds(body_bytes=1000, in_flight=1, queue=2, wait_s=0.1, share=1.0)
    async with upstream(silent) as engine, plane(target(engine), bounds=bounds) as there:
        _, holder = await there.open()
        holder.write(request())
        await there.until(lambda: len(engine.asked) == 1)
        _, leaver = await there.open()
        leaver.write(request())
        await there.until(lambda: there.worker.waiting == 1)
        leaver.close()
        await there.until(lambda: there.worker.waiting == 0)
        assert code(await there.raw(request())) == (503, "waited_too_long")
        holder.close()
        await there.until(lambda: there.worker.pool.busy() == {})


async def test_draining_lets_a_stream_finish() -> None:
    go = asyncio.Event()
    async with upstream(held(go)) as engine, plane(target(engine)) as there:
        idle_reader, idle = await there.open()
        reader, writer = await there.open()
        writer.write(request(BODY, close=False))
        await reader.readuntil(b"\r\n\r\n")
        ended = asyncio.gather(there.worker.drain(timeout_s=10))
        assert await asyncio.wait_for(idle_reader.read(), 5) == b""
        with pytest.raises(ConnectionRefusedError):
            await there.open()
        go.set()
        assert await asyncio.wait_for(reader.read(), 5) == chunks(SSE)
        await asyncio.wait_for(ended, 5)
        idle.close()
        writer.close()
