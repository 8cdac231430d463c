"""The HTTP server: binds first, says a taken port plainly, lets streams end when it is stopped."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from spark_control.core.errors import Conflict

DRAIN_S = 20


class AddressTaken(Conflict):
    """Something else listens on the address that Spark Control wants."""

    code = "address_taken"
    hint = "Stop it, or choose another port with `--port`."


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`. Raises AddressTaken."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, proto, _, address = found[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        raise AddressTaken(f"{host} is no address of this machine.") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise AddressTaken(f"{host}:{port} cannot be used: {error.strerror}.") from error
    sock.set_inheritable(False)
    return sock


class DrainingServer(uvicorn.Server):
    """Ends the endless streams when told to stop, so that only real requests are waited for."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, at once at the second. Stopped as asked is no failure.

        The library's own way raises the signal again at the end, so that every stop would look
        like a crash to a service manager.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


async def serve(app: ASGIApp, sock: socket.socket, on_stop: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; running requests get `DRAIN_S` seconds to end."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=DRAIN_S, timeout_keep_alive=75,
        h11_max_incomplete_event_size=65536,
    )  # fmt: skip
    await DrainingServer(config, on_stop).serve(sockets=[sock])
