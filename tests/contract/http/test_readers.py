"""Clients that read late, or never, or leave: the engine is held back, and nothing piles up."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spark_control.core.clock import RealClock
from spark_control.gateway.route import Target
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, Server, answers, line_to, played, turns
from tests.contract.http.plane import BODY, plane, request, target
from tests.contract.http.process import Process, worker_process
from tests.contract.http.test_relay import SSE, STREAM, whole

ABORTS = 20


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


async def test_a_reader_that_is_slow_at_the_end() -> None:
    """An answer that is all written but not taken yet is no idle connection."""
    large = b"x" * 16_000_000
    times = Times(look=0.01, keep_alive=0.1)
    async with (
        played(answers(whole(large))) as engine,
        plane(target(engine.port), times=times) as gateway,
        line_to(gateway.port, window=16384) as client,
    ):
        await client.say(request(close=False))
        taken = 0
        while not gateway.kept.rows:  # little by little, until the worker has all of it
            taken += len(await client.reader.read(1 << 16))
            await turns()
        began = gateway.worker.time()
        await gateway.until(lambda: gateway.worker.time() > began + 0.3)
        assert taken < len(large)
        while taken < len(large):
            data = await asyncio.wait_for(client.reader.read(1 << 20), 5)
            assert data, f"the connection ended {len(large) - taken} bytes too early"
            taken += len(data)


async def test_a_reader_that_never_comes_back() -> None:
    """It has a limit too, and then nothing of it is left on either side."""

    async def floods(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        while True:
            await line.say(PART * 1000)

    times = Times(look=0.01, pause=0.3)
    async with (
        played(floods) as engine,
        plane(target(engine.port), times=times) as gateway,
        line_to(gateway.port, window=16384) as client,
    ):
        await client.say(request(close=False))
        await asyncio.wait_for(gone(engine), 10)
        assert gateway.worker.pool.busy() == {}
        assert len(gateway.kept.rows) == 1


async def gone(engine: Server) -> None:
    while not engine.lines:
        await RealClock().sleep(0.01)
    await engine.lines[0].gone.wait()


async def test_events_of_control_wait_for_their_reader(tmp_path: Path) -> None:
    """A page that is asleep holds control back as a stuck app does an engine."""

    async def floods(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        for _ in range(CHUNKS // 1000):
            line.told += 1
            await line.say(PART * 1000)
        await line.say(b"0\r\n\r\n")

    there = str(tmp_path / "control.sock")
    async with (
        played(floods, path=there) as control,
        plane(control=there) as gateway,
        line_to(gateway.port, window=16384) as client,
    ):
        await client.say(b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n")
        seen = -1
        while not control.lines or control.lines[0].told != seen:
            seen = control.lines[0].told if control.lines else -1
            await RealClock().sleep(0.2)
        assert seen < CHUNKS // 2000
        assert len((await client.message("GET")).body) == (len(PART) - 6) * CHUNKS


async def test_a_client_that_asks_and_never_reads(alone: tuple[Process, Server]) -> None:
    """Its answers are not piled up: no more requests of it are taken until it reads."""
    process, _ = alone
    asked = b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n" * 1000
    before = process.resident()
    async with line_to(process.port, window=16384) as client:

        async def asks() -> None:
            for _ in range(100):
                await client.say(asked)

        asking = asyncio.gather(asks())
        held = -1
        while held != process.resident():  # until it has come to a stop
            held = process.resident()
            await asyncio.wait([asking], timeout=0.3)
            await RealClock().sleep(0.2)
        assert held - before < 12_000_000  # their records wait for control, up to 20 000
        for _ in range(3000):
            assert (await client.message("GET")).status == 200
        asking.cancel()
        await asyncio.wait([asking])
