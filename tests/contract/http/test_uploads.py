"""Uploads to speech services: as they come, held back, queued, and sent again from disk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from spark_control.gateway.services import Role, Service
from spark_control.gateway.worker.times import Times
from tests.contract.http.plane import BOUNDS, code, parsed, plane, says, upstream

PATH = b"/v1/audio/transcriptions"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n" + (
    b'{"text": "x"}'
)
LARGE = 48_000_000
LIMITED = msgspec.structs.replace(BOUNDS, upload_bytes=64_000_000, audio_in_flight=1)


def service(port: int, name: str = "parakeet", role: Role = Role.TRANSCRIBE) -> Service:
    return Service(
        name=name, title=f"The service {name}", role=role, base_url=f"http://127.0.0.1:{port}"
    )


def head(size: int, *lines: bytes) -> bytes:
    more = b"".join(line + b"\r\n" for line in lines)
    return b"POST %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n" % (
        PATH, more, size,
    )  # fmt: skip


def upload(body: bytes = b"sound") -> bytes:
    return head(len(body)) + body


def unchunked(data: bytes) -> bytes:
    """Return what is in the chunks; nothing may stand between or behind them."""
    found = b""
    while data:
        stated, _, data = data.partition(b"\r\n")
        size = int(stated, 16)
        found, end, data = found + data[:size], data[size : size + 2], data[size + 2 :]
        assert end == b"\r\n"
        if size == 0:
            assert not data
            return found
    raise AssertionError("the last chunk is missing")


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@dataclass
class Slow:
    """A service that reads nothing until it may."""

    port: int = 0
    may: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    read: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def slow(size: int) -> AsyncIterator[Slow]:
    there = Slow()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there.began.set()
        await there.may.wait()
        while there.read < size and (data := await reader.read(1 << 20)):
            there.read += len(data)
        if there.read == size:
            writer.write(OK)
        else:
            there.gone.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        there.may.set()
        server.close()


async def test_a_service_that_takes_nothing_holds_the_client_back() -> None:
    """What is on the way is bounded by buffers, and the limit of a pause is not the client's."""
    times = Times(look=0.02, body_pause=0.1)
    async with slow(LARGE) as there, plane(
        services=(service(there.port),), bounds=LIMITED, times=times
    ) as worker:  # fmt: skip
        reader, writer = await worker.open()
        writer.write(head(LARGE))
        sent = 0
        piece = bytes(1 << 18)
        stuck = False
        while sent < LARGE and not stuck:
            writer.write(piece[: LARGE - sent])
            sent += len(piece[: LARGE - sent])
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                stuck = True
        assert stuck
        there.may.set()
        while sent < LARGE:
            writer.write(piece[: LARGE - sent])
            sent += len(piece[: LARGE - sent])
            await writer.drain()
        status, _, body = parsed(await asyncio.wait_for(reader.read(-1), 20))
        assert (status, body) == (200, b'{"text": "x"}')
        assert worker.kept.rows[0].bytes_in == LARGE


async def test_a_client_that_leaves_ends_the_upload() -> None:
    async with slow(100) as there, plane(services=(service(there.port),)) as worker:
        _, writer = await worker.open()
        writer.write(head(100) + b"half")
        await asyncio.wait_for(there.began.wait(), 10)
        there.may.set()
        writer.close()
        await asyncio.wait_for(there.gone.wait(), 10)
        await worker.until(lambda: bool(worker.kept.rows))
        assert worker.kept.rows[0].status == 499


async def test_uploads_wait_their_turn() -> None:
    async with (
        slow(5) as there,
        plane(services=(service(there.port),), bounds=LIMITED) as worker,
        asyncio.TaskGroup() as clients,
    ):
        first = clients.create_task(worker.raw(upload()))
        await asyncio.wait_for(there.began.wait(), 10)
        second = clients.create_task(worker.raw(upload()))
        await worker.until(lambda: worker.worker.waiting == 1)
        there.may.set()
        assert parsed(await first)[0] == 200
        there.read = 0
        assert parsed(await second)[0] == 200
        assert max(row.queue_ms for row in worker.kept.rows) > 0


async def test_a_full_queue_refuses() -> None:
    bounds = msgspec.structs.replace(LIMITED, queue=0)
    async with (
        slow(5) as there,
        plane(services=(service(there.port),), bounds=bounds) as worker,
        asyncio.TaskGroup() as clients,
    ):
        first = clients.create_task(worker.raw(upload()))
        await asyncio.wait_for(there.began.wait(), 10)
        assert code(await worker.raw(upload())) == (503, "queue_full")
        there.may.set()
        assert parsed(await first)[0] == 200


async def test_chunks_stay_chunks_and_bytes_stay_bytes() -> None:
    body = b"--b\r\nwhatever\r\n--b--\r\n"
    chunked = b"POST %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/" \
        b"form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH  # fmt: skip
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not seen.endswith(b"0\r\n\r\n"):
            seen.extend(await reader.read(1 << 16))
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, plane(services=(service(port),)) as worker:
        reader, writer = await worker.open()
        writer.write(chunked)
        for byte in body:
            writer.write(b"1\r\n%c\r\n" % byte)
        writer.write(b"0\r\n\r\n")
        assert parsed(await asyncio.wait_for(reader.read(-1), 10))[0] == 200
    sent_head, _, rest = bytes(seen).partition(b"\r\n\r\n")
    assert b"content-type: multipart/form-data; boundary=b" in sent_head
    assert sent_head.endswith(b"\r\ntransfer-encoding: chunked")
    assert b"content-length" not in sent_head
    assert unchunked(rest) == body


async def test_the_same_bytes_reach_the_second_service(tmp_path: Path) -> None:
    body = bytes(range(256)) * 8000
    broken = says(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
    async with (
        upstream(broken) as first, upstream(says(OK)) as second,
        plane(services=(service(first.port, "a"), service(second.port, "b"))) as worker,
    ):  # fmt: skip
        worker.worker.shelf.folder = str(tmp_path)
        status, _, _ = parsed(await worker.raw(upload(body)))
        row = worker.kept.rows[0]
    assert (status, row.target, row.bytes_in) == (200, "b", len(body))
    assert first.asked[0].body == second.asked[0].body == body
    assert not files(tmp_path)


async def test_all_of_them_refuse() -> None:
    busy = says(b"HTTP/1.1 429 No\r\ncontent-length: 2\r\n\r\nno")
    async with upstream(busy) as first, upstream(busy) as second, plane(
        services=(service(first.port, "a"), service(second.port, "b"))
    ) as worker:  # fmt: skip
        assert parsed(await worker.raw(upload()))[::2] == (429, b"no")
    assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_nobody_can_keep_it(tmp_path: Path) -> None:
    async with upstream(says(OK)) as there, plane(
        services=(service(there.port, "a"), service(there.port + 1, "b"))
    ) as worker:  # fmt: skip
        worker.worker.shelf.folder = str(tmp_path / "none")
        assert code(await worker.raw(upload()))[0] == 507


async def test_a_service_that_hangs_up() -> None:
    async with (
        upstream(says(b"", close=True)) as there,
        plane(services=(service(there.port),)) as worker,
    ):
        assert code(await worker.raw(upload())) == (502, "service_error")


async def test_a_service_that_says_nothing() -> None:
    times = replace(Times(look=0.02), first_byte=0.1)
    async with slow(6) as there, plane(services=(service(there.port),), times=times) as worker:
        assert code(await worker.raw(upload())) == (504, "service_slow")


async def test_get_is_not_taken() -> None:
    async with plane() as worker:
        asked = b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % PATH
        assert code(await worker.raw(asked)) == (405, "method_wrong")


async def test_one_connection_takes_upload_after_upload() -> None:
    """Also when the next one is sent ahead."""
    one = upload().replace(b"Connection: close\r\n", b"")
    async with upstream(says(OK)) as there, plane(services=(service(there.port),)) as worker:
        found = await worker.raw(one + one + upload())
    assert found.count(b"HTTP/1.1 200") == found.count(b'{"text": "x"}') == 3
    assert [asked.body for asked in there.asked] == [b"sound"] * 3
    assert there.connections == 3
