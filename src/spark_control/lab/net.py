"""Loopback addresses for the Sparks: a network of its own for each lab on this machine."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from spark_control.lab.errors import LabAddress

_FIRST_NET, _LAST_NET = 88, 127
_CLAIM_HOST, _FIRST_HOST = 10, 11
PREFERRED_PORT = 2222


@dataclass(frozen=True, slots=True)
class Claim:
    """Addresses nobody else's lab uses, as long as `held` is open."""

    held: socket.socket | None
    hosts: tuple[str, ...]

    def release(self) -> None:
        """Give the addresses back."""
        if self.held:
            self.held.close()


def _listen(host: str, port: int) -> socket.socket | None:
    taken = socket.socket()
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(1)
    except OSError:
        taken.close()
        return None
    return taken


def _nets() -> Iterator[str]:
    return (f"127.0.{net}" for net in range(_FIRST_NET, _LAST_NET + 1))


def claim(sparks: int) -> Claim:
    """Take one 127.0.x network: 127.0.88.11, .12 … for the first lab on a machine.

    Where the system has 127.0.0.1 alone, all Sparks share that. Raises LabAddress.
    """
    if not 1 <= sparks <= 200:
        raise LabAddress(f"A lab has 1 to 200 Sparks, not {sparks}.")
    for net in _nets():
        if held := _listen(f"{net}.{_CLAIM_HOST}", PREFERRED_PORT):
            return Claim(held, tuple(f"{net}.{_FIRST_HOST + n}" for n in range(sparks)))
    with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
        probe.bind((f"127.0.{_FIRST_NET}.{_FIRST_HOST}", 0))
        raise LabAddress("All loopback networks are taken by other labs.")
    return Claim(None, ("127.0.0.1",) * sparks)
