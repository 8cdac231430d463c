"""The wire between a client and the SSH server of a Spark: it can freeze and it can break."""

import asyncio
import socket
import struct
from collections.abc import Iterable

from typing_extensions import override

# On close the kernel sends a reset at once, as a machine does that lost power and came back.
_RESET = struct.pack("ii", 1, 0)


class Valve:
    """All live wires of one Spark. Frozen, no byte moves in either direction."""

    def __init__(self) -> None:
        self.frozen = False
        self.wires: set[Wire] = set()
        self.cut_after: int | None = None
        """Break each new connection after so many bytes to the client; None breaks none."""

    def freeze(self) -> None:
        """Stop reading and writing on every wire; new ones stay silent too."""
        self.frozen = True
        for wire in self.wires:
            wire.hold()

    def thaw(self) -> None:
        """Let everything that waited through, in order."""
        self.frozen = False
        for wire in list(self.wires):
            wire.release()

    def break_all(self) -> None:
        """Reset every connection."""
        for wire in list(self.wires):
            wire.reset()


class Wire(asyncio.Protocol):
    """Stands between asyncio's transport and the protocol of an SSH connection."""

    def __init__(self, inner: asyncio.Protocol, valve: Valve) -> None:
        self._inner = inner
        self._valve = valve
        self._started = False
        self._line: _Line | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server, by design
        self._line = _Line(self, transport, self._valve)
        self._valve.wires.add(self)
        if self._valve.frozen:
            self.hold()
        else:
            self._start()

    def _start(self) -> None:
        assert self._line is not None  # noqa: S101 - set before any caller can be here
        self._started = True
        self._inner.connection_made(self._line)

    @override
    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._started else None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._valve.wires.discard(self)
        if self._started:
            self._inner.connection_lost(exc)

    def hold(self) -> None:
        """Freeze this wire."""
        if self._line:
            self._line.hold()

    def release(self) -> None:
        """Thaw this wire; a connection made while it was frozen begins now."""
        if self._line:
            if not self._started:
                self._start()
            self._line.release()

    def reset(self) -> None:
        """Break this connection."""
        if self._line:
            self._line.reset()


class _Line(asyncio.Transport):
    """The transport an SSH connection sees: writes wait here while the wire is frozen.

    Its extra info `wire` is the wire, for a server that has to break its own connection.
    """

    def __init__(self, wire: Wire, real: asyncio.Transport, valve: Valve) -> None:
        super().__init__()
        self._wire = wire
        self._real = real
        self._frozen = valve.frozen
        self._left = valve.cut_after
        self._waiting: list[bytes] = []

    def hold(self) -> None:
        self._frozen = True
        if not self._real.is_closing():
            self._real.pause_reading()

    def release(self) -> None:
        self._frozen = False
        waiting, self._waiting = self._waiting, []
        self._real.writelines(waiting)
        if not self._real.is_closing():
            self._real.resume_reading()

    def reset(self) -> None:
        raw = self._real.get_extra_info("socket")
        if raw and not self._real.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._waiting.clear()
        self._real.abort()

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._frozen:
            self._waiting.append(bytes(data))
        elif self._left is None:
            self._real.write(data)
        elif not self._real.is_closing():
            self._break_within(bytes(data), self._left)

    def _break_within(self, data: bytes, left: int) -> None:
        """Write what is left until the break, then end; the kernel sends what was written."""
        self._real.write(data[:left])
        self._left = max(0, left - len(data))
        if not self._left:
            self._real.close()

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            self.write(data)

    @override
    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._wire if name == "wire" else self._real.get_extra_info(name, default)

    @override
    def is_closing(self) -> bool:
        return self._real.is_closing()

    @override
    def close(self) -> None:
        if not self._frozen:
            self._real.close()

    @override
    def abort(self) -> None:
        self._waiting.clear()
        self._real.abort()
