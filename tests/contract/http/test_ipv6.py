"""Clients over IPv6, and IPv4 ones where a port takes both: each is known by its plain address."""

import socket
from pathlib import Path

import pytest

from spark_control.core.sockets import pending
from tests.contract.http.plane import parsed, plane, request, says, target, upstream
from tests.contract.http.test_control import controlled, get
from tests.contract.http.test_relay import whole


def has_ipv6() -> bool:
    """Tell whether this machine has `::1`."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


with_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@with_ipv6
@pytest.mark.parametrize(
    ("host", "over", "known"),
    [("::1", "::1", "::1"), ("::", "::1", "::1"), ("::", "127.0.0.1", "127.0.0.1")],
)
async def test_a_client_is_known_by_its_address(host: str, over: str, known: str) -> None:
    async with (
        upstream(says(whole())) as engine,
        plane(target(engine), host=host) as there,
    ):
        there.host = over
        assert parsed(await there.raw(request()))[0] == 200
        await there.until(lambda: bool(there.kept.rows))
        assert [row.client for row in there.kept.rows] == [known]


@with_ipv6
async def test_control_hears_the_plain_address(tmp_path: Path) -> None:
    """It judges by it who is here, so `::ffff:127.0.0.1` would be a stranger."""
    async with controlled(tmp_path) as control, plane(control=control.path, host="::") as there:
        for over in ("127.0.0.1", "::1"):
            there.host = over
            assert parsed(await there.raw(get()))[0] == 200
            assert b"x-forwarded-for: %b\r\n" % over.encode() in control.heads[-1]


async def test_those_who_connected_are_taken_before_the_port_closes() -> None:
    """Nobody accepts here but the worker that leaves."""
    async with upstream(says(whole())) as engine, plane(target(engine)) as there:
        with socket.create_connection(("127.0.0.1", there.port)) as early:
            late = socket.create_connection(("127.0.0.1", there.port))
            late.sendall(request())
            await there.worker.drain(timeout_s=10)
            with late:
                assert late.recv(100).startswith(b"HTTP/1.1 200 OK")
            assert early.recv(100) == b""


def test_pending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(0)
        assert pending(sock) == []
        with socket.create_connection(sock.getsockname()), socket.create_connection(
            sock.getsockname()
        ):  # fmt: skip
            found = pending(sock)
            assert [one.gettimeout() for one in found] == [0, 0]
            for one in found:
                one.close()
