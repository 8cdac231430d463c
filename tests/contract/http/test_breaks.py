"""Connections that end or stand still at any point: who notices, how soon, and what is left."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import h11
import pytest

from spark_control.core.clock import RealClock
from spark_control.gateway.route import Target
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, Script, Server, answers, line_to, played, turns
from tests.contract.http.plane import BODY, CHAT, code, plane, request, target
from tests.contract.http.process import Process, worker_process
from tests.contract.http.test_relay import JSON, SSE, STREAM, chunks, whole

ABORTS = 20
LOST = b'event: error\ndata: {"error":'


def stops_at(data: bytes, at: int) -> Script:
    async def script(line: Line) -> None:
        await line.message()
        await line.say(data[:at])
        await turns()
        line.reset()

    return script


async def test_a_stream_that_is_reset_at_every_byte() -> None:
    """An error as the answer, or one event at the end; never `[DONE]`, never an event cut off."""
    done = b"data: [DONE]\n\n"
    data = STREAM + chunks(SSE, SSE, done)
    for at in range(len(data)):
        async with (
            played(stops_at(data, at)) as engine, plane(target(engine.port)) as gateway,
            line_to(gateway.port) as client,
        ):  # fmt: skip
            await client.say(request(close=False))
            said = await client.message()
            if said.status != 200:
                assert (said.status, at < len(STREAM)) == (502, True)
                continue
            events = said.body.split(b"\n\n")
            assert events[-1] == b""
            assert events[-2].strip(b"\n").startswith(LOST)
            assert said.body.count(LOST) == 1
            whole_ones = [event for event in events[:-2] if event in {SSE[:-2], done[:-2]}]
            assert len(events) - 2 - len(whole_ones) <= 1
        assert gateway.worker.pool.busy() == {}
        assert [row.error for row in gateway.kept.rows] == ["engine_error"]


async def test_a_plain_answer_that_is_reset_at_every_byte() -> None:
    data = whole()
    for at in range(len(data)):
        async with (
            played(stops_at(data, at)) as engine, plane(target(engine.port)) as gateway,
            line_to(gateway.port) as client,
        ):  # fmt: skip
            await client.say(request(close=False))
            if at < data.index(b"\r\n\r\n") + 4:
                assert (await client.message()).status == 502
            else:
                with pytest.raises((h11.RemoteProtocolError, ConnectionResetError)):
                    await client.message()
        assert gateway.worker.pool.busy() == {}


@pytest.mark.parametrize("by_reset", [True, False])
@pytest.mark.parametrize(
    ("first_byte", "tries", "status"), [(b"", 3, 502), (b"H", 2, 502), (b"HTTP/1.1 200", 2, 502)]
)
async def test_a_stale_connection_is_tried_again_once(
    first_byte: bytes, tries: int, status: int, by_reset: bool  # noqa: FBT001 - a column
) -> None:  # fmt: skip
    """The connection was kept; the second request meets its end. Never after a byte came back."""
    asked = 0

    async def script(line: Line) -> None:
        nonlocal asked
        while True:
            await line.message()
            asked += 1
            if asked > 1:
                break
            await line.say(whole())
        await line.say(first_byte)
        await turns()
        if by_reset:
            line.reset()

    async with (
        played(script) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        assert (await client.message()).body == JSON
        await client.say(request(close=False))
        assert (await client.message()).status == status
        assert asked == tries
        assert len(engine.lines) == tries - 1


async def test_a_stale_connection_costs_the_client_nothing() -> None:
    async def script(line: Line) -> None:
        await line.message()
        await line.say(whole())
        if len(engine.lines) < 4:
            await line.reader.read(1)

    async with (
        played(script) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        for _ in range(4):
            await client.say(request(close=False))
            assert (await client.message()).body == JSON
        assert len(engine.lines) == 4


async def test_a_closed_idle_connection_is_not_used() -> None:
    async with (
        played(once) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        for count in range(1, 4):
            await client.say(request(close=False))
            assert (await client.message()).body == JSON
            assert len(engine.lines) == count


async def once(line: Line) -> None:
    """Answer one request, promise to keep the connection, and close it."""
    await line.message()
    await line.say(whole())


async def test_a_client_that_shuts_its_side_has_left() -> None:
    """A browser's close looks the same from here, and then the engine must stop."""

    async def waits(line: Line) -> None:
        await line.message()
        await line.say(STREAM, b"%x\r\n%b\r\n" % (len(SSE), SSE))
        await line.rest()
        line.gone.set()

    async with (
        played(waits) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        await client.reader.readuntil(SSE)
        client.writer.write_eof()
        await asyncio.wait_for(engine.lines[0].gone.wait(), 5)
        await gateway.until(lambda: bool(gateway.kept.rows))
        assert gateway.kept.rows[0].status == 499


async def test_an_upstream_that_shuts_its_side_has_answered() -> None:
    async def script(line: Line) -> None:
        await line.message()
        await line.say(b"HTTP/1.1 200 OK\r\n\r\nhello")
        line.writer.write_eof()
        await line.rest()

    async with (
        played(script) as engine, plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        assert (await client.message()).body == b"hello"


@pytest.mark.parametrize("when", ["before the head", "in the stream", "in the upload"])
async def test_a_client_that_leaves(tmp_path: Path, when: str) -> None:
    """Its connection is reset; the other side of the worker sees it, and all is given back."""

    async def waits(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        if when == "in the stream":
            await line.say(STREAM, b"%x\r\n%b\r\n" % (len(SSE), SSE))
        await line.rest()
        line.gone.set()

    there = str(tmp_path / "control.sock")
    async with (
        played(waits) as engine, played(waits, path=there) as control,
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        upload = b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234"
        await client.say(upload if when == "in the upload" else request(close=False))
        side = control if when == "in the upload" else engine
        await gateway.until(lambda: bool(side.lines))
        if when == "in the stream":
            await client.reader.readuntil(SSE)
        client.reset()
        await asyncio.wait_for(side.lines[0].gone.wait(), 5)
        await gateway.until(lambda: gateway.worker.connections == 0)
        assert gateway.worker.pool.busy() == {}
        assert gateway.worker.pool.control.busy == 0


async def test_an_upstream_that_does_not_read(tmp_path: Path) -> None:
    """The upload stops at what the kernels and a small buffer hold, and goes on when it reads."""
    go = asyncio.Event()

    async def script(line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined] # it has a socket
        await go.wait()
        line.writer.transport.resume_reading()  # type: ignore[attr-defined]
        asked = await line.message()
        size = b"%d" % len(asked.body)
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(size), size))

    there = str(tmp_path / "control.sock")
    size, sent = 64_000_000, 0
    async with (
        played(script, path=there),
        plane(control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip

        async def uploads() -> None:
            nonlocal sent
            await client.say(
                b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
            )
            while sent < size:
                await client.say(b"x" * 1_000_000)
                sent += 1_000_000

        uploading = asyncio.gather(uploads())
        before = -1
        while sent != before:  # until it has come to a stop
            before = sent
            await asyncio.wait([uploading], timeout=0.3)
        assert sent < size // 2
        go.set()
        await asyncio.wait_for(uploading, 30)
        assert (await client.message()).body == b"%d" % size


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[tuple[Process, Server]]:
    """Give a worker in a process of its own, before an engine that floods or waits."""

    async def script(line: Line) -> None:
        head = await line.reader.readuntil(b"\r\n\r\n")
        line.raw += head
        await line.reader.readexactly(len(BODY))
        if b"flood" in head:
            await say_flood(line)
            return
        await line.say(STREAM, b"%x\r\n%b\r\n" % (len(SSE), SSE))
        await line.rest()
        line.gone.set()

    async with played(script) as engine:
        there = Target(name="spark1", base_url=engine.url, served=("m",))
        async with worker_process(tmp_path, [there]) as process:
            yield process, engine


CHUNKS = 300_000
PART = b"%x\r\n%b\r\n" % (len(SSE) + 180, b":%b\n" % (b"x" * 178) + SSE)


async def say_flood(line: Line) -> None:
    await line.say(STREAM)
    for _ in range(CHUNKS // 100):
        line.told = line.told + 100
        await line.say(PART * 100)
    await line.say(b"0\r\n\r\n")


async def test_a_reader_that_is_stuck(alone: tuple[Process, Server]) -> None:
    """300,000 chunks, 62 MB: the engine is held back, memory stays flat, and all of it comes."""
    process, engine = alone
    async with line_to(process.port, window=16384) as client:
        before = process.resident()
        await client.say(request(BODY, b"X-Flood: flood", close=False))
        async with asyncio.timeout(10):
            while not engine.lines:
                await RealClock().sleep(0.01)
        seen = -1
        while engine.lines[0].told != seen:  # until it has come to a stop
            seen = engine.lines[0].told
            await RealClock().sleep(0.25)
        assert seen < CHUNKS // 2
        assert process.resident() - before < 4_000_000
        assert len((await client.message()).body) == (len(PART) - 6) * CHUNKS
        assert process.resident() - before < 8_000_000


async def test_twenty_clients_that_leave(alone: tuple[Process, Server]) -> None:
    """The engine sees each of them within 50 ms, and nothing of them is left in the worker."""
    process, engine = alone
    files, took = process.files(), []
    for number in range(ABORTS):
        async with line_to(process.port) as client:
            await client.say(request(close=False))
            await client.reader.readuntil(SSE)
            began = time.perf_counter()
            client.reset()
            await asyncio.wait_for(engine.lines[number].gone.wait(), 5)
            took.append(time.perf_counter() - began)
    assert len(took) == ABORTS
    assert sorted(took)[ABORTS // 2] < 0.05, took
    async with asyncio.timeout(10):
        while process.busy or len(process.rows) < ABORTS or process.files() > files:
            await RealClock().sleep(0.05)
    assert {row.status for row in process.rows} == {499}


async def test_a_wait_for_the_first_byte_and_one_in_the_middle() -> None:
    """Each has its own limit, and a stream that goes on is not cut by either."""
    go = asyncio.Event()

    async def drips(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        for _ in range(12):
            await line.say(b"%x\r\n%b\r\n" % (len(SSE), SSE))
            await asyncio.wait([asyncio.ensure_future(go.wait())], timeout=0.05)
        await line.say(b"0\r\n\r\n")

    times = Times(look=0.01, first_byte=0.3, pause=0.3)
    async with (
        played(drips) as engine, plane(target(engine.port), times=times) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        assert (await client.message()).body == SSE * 12


async def test_all_of_it_has_a_limit_too() -> None:
    async def endless(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        while True:
            await line.say(b"%x\r\n%b\r\n" % (len(SSE), SSE))
            await RealClock().sleep(0.01)

    times = Times(look=0.01, total=0.2)
    async with (
        played(endless) as engine, plane(target(engine.port), times=times) as gateway,
        line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(request(close=False))
        said = await client.message()
        assert LOST in said.body
        assert gateway.kept.rows[0].error == "engine_slow"


async def test_a_server_that_takes_no_connection_in_time() -> None:
    """Its queue is full, so that connecting hangs."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        times = Times(look=0.01, connect=0.2)
        async with plane(target(full.getsockname()[1]), times=times) as gateway:
            assert code(await gateway.raw(request())) == (502, "engine_unreachable")
        for sock in waiting:
            sock.close()
