"""The HTTP server behind the gateway workers; it lets streams end when it is stopped."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

DRAIN_S = 20


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
    """Serve on a Unix socket until SIGTERM or SIGINT; requests get `DRAIN_S` to end."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on",
        proxy_headers=True, forwarded_allow_ips="*",  # only our workers reach this socket
        timeout_graceful_shutdown=DRAIN_S, timeout_keep_alive=75,
        h11_max_incomplete_event_size=65536,
    )  # fmt: skip
    await DrainingServer(config, on_stop).serve(sockets=[sock])
