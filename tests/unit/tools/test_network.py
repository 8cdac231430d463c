"""The tests stay on this machine."""

import socket

import pytest

from tests.network import NetworkGuard, NetworkUsed


def outside(_target: str) -> str:
    return "192.0.2.7"


def inside(_target: str) -> str:
    return "10.88.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.88.12", "::1", b"127.0.0.1", "localhost"])
def test_this_machine_is_open(host: object) -> None:
    assert NetworkGuard(source=outside).allows(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "198.51.100.9", "2001:db8::1", "example.org"])
def test_all_else_is_closed(host: str) -> None:
    assert not NetworkGuard(source=inside).allows(host)


def test_the_labs_network_is_open_where_this_machine_is_part_of_it() -> None:
    assert NetworkGuard(source=inside).allows("10.88.0.11")
    assert not NetworkGuard(source=outside).allows("10.88.0.11")


def test_the_guard_is_up() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
        pytest.raises(NetworkUsed, match=r"192\.0\.2\.1"),
    ):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkUsed, match=r"example\.org"):
        socket.getaddrinfo("example.org", 80)


def test_unix_sockets_and_names_of_this_machine_pass() -> None:
    left, right = socket.socketpair()
    left.sendall(b"x")
    assert right.recv(1) == b"x"
    left.close()
    right.close()
    assert socket.getaddrinfo("localhost", 80, socket.AF_INET)
