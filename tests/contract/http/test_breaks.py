"""Connections that end or stand still at any point: who notices, how soon, and what is left."""

import socket

import h11
import pytest

from spark_control.core.clock import RealClock
from spark_control.gateway.worker.times import Times
from tests.contract.http.peer import Line, Script, line_to, played, turns
from tests.contract.http.plane import code, plane, request, target
from tests.contract.http.test_relay import JSON, SSE, STREAM, chunks, whole

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


async def test_no_last_words_in_a_stream_of_a_stated_length() -> None:
    """They would be taken for the rest of the answer, and what is too much for the next one."""
    data = whole(SSE * 40).replace(b"application/json", b"text/event-stream")
    async with (
        played(stops_at(data, len(data) - len(SSE) * 20)) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        await client.say(request(close=False))
        with pytest.raises(h11.RemoteProtocolError):
            await client.message()
        assert LOST not in client.raw
        assert gateway.kept.rows[0].error == "engine_error"


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


async def test_a_wait_for_the_first_byte_and_one_in_the_middle() -> None:
    """Each has its own limit, and a stream that goes on is not cut by either."""

    async def drips(line: Line) -> None:
        await line.message()
        await line.say(STREAM)
        for _ in range(12):
            await line.say(b"%x\r\n%b\r\n" % (len(SSE), SSE))
            await RealClock().sleep(0.05)
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
            sock.settimeout(0)
            sock.connect_ex(full.getsockname())
        times = Times(look=0.01, connect=0.2)
        async with plane(target(full.getsockname()[1]), times=times) as gateway:
            assert code(await gateway.raw(request())) == (502, "engine_unreachable")
        for sock in waiting:
            sock.close()


async def test_no_last_words_in_a_stream_that_is_packed() -> None:
    """Plain text behind what gzip made would only hide the break from who unpacks it."""
    head = STREAM.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    async with (
        played(stops_at(head + b"4\r\n\x1f\x8b\x08\x00\r\n", len(head) + 9)) as engine,
        plane(target(engine.port)) as gateway,
        line_to(gateway.port) as client,
    ):
        await client.say(request(close=False))
        with pytest.raises((h11.RemoteProtocolError, ConnectionResetError)):
            await client.message()
        assert b"error" not in client.raw
