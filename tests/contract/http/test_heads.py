"""Heads that came before are known; only their length may differ, and nothing else slips in."""

import json

import pytest

from tests.contract.http.peer import answers, line_to, played, turns
from tests.contract.http.plane import BODY, CHAT, plane, says, target, upstream
from tests.contract.http.test_relay import JSON, whole
from tests.contract.http.test_smuggling import AMBIGUOUS, SMUGGLED

NAMES = (b"Content-Length", b"content-length", b"CONTENT-LENGTH", b"Content-length")
MORE = b"X-App: 1\r\nContent-Type: application/json\r\n"


def head(framing: bytes, path: bytes = CHAT) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%b%b\r\n" % (path, MORE, framing)


def asked(text: str, name: bytes = NAMES[0]) -> tuple[bytes, bytes]:
    body = json.dumps({"model": "m", "prompt": text}).encode()
    return head(b"%b: %d\r\n" % (name, len(body))) + body, body


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_head_with_other_lengths(name: bytes) -> None:
    said = [asked("x" * size, name) for size in (0, 5, 50_000, 5, 999)]
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine)) as there,
        line_to(there.port) as client,
    ):
        for data, _ in said:
            await client.say(data)
            answer = await client.message()
            assert (answer.status, answer.body) == (200, JSON)
        assert [one.body for one in engine.asked] == [body for _, body in said]
        for one, (_, body) in zip(engine.asked, said, strict=True):
            lines = one.head.split(b"\r\n")
            assert b"X-App: 1".lower() in one.head.lower()
            assert [row for row in lines if row.lower().startswith(b"content-length")] == [
                b"content-length: %d" % len(body)
            ]
    assert [row.bytes_in for row in there.kept.rows] == [len(body) for _, body in said]


async def test_the_same_head_with_a_body_that_comes_later() -> None:
    first, _ = asked("a")
    second, body = asked("b" * 300)
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine)) as there,
        line_to(there.port) as client,
    ):
        await client.say(first)
        assert (await client.message()).status == 200
        cut = len(second) - 200
        await client.say(second[:cut])
        await turns()
        await client.say(second[cut:])
        assert (await client.message()).status == 200
        assert engine.asked[1].body == body


async def test_a_length_above_the_limit_is_refused_also_when_the_head_is_known() -> None:
    first, _ = asked("a")
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine)) as there,
        line_to(there.port) as client,
    ):
        await client.say(first)
        assert (await client.message()).status == 200
        await client.say(head(b"Content-Length: 999999999\r\n"))
        assert (await client.message()).status == 413
        assert len(engine.asked) == 1


@pytest.mark.parametrize("name", AMBIGUOUS)
@pytest.mark.parametrize("known", [b"Content-Length: %d\r\n", b"content-length: %d\r\n"])
async def test_what_can_be_read_in_two_ways_is_not_taken_for_what_is_known(
    name: str, known: bytes
) -> None:
    async with (
        played(answers(whole(), whole())) as engine,
        plane(target(engine.port)) as there,
        line_to(there.port) as client,
    ):
        await client.say(head(known % len(BODY)) + BODY)
        assert (await client.message()).status == 200
        await client.say(head(AMBIGUOUS[name]) + b"0\r\n\r\n" + SMUGGLED)
        answer = await client.message()
        assert (answer.status, answer.all("connection")) == (400, ["close"])
        client.writer.write_eof()
        assert await client.rest() == b""
    assert [(row.path, row.status) for row in there.kept.rows] == [
        (CHAT.decode(), 200),
        ("other", 400),
    ]


@pytest.mark.parametrize("framing", [b"", b"Content-Length: \r\n", b"Content-Length: 0\r\n"])
async def test_a_head_without_a_length_is_not_taken_for_one_with(framing: bytes) -> None:
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine)) as there,
        line_to(there.port) as client,
    ):
        await client.say(asked("a")[0])
        assert (await client.message()).status == 200
        await client.say(head(framing))
        answer = await client.message()
        assert answer.status == 400
        code = json.loads(answer.body)["error"]["code"]
        assert code == ("request_malformed" if framing.endswith(b" \r\n") else "body_unreadable")
        assert len(engine.asked) == 1
