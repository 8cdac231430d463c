"""The SSH server of one Spark: its own address and host key, any user, public keys only."""

import asyncio
from dataclasses import dataclass, field

import asyncssh
from typing_extensions import override

from spark_control.lab.session import Session, Shell
from spark_control.lab.wire import Valve, Wire

# OpenSSH's own default: more channels on one connection are refused.
MAX_SESSIONS = 10
_LOOK_S = 0.01
_EMPTY_S = 3.0


class Door(asyncssh.SSHServer):
    """One connection of a client."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._open = 0
        self._wire: Wire | None = None

    @override
    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._wire = conn.get_extra_info("wire")

    @override
    def begin_auth(self, username: str) -> bool:
        return True

    @override
    def session_requested(self) -> Session:
        if self._open >= MAX_SESSIONS:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        self._open += 1
        return Session(self._shell, self._reset, self._closed)

    def _closed(self) -> None:
        self._open -= 1

    def _reset(self) -> None:
        if self._wire:
            self._wire.reset()


@dataclass(kw_only=True, slots=True)
class Sshd:
    """Listens for one Spark; can close its port and open it again."""

    host: str
    port: int
    key: asyncssh.SSHKey
    authorized: asyncssh.SSHAuthorizedKeys
    shell: Shell
    valve: Valve = field(default_factory=Valve)
    _other: asyncssh.SSHKey | None = None
    """The key it shows instead of its own, after it was set up anew."""
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Start to listen; a port of 0 becomes the one the kernel picks. Raises OSError."""
        options = await asyncssh.SSHServerConnectionOptions.construct(
            server_factory=lambda: Door(self.shell),
            server_host_keys=[self._other or self.key],
            authorized_client_keys=self.authorized,
            encoding=None,
            password_auth=False,
            kbdint_auth=False,
            server_version="OpenSSH_9.6p1",
            line_editor=False,
        )
        loop = asyncio.get_running_loop()

        self._server = await loop.create_server(
            lambda: Wire(asyncssh.SSHServerConnection(loop, options), self.valve),
            self.host,
            self.port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def show(self, *, other: bool) -> None:
        """Show another key than its own, or its own again; live connections break for it."""
        if other == (self._other is not None):
            return
        self._other = asyncssh.generate_private_key("ssh-ed25519") if other else None
        if self._server:
            await self.shut()
            await self.open()

    async def shut(self) -> None:
        """Close the port and break every connection; doing it twice is fine."""
        server, self._server = self._server, None
        if server:
            server.close()
        # Breaking takes a turn of the loop; the sockets are closed only after it. Meanwhile a
        # connection that was taken just before may come up.
        self.valve.break_all()
        while self.valve.wires:
            await self.shell.clock.sleep(0)
            self.valve.break_all()
        if server:
            await server.wait_closed()

    async def emptied(self) -> None:
        """Return once the processes of the sessions have ended, or after a while."""
        until = self.shell.clock.monotonic() + _EMPTY_S
        while self.shell.running and self.shell.clock.monotonic() < until:
            await self.shell.clock.sleep(_LOOK_S)
