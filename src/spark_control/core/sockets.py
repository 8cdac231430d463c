"""Sockets that listen: on an address that must be free, and on a path that may be long."""

import os
import socket
from pathlib import Path

from spark_control.core.errors import Conflict

BACKLOG = 2048
LONGEST_PATH = 100
"""The kernel takes 107 bytes for the path of a socket."""


class AddressTaken(Conflict):
    """Something else listens on the address that Spark Control wants."""

    code = "address_taken"
    hint = "Stop it, or choose another port with `--port`."


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket with that address; `shared` with others of this user. Raises AddressTaken.

    Connections come in once it listens.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, proto, _, address = found[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise AddressTaken(f"{host} is no address of this machine.") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise AddressTaken(f"{host}:{port} cannot be used: {error.strerror}.") from error
    sock.set_inheritable(False)
    return sock


def pending(sock: socket.socket) -> list[socket.socket]:
    """Take the connections that nobody has accepted; whoever closes `sock` would cut them off."""
    found: list[socket.socket] = []
    try:
        while len(found) < BACKLOG:
            found.append(sock.accept()[0])
            found[-1].settimeout(0)
    except OSError:
        pass  # that was all, or it is closed already
    return found


def check_free(host: str, port: int) -> None:
    """See that nobody has the address. Raises AddressTaken."""
    with bound(host, port, shared=False) as sock:
        try:
            sock.listen(1)  # two sockets may be bound to one address as long as neither listens
        except OSError as error:
            raise AddressTaken(f"{host}:{port} cannot be used: {error.strerror}.") from error


def reach(path: Path) -> str:
    """Return a name for the socket at `path` that is short enough for the kernel.

    A long one goes by its folder, which stays open for that as long as the process lives.
    """
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return str(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{folder}/{path.name}"


def listen_at(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, for its owner only; an old one there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(reach(path))
        path.chmod(0o600)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
