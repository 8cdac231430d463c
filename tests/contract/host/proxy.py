"""A TCP proxy that can cut, and swallow, what goes through it."""

import asyncio
import socket


class Proxy:
    """Stands before a server on loopback. Faults hit open and new connections."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.cut_after: int | None = None
        """Cut each connection after so many bytes from the server."""
        self.cut_after_sent: int | None = None
        """Cut each connection after so many bytes to the server."""
        self.swallow = False
        """Take bytes and pass none on, as a machine does that has lost its network."""
        self.connections = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, back = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(
                self._pump(reader, back, self.cut_after_sent),
                self._pump(there, writer, self.cut_after),
            )
        finally:
            self._open -= {writer, back}
            for one in (writer, back):
                one.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None
    ) -> None:
        try:
            while left != 0 and (data := await reader.read(4096)):
                if self.swallow:
                    continue
                data = data if left is None else data[:left]
                left = None if left is None else left - len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        if left == 0:
            self.cut()
        # One direction has ended; the other sees it and ends too.
        writer.close()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
