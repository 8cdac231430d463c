"""Every request to `/v1` leaves one record, however it ends, and none of its words."""

import asyncio
from pathlib import Path

import pytest

from spark_control.gateway.services import Role
from spark_control.gateway.worker.times import Times
from spark_control.requests.domain import Record
from tests.contract.http.peer import line_to, page
from tests.contract.http.plane import CHAT, Plane, parsed, plane, request, says, target, upstream
from tests.contract.http.test_control import LOCKED, controlled, get
from tests.contract.http.test_relay import whole
from tests.contract.http.test_uploads import service

WORDS = b"xyzzy words of a person"
IMPATIENT = Times(look=0.01, head=0.05, body_pause=0.05)


def only(there: Plane) -> Record:
    [row] = there.kept.rows
    assert row.client == "127.0.0.1"
    assert "xyzzy" not in repr(row)
    assert 0 <= row.duration_ms < 10_000
    return row


def brief(row: Record) -> tuple[str, int, str | None]:
    return row.path, row.status, row.error


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("path", [b"/v1/models", b"/v1/audio/voices", b"/v1/models/m"])
async def test_a_list_leaves_one(method: bytes, path: bytes) -> None:
    async with plane(target(1, "m")) as there:
        answer = await there.raw(get(method=method, path=path))
        status, headers, body = parsed(answer)
        row = only(there)
        assert brief(row) == (path.decode().removesuffix("/m"), status, None)
        assert status == 200
        assert row.asked == ("m" if path.endswith(b"/m") else None)
        assert row.bytes_out == len(body)
        assert int(headers["content-length"]) >= 2
        assert bool(body) is (method == b"GET")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (get(path=CHAT + b"?q=xyzzy"), (CHAT.decode(), 405, "method_wrong")),
        (get(path=b"/v1/models/xyzz"), ("/v1/models", 404, "model_not_found")),
        (request(b"x" * 1_000_001), (CHAT.decode(), 413, "too_large")),
        (request(b"", b"Content-Type: audio/wav", path=b"/v1/audio/transcriptions"),
         ("/v1/audio/transcriptions", 503, "service_missing")),
        (request(b"{" + WORDS), (CHAT.decode(), 400, "body_unreadable")),
        (request().replace(b"Host: a", b"Host: evil.example.org"),
         (CHAT.decode(), 403, "host_not_allowed")),
        (request().replace(b"Host: a\r\n", b""), ("other", 400, "request_malformed")),
        (get(path=b"/api/x " + WORDS), ("other", 400, "request_malformed")),
        (WORDS + b"\r\n\r\n", ("other", 400, "request_malformed")),
        (get(path=b"/v1/" + b"x" * 9000), ("other", 414, "line_too_long")),
        (get(b"X: " + b"x" * 70_000), ("other", 431, "head_too_large")),
        (request(path=b"/rerank"), ("/rerank", 502, "engine_unreachable")),
    ],
)  # fmt: skip
async def test_what_is_refused_leaves_one(asked: bytes, said: tuple[str, int, str]) -> None:
    async with plane(target(1)) as there:
        status, _, _ = parsed(await there.raw(asked))
        row = only(there)
        assert brief(row) == said
        assert row.status == status


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ((b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n", b"1\r\nx\r\n"), (413, "too_large")),
        ((b"17\r\n" + WORDS + b"\r\n", b"zz\r\n"), (400, "request_malformed")),
    ],
)
async def test_a_body_in_chunks_that_is_refused(
    chunks: tuple[bytes, ...], said: tuple[int, str]
) -> None:
    asked = b"POST /tokenize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with plane(target(1)) as there:
        assert parsed(await there.raw(asked + b"".join(chunks)))[0] == said[0]
        assert brief(only(there)) == ("/tokenize", *said)


@pytest.mark.parametrize(
    ("sent", "path"),
    [(b"POST /v1/chat", "other"), (request(WORDS).replace(b": 23", b": 99"), CHAT.decode())],
)
async def test_who_is_too_slow(sent: bytes, path: str) -> None:
    async with plane(target(1), times=IMPATIENT) as there:
        assert parsed(await there.raw(sent))[0] == 408
        assert brief(only(there)) == (path, 408, "slow_client")


async def test_a_client_that_leaves_while_its_body_comes_in() -> None:
    async with plane(target(1)) as there:
        async with line_to(there.port) as client:
            await client.say(request(WORDS).replace(b": 23", b": 99"))
            await there.until(lambda: there.worker.connections == 1)
        await there.until(lambda: bool(there.kept.rows))
        row = only(there)
        assert brief(row) == (CHAT.decode(), 499, None)
        assert row.bytes_in == len(WORDS)
        assert not row.failed


async def test_a_client_that_leaves_while_its_upload_comes_in() -> None:
    services = (service(1, "parakeet"), service(2, "whisper", Role.TRANSCRIBE))
    asked = request(WORDS, path=b"/v1/audio/transcriptions").replace(b": 23", b": 99")
    async with plane(services=services) as there:
        async with line_to(there.port) as client:
            await client.say(asked)
            await there.until(lambda: there.worker.connections == 1)
        await there.until(lambda: bool(there.kept.rows))
        assert brief(only(there)) == ("/v1/audio/transcriptions", 499, None)


async def test_a_client_that_leaves_while_its_model_is_looked_for() -> None:
    async with plane(target(1)) as there:
        asking = asyncio.Event()
        go = asyncio.Event()

        async def sync() -> None:
            asking.set()
            await go.wait()

        there.worker.ledger.sync = sync  # type: ignore[method-assign]  # control takes its time
        async with line_to(there.port) as client:
            await client.say(request(b'{"model":"other"}'))
            await asyncio.wait_for(asking.wait(), 10)
        await there.until(lambda: there.worker.connections == 0)
        go.set()
        await there.until(lambda: bool(there.kept.rows))
        assert brief(only(there)) == (CHAT.decode(), 499, None)
        assert only(there).asked == "other"


async def test_what_control_answers_under_v1_leaves_one(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path, door=LOCKED) as there:
        control.says = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"
        await there.raw(request(WORDS, b"Authorization: Bearer wrong"))
        row = only(there)
        assert brief(row) == (CHAT.decode(), 401, None)
        assert (row.bytes_in, row.bytes_out) == (len(WORDS), 2)
        control.says = b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"
        await there.raw(get(path=b"/v1/" + WORDS.replace(b" ", b"/")))
        assert brief(there.kept.rows[1]) == ("other", 404, None)
        await there.raw(get(path=b"/v1/models"))
        assert brief(there.kept.rows[2]) == ("/v1/models", 401, "not_signed_in")


async def test_control_is_away_or_says_nothing(tmp_path: Path) -> None:
    async with plane(control=str(tmp_path / "none")) as there:
        await there.raw(get(path=b"/v1/nothing"))
        assert brief(only(there)) == ("other", 503, "control_away")


async def test_what_is_none_of_the_models_leaves_none(tmp_path: Path) -> None:
    """Neither a page, nor the question of a browser before its request, nor an idle line."""
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        await there.raw(get(path=b"/api/x"))
        await there.raw(get(path=b"/v1x"))
        await there.raw(get(method=b"OPTIONS", path=CHAT))
        async with line_to(there.port) as client:
            await client.say(b"\r\n")
        await there.until(lambda: there.worker.connections == 0)
        assert there.kept.rows == []


async def test_one_for_each_of_a_connection() -> None:
    async with upstream(says(whole())) as engine, plane(target(engine)) as there:
        lists = page(path=b"/v1/models") + page(path=b"/v1/models/none")
        answers = await there.raw(lists + request(close=False) + lists + get(path=CHAT))
        assert answers.count(b"HTTP/1.1 ") == 6
        statuses = [200, 404, 200, 200, 404, 405]
        assert [row.status for row in there.kept.rows] == statuses
        assert len({row.id for row in there.kept.rows}) == 6
