"""The guard that keeps the tests on this machine.

It sees what Python's own sockets do in this process: connecting, sending, asking for names.
"""

import ipaddress
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TEST_HOSTS = ipaddress.ip_network("10.88.0.0/16")
"""The network of the lab's namespaces; open only when this machine has an address in it."""
LOCAL_NAMES = frozenset({"", "localhost", "ip6-localhost"})


class NetworkUsed(BaseException):
    """A test tried to leave the machine; not an Exception, so that no code under test hides it."""


def address_of(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return `host` as an address, or None for a name."""
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def source_address(target: str) -> str:
    """Return the address this machine would send from to `target`; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((target, 9))
            return str(asking.getsockname()[0])
        except OSError:
            return "0.0.0.0"


@dataclass(kw_only=True, slots=True)
class NetworkGuard:
    """Raises NetworkUsed for a step that leaves the machine."""

    source: Callable[[str], str] = source_address
    _asking: bool = field(default=False, init=False)

    def install(self) -> None:
        """Watch this process from now on; it cannot be undone."""
        sys.addaudithook(self.hook)

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        """Judge one audit event of the interpreter."""
        judge = JUDGES.get(event)
        if judge is not None and not self._asking:
            judge(self, args)

    def reaching(self, args: tuple[object, ...]) -> None:
        """Judge `socket.connect` and the like: (socket, address)."""
        address = args[1] if len(args) > 1 else None
        if isinstance(address, tuple) and not self.allows(address[0]):
            raise NetworkUsed(f"a test reached for {address[0]}")

    def naming(self, args: tuple[object, ...]) -> None:
        """Judge `socket.getaddrinfo`: (host, port, …)."""
        host = args[0]
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or str(name) in LOCAL_NAMES or address_of(name) is not None:
            return
        raise NetworkUsed(f"a test asked for the name {name}")

    def allows(self, host: object) -> bool:
        """Tell whether `host` is this machine, or one of the lab's network on it."""
        address = address_of(host)
        if address is None:
            return str(host) in LOCAL_NAMES
        if address.is_loopback or address.is_unspecified:
            return True
        return address in TEST_HOSTS and self._in_test_network(str(address))

    def _in_test_network(self, target: str) -> bool:
        self._asking = True
        try:
            return ipaddress.ip_address(self.source(target)) in TEST_HOSTS
        finally:
            self._asking = False


Judge = Callable[[NetworkGuard, tuple[object, ...]], None]
JUDGES: Mapping[str, Judge] = {
    "socket.connect": NetworkGuard.reaching,
    "socket.sendto": NetworkGuard.reaching,
    "socket.sendmsg": NetworkGuard.reaching,
    "socket.getaddrinfo": NetworkGuard.naming,
    "socket.gethostbyname": NetworkGuard.naming,
}
