"""An engine that answers with 5xx: its status is kept, its words are not."""

import asyncio
import json

import pytest

from spark_control.gateway.services import Role
from tests.contract.http.plane import (
    Asked,
    code,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)
from tests.contract.http.test_relay import chunks, whole
from tests.contract.http.test_uploads import service


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/messages"])
async def test_the_words_of_a_5xx_stay_here(path: bytes) -> None:
    said = b"HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\nthe prompt"
    async with upstream(says(said)) as engine, plane(target(engine)) as there:
        answer = await there.raw(request(path=path))
    assert b"the prompt" not in answer
    error = json.loads(parsed(answer)[2])
    assert parsed(answer)[0] == 500
    if path == b"/v1/messages":
        assert (error["type"], error["error"]["type"]) == ("error", "api_error")
    else:
        assert error["error"]["code"] == "engine_error"
    assert (there.kept.rows[0].status, there.kept.rows[0].error) == (500, "engine_error")


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/messages"])
@pytest.mark.parametrize(
    ("said", "status", "again"),
    [
        (b"500 Oh", 500, None),
        (b"501 Oh\r\nRetry-After: soon", 501, None),
        (b"502 Oh", 502, None),
        (b"503 Oh\r\nRetry-After: 7", 503, "7"),
        (b"503 Oh\r\nRetry-After: 1234567", 503, "3600"),
        (b"503 Oh\r\nRetry-After: Wed, 06 May 2020 12:00:00 GMT", 503, "0"),
        (b"504 Oh", 504, None),
        (b"507 Oh", 507, None),
        (b"599 Oh", 599, None),
    ],
)
async def test_a_5xx_keeps_its_status(
    path: bytes, said: bytes, status: int, again: str | None
) -> None:
    answers = says(b"HTTP/1.1 %b\r\nContent-Length: 10\r\n\r\nthe prompt" % said)
    async with upstream(answers) as engine, plane(target(engine)) as there:
        found, headers, body = parsed(await there.raw(request(path=path)))
        rows = [(row.status, row.error) for row in there.kept.rows]
    assert (found, headers.get("retry-after"), len(engine.asked)) == (status, again, 1)
    assert b"the prompt" not in body
    assert rows == [(status, "engine_error")]
    error = json.loads(body)["error"]
    assert ("code" in error) is (path == b"/v1/chat/completions")
    assert (
        error["type"] == {503: "overloaded_error", 504: "timeout_error"}.get(status, "api_error")
        or path != b"/v1/messages"
    )


@pytest.mark.parametrize(
    ("role", "path", "status", "answer"),
    [
        (Role.EMBED, b"/v1/embeddings", 503, (503, "7", "service_error")),
        (Role.EMBED, b"/v1/embeddings", 500, (500, "7", "service_error")),
        (Role.SPEAK, b"/v1/audio/speech", 503, (503, "7", "service_error")),
        (Role.SPEAK, b"/v1/audio/speech", 500, (503, "60", "service_wedged")),
        (Role.TRANSCRIBE, b"/v1/audio/transcriptions", 507, (507, "7", "service_error")),
        (Role.TRANSCRIBE, b"/v1/audio/transcriptions", 500, (503, "60", "service_wedged")),
    ],
)
async def test_services_keep_theirs_but_for_speech_that_failed_inside(
    role: Role, path: bytes, status: int, answer: tuple[int, str, str]
) -> None:
    said = says(b"HTTP/1.1 %d Oh\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\n!" % status)
    async with (
        upstream(said) as one,
        plane(services=(service(one.port, "kokoro", role),)) as there,
    ):
        found = await there.raw(request(b'{"input":"x"}', path=path))
        assert (parsed(found)[0], parsed(found)[1]["retry-after"], code(found)[1]) == answer
        assert (there.kept.rows[0].status, there.kept.rows[0].error) == (answer[0], answer[2])


async def test_what_is_logged_of_a_5xx(caplog: pytest.LogCaptureFixture) -> None:
    words = b'{"error":{"message":"the prompt","type":"EngineDead","code":"\\u0007the prompt"}}'
    head = b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with upstream(says(head % len(words) + words)) as engine, plane(target(engine)) as there:
        await there.raw(request())
    said = f"answered with 500 (application/json, {len(words)} bytes, EngineDead)"
    assert [row for row in caplog.messages if said in row]
    assert "the prompt" not in caplog.text


FAULT = b'{"error":{"message":"the prompt","type":"EngineDead","code":500}}'
FAULT_HEAD = b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        (b"Content-Length: %d\r\n\r\n|%b" % (len(FAULT), FAULT), True),
        (b"Transfer-Encoding: chunked\r\n\r\n|%b" % chunks(FAULT[:9], FAULT[9:]), True),
        (b"Content-Length: %d\r\n\r\n%b|%b" % (len(FAULT), FAULT[:9], FAULT[9:]), True),
        (b"\r\n|%b" % FAULT, False),
    ],
)
async def test_what_names_an_error_may_come_later(
    rest: bytes, kept: bool, caplog: pytest.LogCaptureFixture  # noqa: FBT001 - a column
) -> None:  # fmt: skip
    """The client does not wait for it, and its words stay where they are."""
    answered = asyncio.Event()
    first, _, later = rest.partition(b"|")

    async def speaks(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(FAULT_HEAD + first)
        await answered.wait()
        writer.write(later)
        if not kept:
            writer.close()

    async with upstream(speaks, says(whole())) as engine, plane(target(engine)) as there:
        assert code(await there.raw(request())) == (500, "engine_error")
        answered.set()
        await there.until(lambda: "answered with EngineDead, 500" in caplog.text)
        assert parsed(await there.raw(request()))[0] == 200
        assert engine.connections == (1 if kept else 2)
    assert "the prompt" not in caplog.text


async def test_an_error_that_never_ends_is_not_heard_out(caplog: pytest.LogCaptureFixture) -> None:
    async def goes_on(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(FAULT_HEAD + b"\r\n")
        while True:
            writer.write(b"the prompt " * 99)
            await writer.drain()

    async with upstream(goes_on) as engine, plane(target(engine)) as there:
        assert code(await there.raw(request())) == (500, "engine_error")
        await asyncio.wait_for(engine.gone.wait(), 5)
    assert "the prompt" not in caplog.text


async def test_a_whole_5xx_without_a_name_leaves_the_connection_to_others() -> None:
    words = b'{"detail":"the prompt"}'
    said = says(FAULT_HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(words), words))
    async with upstream(said, says(whole())) as engine, plane(target(engine)) as there:
        assert code(await there.raw(request())) == (500, "engine_error")
        assert parsed(await there.raw(request()))[0] == 200
        assert engine.connections == 1
