"""What an attacker sends to be read in two ways, or to be taken for somebody else."""

import json
from pathlib import Path

import pytest

from tests.contract.http.peer import answers, echo, line_to, page, played
from tests.contract.http.plane import BODY, CHAT, plane, request, target
from tests.contract.http.test_relay import JSON, whole

SOCKET = "control.sock"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


AMBIGUOUS = {
    "CL and TE": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "TE and CL": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "the same length twice": b"Content-Length: 4\r\nContent-Length: 4\r\n",
    "a list of lengths": b"Content-Length: 4, 4\r\n",
    "a signed length": b"Content-Length: +4\r\n",
    "a hex length": b"Content-Length: 0x4\r\n",
    "an endless length": b"Content-Length: 9999999999999999999999\r\n",
    "no length": b"Content-Length:\r\n",
    "a length of other digits": "Content-Length: \u00b2\r\n".encode("latin-1"),
    "a length on two lines": b"Content-Length:\r\n 4\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n",
    "a tab before the colon": b"Content-Length\t: 4\r\n",
    "a coding before chunks": b"Transfer-Encoding: gzip, chunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks in a list": b"Transfer-Encoding: chunked, identity\r\n",
    "another coding": b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
    "a coding with a stray byte": b"Transfer-Encoding: \x0bchunked\r\n",
    "quoted chunks": b'Transfer-Encoding: "chunked"\r\n',
    "chunks after a zero": b"X: \x00\r\nTransfer-Encoding: chunked\r\n",
    "LF alone": b"X: y\nTransfer-Encoding: chunked\r\n",
    "CR alone": b"X: y\rTransfer-Encoding: chunked\r\n",
    "a name of no token": b"Trans\xe9fer: chunked\r\n",
    "two hosts": b"Host: b\r\nContent-Length: 4\r\n",
    "a coding folded": b"X: y\r\n\tTransfer-Encoding: chunked\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
@pytest.mark.parametrize("path", [CHAT, b"/api/x"])
async def test_what_can_be_read_in_two_ways_goes_nowhere(
    tmp_path: Path, name: str, path: bytes
) -> None:
    """It is refused by name, the connection ends, and what follows is not taken for a request."""
    there = str(tmp_path / SOCKET)
    data = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%b\r\n" % (
        path, AMBIGUOUS[name],
    )  # fmt: skip
    async with (
        played(echo) as engine, played(echo, path=there) as control,
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(data + b"0\r\n\r\n" + SMUGGLED)
        said = await client.message()
        assert (said.status, said.all("connection")) == (400, ["close"])
        assert json.loads(said.body)["error"]["code"] == "request_malformed"
        client.writer.write_eof()
        assert await client.rest() == b""
        assert (engine.lines, control.lines) == ([], [])


BROKEN_CHUNKS = [
    b"x\r\n", b"-1\r\n", b"+1\r\na\r\n", b"0x1\r\na\r\n", b" 1\r\na\r\n", b"1\na\r\n",
    b"1\r\nab\r\n", b"1\r\na\n", b"1\r\na\r\r", b"10000000000000000\r\n", b"\r\n",
    b"1;" + b"e" * 2000,
    b"0\r\nX: " + b"t" * 9000, b"1 \r\na\r\n0\r\n\r\n", b"1;x\ny\r\na\r\n0\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BROKEN_CHUNKS)))
@pytest.mark.parametrize("path", [CHAT, b"/api/x"])
async def test_chunks_that_are_none(tmp_path: Path, number: int, path: bytes) -> None:
    """The control process sees the request end before its body does, never a shorter one."""
    there = str(tmp_path / SOCKET)
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    async with (
        played(echo) as engine, played(echo, path=there),
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(head + BROKEN_CHUNKS[number])
        said = await client.message()
        assert (said.status, said.all("connection")) == (400, ["close"])
        assert json.loads(said.body)["error"]["code"] == "request_malformed"
        assert engine.lines == []


async def test_what_is_said_of_the_way_is_not_believed(tmp_path: Path) -> None:
    """Nobody but the worker tells the control process where a request comes from."""
    there = str(tmp_path / SOCKET)
    false = (
        b"X-Forwarded-For: 10.88.0.9", b"x-forwarded-for: 10.88.0.8", b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil.example.org", b"Forwarded: for=10.88.0.9",
        b"X-Real-IP: 10.88.0.9",
        b"Connection: x-forwarded-for, x-hop", b"X-Hop: 1", b"TE: trailers", b"Upgrade: h2c",
        b"Keep-Alive: 9", b"Proxy-Authorization: x", b"X-Twice: 1", b"X-Twice: 2",
    )  # fmt: skip
    async with (
        played(answers(whole())) as engine, played(echo, path=there) as control,
        plane(target(engine.port), control=there) as gateway, line_to(gateway.port) as client,
    ):  # fmt: skip
        await client.say(page(b"GET", b"/api/x", *false))
        told = (await client.message("GET")).body.decode().splitlines()
        assert told[0] == "GET /api/x"
        rows = set(told[1:-1])
        assert rows == {
            "host: a", "x-twice: 1", "x-twice: 2", "x-forwarded-for: 127.0.0.1",
            "x-forwarded-proto: http",
        }  # fmt: skip
        assert len(control.lines) == 1
        await client.say(request(BODY, *false, b"X-Api-Key: k", b"Accept: a/b", close=False))
        assert (await client.message()).body == JSON
        raw = bytes(engine.lines[0].raw).lower()
        rows_sent = set(raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
        assert rows_sent == {
            b"host: 127.0.0.1:%d" % engine.port, b"x-twice: 1", b"x-twice: 2", b"accept: a/b",
            b"content-length: %d" % len(BODY),
        }  # fmt: skip
