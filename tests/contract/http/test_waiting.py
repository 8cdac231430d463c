"""A stream that waits in the queue is kept alive, and what comes then still follows its head."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from spark_control.gateway.route import Coming
from spark_control.gateway.wire import Bounds
from spark_control.gateway.worker.times import Times
from tests.contract.http.plane import (
    Asked,
    code,
    parsed,
    plane,
    request,
    says,
    state,
    target,
    upstream,
)
from tests.contract.http.test_relay import SSE, STREAM, chunks

ONE = Bounds(body_bytes=1000, in_flight=1, queue=2, wait_s=5.0, share=1.0)
SOON = Times(look=0.01, waiting=0.02)
WAITS = b"b\r\n: waiting\n\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"


def in_turn(first: asyncio.Event, later: bytes) -> Callable[..., Awaitable[None]]:
    """Return an engine that holds its first request until told, and answers `later` then."""
    count = 0

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count == 1:
            await first.wait()
            writer.write(STREAM + chunks(SSE))
        else:
            writer.write(later)
            if not later:
                writer.close()

    return answer


async def waited(go: asyncio.Event, later: bytes) -> bytes:
    """Return what a client gets whose stream waited behind another one."""
    async with (
        upstream(in_turn(go, later)) as engine,
        plane(target(engine), bounds=ONE, times=SOON) as there,
    ):
        _, holder = await there.open()
        holder.write(request())
        await there.until(lambda: len(engine.asked) == 1)
        reader, writer = await there.open()
        writer.write(request())
        said = await asyncio.wait_for(reader.readuntil(WAITS + WAITS), 5)
        go.set()
        return said + await asyncio.wait_for(reader.read(-1), 5)


async def test_it_is_told_and_then_served() -> None:
    status, headers, body = parsed(await waited(asyncio.Event(), STREAM + chunks(SSE, SSE)))
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert headers["transfer-encoding"] == "chunked"
    assert body.replace(WAITS, b"") == chunks(SSE + SSE)


@pytest.mark.parametrize("later", [PLAIN, REFUSED, BROKEN, b""])
async def test_what_cannot_follow_ends_it_with_an_error(later: bytes) -> None:
    status, _, body = parsed(await waited(asyncio.Event(), later))
    assert status == 200
    assert body.replace(WAITS, b"").partition(b"\r\n")[2].startswith(b"event: error\ndata: {")
    assert b"[DONE]" not in body
    assert body.endswith(b"0\r\n\r\n")


async def test_who_waits_too_long_hears_it_in_the_stream() -> None:
    bounds = Bounds(body_bytes=1000, in_flight=1, queue=2, wait_s=0.1, share=1.0)
    go = asyncio.Event()
    async with (
        upstream(in_turn(go, b"")) as engine,
        plane(target(engine), bounds=bounds, times=SOON) as there,
    ):
        _, holder = await there.open()
        holder.write(request())
        await there.until(lambda: len(engine.asked) == 1)
        _, _, body = parsed(await there.raw(request()))
        assert b"waited_too_long" in body
        plain = parsed(await there.raw(request(b'{"model":"m"}')))
        assert plain[0] == 503  # nobody is told ahead who does not stream
        old = request().replace(b"HTTP/1.1", b"HTTP/1.0")
        assert parsed(await there.raw(old))[0] == 503
        go.set()


async def test_nobody_waits_for_an_engine_that_leaves() -> None:
    go = asyncio.Event()
    async with upstream(in_turn(go, b"")) as engine, plane(target(engine), bounds=ONE) as there:
        first = asyncio.gather(there.raw(request()))
        await there.until(lambda: len(engine.asked) == 1)
        second = asyncio.gather(there.raw(request()))
        await there.until(lambda: there.worker.waiting == 1)
        leaving = Coming("big", (f"spark{engine.port}",), "draining", 30.0, leaving=True)
        there.worker.take(state((target(engine),), ONE, coming=leaving, menu={"m": "m"}))
        assert code(*await second) == (503, "model_not_loaded")
        assert there.worker.waiting == 0
        go.set()
        assert parsed(*await first)[0] == 200
    assert len(engine.asked) == 1


async def test_who_waits_goes_to_another_engine_that_has_come() -> None:
    async with (
        upstream(in_turn(asyncio.Event(), b"")) as one,
        upstream(says(PLAIN)) as two,
        plane(target(one), bounds=ONE, aliases={"short": "m"}) as there,
    ):
        _, holder = await there.open()
        holder.write(request())
        await there.until(lambda: len(one.asked) == 1)
        second = asyncio.gather(there.raw(request(b'{"model":"short"}')))
        await there.until(lambda: there.worker.waiting == 1)
        there.worker.take(state((target(two),), ONE, aliases={"short": "m"}))
        assert parsed(*await second)[2] == b"{}"
    assert json.loads(two.asked[0].body) == {"model": "m"}


async def test_the_record_has_the_status_that_went_out() -> None:
    go = asyncio.Event()
    async with (
        upstream(in_turn(go, BROKEN)) as engine,
        plane(target(engine), bounds=ONE, times=SOON) as there,
    ):
        _, holder = await there.open()
        holder.write(request())
        await there.until(lambda: len(engine.asked) == 1)
        reader, writer = await there.open()
        writer.write(request())
        await asyncio.wait_for(reader.readuntil(WAITS), 5)
        go.set()
        await asyncio.wait_for(reader.read(-1), 5)
        await there.until(lambda: len(there.kept.rows) == 2)
        assert (there.kept.rows[1].status, there.kept.rows[1].error) == (200, "engine_error")
