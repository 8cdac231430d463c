"""What is kept of large bodies and of uploads is bounded over all clients, and given back."""

import asyncio
import io
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import IO

import msgspec
import pytest
from typing_extensions import Buffer, override

from tests.contract.http.plane import (
    BOUNDS,
    CHAT,
    Plane,
    code,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)
from tests.contract.http.test_uploads import OK, PATH, head, service, upload

LARGE = msgspec.structs.replace(BOUNDS, body_bytes=4_000_000)
BODY = b'{"model":"m","x":"%b"}' % (b"x" * 2_500_000)
SMALL = b'{"model":"m","x":"%b"}' % (b"x" * 500_000)
MB = 1 << 20


def two(first: int, second: int) -> AbstractAsyncContextManager[Plane]:
    """Run a worker whose uploads may have to be sent again."""
    return plane(services=(service(first, "a"), service(second, "b")))


def retry(data: bytes) -> str:
    return parsed(data)[1]["retry-after"]


def used(there: Plane) -> int:
    return there.worker.room.used


def on_disk(there: Plane) -> int:
    return there.worker.shelf.room.used


class Gated(io.FileIO):
    """A file on a disk that stands still until it may go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.may = threading.Event()
        self.began = threading.Event()

    @override
    def write(self, data: Buffer, /) -> int:
        self.began.set()
        assert self.may.wait(20)
        return super().write(data) or 0


class Broken(io.FileIO):
    """A file that cannot be read any more."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


async def test_large_bodies_together_are_bounded() -> None:
    async with upstream(says(OK)) as there, plane(target(there), bounds=LARGE) as worker:
        worker.worker.room.limit = 7 * MB
        slow = [await worker.open() for _ in range(2)]
        for _, writer in slow:
            writer.write(request(BODY)[:-1000])
        await worker.until(lambda: used(worker) == 6 * MB)
        refused = await worker.raw(request(BODY))
        assert (code(refused), retry(refused)) == ((503, "bodies_full"), "5")
        refused = await worker.raw(request(BODY, path=b"/v1/messages"))
        assert (parsed(refused)[0], retry(refused)) == (503, "5")
        assert b'"overloaded_error"' in refused
        assert parsed(await worker.raw(request(SMALL)))[0] == 200
        slow[0][1].close()
        await worker.until(lambda: used(worker) == 3 * MB)
        slow[1][1].write(BODY[-1000:])
        assert parsed(await asyncio.wait_for(slow[1][0].read(-1), 10))[0] == 200
        assert parsed(await worker.raw(request(BODY)))[0] == 200
        assert used(worker) == 0
    assert max(len(asked.body) for asked in there.asked) == len(BODY)


async def test_a_body_of_no_stated_length_is_refused_when_the_room_ends() -> None:
    chunk = b"%x\r\n%b\r\n" % (MB, bytes(MB))
    asked = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % CHAT
    async with plane(bounds=LARGE) as worker:
        worker.worker.room.limit = 2 * MB
        assert code(await worker.raw(asked + chunk * 3)) == (503, "bodies_full")
        assert used(worker) == 0


async def test_a_body_is_counted_until_its_answer_ends() -> None:
    may = asyncio.Event()

    async def answer(_: object, writer: asyncio.StreamWriter) -> None:
        await may.wait()
        writer.write(OK)

    async with upstream(answer) as there, plane(target(there), bounds=LARGE) as worker:
        reader, writer = await worker.open()
        writer.write(request(BODY, close=False))
        await worker.until(lambda: bool(there.asked))
        assert used(worker) == 3 * MB
        may.set()
        await asyncio.wait_for(reader.readuntil(b'{"text": "x"}'), 10)
        assert used(worker) == 0


async def test_a_larger_limit_of_one_body_makes_room_for_two() -> None:
    bounds = msgspec.structs.replace(BOUNDS, body_bytes=2_000_000_000, upload_bytes=3_000_000_000)
    async with plane(bounds=bounds) as worker:
        assert worker.worker.room.limit == 4_000_000_000
        assert worker.worker.shelf.room.limit == 12_000_000_000


async def test_uploads_on_disk_together_are_bounded(tmp_path: Path) -> None:
    async with upstream(says(OK)) as there, two(there.port, there.port) as worker:
        shelf = worker.worker.shelf
        shelf.folder, shelf.room.limit = str(tmp_path), 1_000_000
        _, slow = await worker.open()
        slow.write(head(900_000) + bytes(600_000))
        await worker.until(lambda: on_disk(worker) == 600_000)
        refused = await worker.raw(upload(bytes(500_000)))
        assert (code(refused), retry(refused)) == ((503, "uploads_full"), "10")
        assert parsed(await worker.raw(upload(bytes(400_000))))[0] == 200
        slow.close()
        await worker.until(lambda: on_disk(worker) == 0)
        assert parsed(await worker.raw(upload(bytes(500_000))))[0] == 200
        await worker.until(lambda: on_disk(worker) == 0)
        rows = sorted(row.status for row in worker.kept.rows)
        assert rows == [200, 200, 499, 503]


async def test_an_upload_of_no_stated_length_is_refused_when_the_room_ends() -> None:
    chunk = b"%x\r\n%b\r\n" % (MB, bytes(MB))
    asked = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH
    async with upstream(says(OK)) as there, two(there.port, there.port) as worker:
        worker.worker.shelf.room.limit = 2 * MB
        assert code(await worker.raw(asked + chunk * 3)) == (503, "uploads_full")
        await worker.until(lambda: on_disk(worker) == 0)
    assert not there.asked


async def test_uploads_leave_some_of_the_disk_free(tmp_path: Path) -> None:
    async with upstream(says(OK)) as there, two(there.port, there.port) as worker:
        worker.worker.shelf.folder, worker.worker.shelf.left_free = str(tmp_path), 1 << 62
        refused = await worker.raw(upload())
        assert (code(refused), retry(refused)) == ((507, "disk_short"), "60")
        await worker.until(lambda: on_disk(worker) == 0)
    assert not there.asked


async def test_a_slow_disk_holds_up_its_own_upload_alone(tmp_path: Path) -> None:
    size = 48_000_000
    file = Gated(tmp_path / "slow")
    async with (
        upstream(says(OK)) as there, two(there.port, there.port + 1) as worker,
        asyncio.TaskGroup() as clients,
    ):  # fmt: skip
        worker.worker.shelf.opens = lambda _: file
        reader, writer = await worker.open()
        writer.write(head(size) + bytes(size))
        sent = clients.create_task(writer.drain())
        await worker.until(file.began.is_set)
        for _ in range(20):  # answered though the disk stands still
            listed = b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            assert parsed(await worker.raw(listed))[0] == 200
        assert not sent.done()
        assert on_disk(worker) < MB
        file.may.set()
        assert parsed(await asyncio.wait_for(reader.read(-1), 20))[0] == 200
        await worker.until(lambda: on_disk(worker) == 0)
    assert file.closed
    assert there.asked[0].body == bytes(size)


async def test_a_client_that_leaves_while_the_disk_is_slow(tmp_path: Path) -> None:
    file = Gated(tmp_path / "slow")
    async with two(1, 2) as worker:
        worker.worker.shelf.opens = lambda _: file
        _, writer = await worker.open()
        writer.write(head(1_000_000) + bytes(50_000))
        await worker.until(file.began.is_set)
        writer.close()
        await worker.until(lambda: bool(worker.kept.rows))
        assert on_disk(worker) > 0
        file.may.set()
        await worker.until(lambda: on_disk(worker) == 0)
        assert worker.kept.rows[0].status == 499
    assert file.closed


@pytest.mark.parametrize("ends", ["service", "disk"])
async def test_what_fails_gives_the_room_back(tmp_path: Path, ends: str) -> None:
    def opens(_: str | None) -> IO[bytes]:
        kind = Broken if ends == "disk" else io.FileIO
        return kind(tmp_path / "file", "w+")

    expected = {"service": (502, "service_error"), "disk": (507, "storage_trouble")}[ends]
    async with upstream(says(b"", close=True)) as there, two(there.port, there.port) as worker:
        worker.worker.shelf.opens = opens
        assert code(await worker.raw(upload())) == expected
        await worker.until(lambda: on_disk(worker) == 0)


async def test_a_worker_that_ends_lets_an_upload_finish(tmp_path: Path) -> None:
    async with upstream(says(OK)) as there, two(there.port, there.port) as worker:
        worker.worker.shelf.folder = str(tmp_path)
        reader, writer = await worker.open()
        writer.write(head(1_000_000) + bytes(600_000))
        await worker.until(lambda: on_disk(worker) == 600_000)
        async with asyncio.TaskGroup() as tasks:
            _ = tasks.create_task(worker.worker.drain(timeout_s=10))
            await worker.until(lambda: worker.worker.leaving)
            writer.write(bytes(400_000))
            assert parsed(await asyncio.wait_for(reader.read(-1), 10))[0] == 200
        await worker.until(lambda: on_disk(worker) == 0)


async def test_a_worker_that_is_closed_drops_what_is_under_way(tmp_path: Path) -> None:
    async with two(1, 2) as worker:
        worker.worker.shelf.folder = str(tmp_path)
        _, writer = await worker.open()
        writer.write(head(1_000_000) + bytes(600_000))
        await worker.until(lambda: on_disk(worker) > 0)
        await worker.worker.close()
        await worker.until(lambda: on_disk(worker) == 0)
