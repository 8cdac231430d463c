"""What is relayed to the control process: anything, as it comes, with who really asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from spark_control.core.secret import digest
from spark_control.core.sockets import listen_at, reach
from spark_control.gateway.wire import Pass
from tests.contract.http.plane import CHAT, code, parsed, plane, request, says, target, upstream
from tests.contract.http.test_relay import whole

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nDate: now\r\n\r\nok"
LOCKED = Pass(
    required=True, owner_sha256=digest("right"), session_key="k", keyless_outside=False,
    names=("a",), origins=(),
)  # fmt: skip


@dataclass
class Control:
    """A scripted control process: `says` answers each request once its head is there."""

    path: str
    says: bytes = OK
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    takes: int = 0
    """So many bytes of a body are read before the answer."""
    go: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def controlled(tmp: Path) -> AsyncIterator[Control]:
    there = Control(reach(tmp / "control.sock"))
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        try:
            while True:
                there.heads.append(await reader.readuntil(b"\r\n\r\n"))
                there.bodies.append(await reader.readexactly(there.takes))
                writer.write(there.says)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=listen_at(tmp / "control.sock"))
    try:
        yield there
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def get(*lines: bytes, method: bytes = b"GET", path: bytes = b"/api/x?q=1") -> bytes:
    more = b"".join(line + b"\r\n" for line in lines)
    return b"%b %b HTTP/1.1\r\nHost: a\r\n%bConnection: close\r\n\r\n" % (method, path, more)


async def test_heads_go_on_and_nobody_says_who_he_is(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        forged = (
            b"X-Forwarded-For: 10.88.0.9", b"X-Forwarded-Proto: https", b"X-Real-IP: 10.88.0.9",
        )  # fmt: skip
        answer = await there.raw(get(b"Cookie: c=1", b"Origin: http://a", *forged))
    head = control.heads[0]
    assert head.startswith(b"GET /api/x?q=1 HTTP/1.1\r\nhost: a\r\n")
    assert b"cookie: c=1\r\norigin: http://a\r\n" in head
    assert b"x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n\r\n" in head
    assert b"10.88.0.9" not in head
    status, headers, body = parsed(answer)
    assert (status, body) == (200, b"ok")
    assert (headers["set-cookie"], headers["date"]) == ("a=1", "now")


async def test_head_has_no_body(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        control.says = OK.removesuffix(b"ok")
        one = get(method=b"HEAD")
        answer = await there.raw(one.replace(b"Connection: close\r\n", b"") + one)
        assert answer.count(b"content-length: 2\r\n") == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upload_goes_on_while_it_comes(tmp_path: Path, *, chunked: bool) -> None:
    body = b"x" * 3_000_000
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        if chunked:
            data = b"2dc6c0\r\n%b\r\n0\r\n\r\n" % body
            asked = get(b"Transfer-Encoding: chunked", method=b"POST") + data
            control.takes = len(body)  # and what frames it
        else:
            asked = get(b"Content-Length: 3000000", method=b"POST") + body
            control.takes = len(body)
        assert parsed(await there.raw(asked))[2] == b"ok"
    assert control.bodies[0].count(b"x") > 2_900_000


async def test_an_answer_before_the_end_of_the_upload(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        reader, writer = await there.open()
        writer.write(get(b"Content-Length: 900000", method=b"POST") + b"x" * 1000)
        answer = await asyncio.wait_for(reader.read(), 10)
        assert parsed(answer)[1]["connection"] == "close"
        assert parsed(answer)[2] == b"ok"


async def test_pages_and_models_on_one_connection(tmp_path: Path) -> None:
    page = get().replace(b"Connection: close\r\n", b"")
    async with (
        upstream(says(whole())) as engine,
        controlled(tmp_path) as control,
        plane(target(engine), control=control.path) as there,
    ):
        answers = await there.raw(page + request(close=False) + page + request())
    assert answers.count(b"HTTP/1.1 200 OK") == 4
    assert len(control.heads) == 2


async def test_wrong_tokens_are_judged_by_control(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path, door=LOCKED) as there:
        assert code(await there.raw(request())) == (401, "not_signed_in")
        assert control.heads == []
        control.says = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"
        answer = await there.raw(request(b"{}", b"Authorization: Bearer wrong"))
        assert parsed(answer)[::2] == (401, b"no")
        assert control.heads[0].startswith(b"POST %b " % CHAT)
        right = await there.raw(request(b"{}", b"Authorization: Bearer right"))
        assert code(right) == (503, "nothing_loaded")
        assert len(control.heads) == 1


async def test_an_answer_that_breaks_ends_early(tmp_path: Path) -> None:
    async with controlled(tmp_path) as control, plane(control=control.path) as there:
        control.says = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\no"
        reader, writer = await there.open()
        writer.write(get())
        head = await reader.readuntil(b"\r\n\r\no")
        assert b"200 OK" in head
        writer.close()
