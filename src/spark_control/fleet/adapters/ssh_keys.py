"""Whom we trust over SSH, and how a Spark is looked at before it is trusted."""

import asyncio
import random
import socket

import asyncssh

from spark_control.core.clock import Clock
from spark_control.fleet.adapters.known_hosts import KnownHosts, OnlyKey, fingerprint
from spark_control.fleet.adapters.local import LocalHost
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.fleet.adapters.ssh_errors import ssh_errors
from spark_control.fleet.adapters.ssh_link import SshAccess, SshLimits, SshLink
from spark_control.fleet.domain import HostKey, KeyState, Way
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.ports import Host
from spark_control.settings.domain import Spark

_NO_NAME = "Check the spelling, or use the address: `hostname -I` on the Spark shows it."
_CLOSED = (
    "Install and start its SSH server: `sudo apt install openssh-server`. Check the port too."
)
_SILENT = "Check that the Spark is on and on the same network, and that no firewall is between."


class SshKeys:
    """The `HostKeys` port over the file of known hosts; visits use the same key and config."""

    def __init__(
        self, known: KnownHosts, access: SshAccess, clock: Clock, limits: SshLimits | None = None
    ) -> None:
        self._known = known
        self._access = access
        self._clock = clock
        self._limits = limits or SshLimits()

    async def way(self, spark: Spark) -> Way:
        with ssh_errors(spark.name):
            options = await asyncssh.SSHClientConnectionOptions.construct(
                host=spark.host,
                port=spark.port if spark.port != 22 else (),
                username=spark.user or (),
                config=[str(path) for path in self._access.config] or None,
                known_hosts=None, client_keys=None, agent_path=None,
            )  # fmt: skip
        over = options.tunnel or options.proxy_command or ""
        return Way(options.host, options.port, over if isinstance(over, str) else str(over))

    async def resolve(self, host: str) -> frozenset[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.connect_s):
                found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise HostUnreachable(
                f"The name {host!r} is not known.", hint=_NO_NAME, detail=_reason(error)
            ) from error
        return frozenset(str(address[0]) for *_, address in found)

    async def knock(self, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(self._limits.connect_s):
                _, writer = await asyncio.open_connection(host, port)
        except ConnectionRefusedError as error:
            raise HostUnreachable(f"Port {port} of {host} is closed.", hint=_CLOSED) from error
        except (OSError, TimeoutError) as error:
            raise HostUnreachable(
                f"Port {port} of {host} does not answer.", hint=_SILENT, detail=_reason(error)
            ) from error
        writer.transport.abort()

    async def offered(self, spark: Spark) -> HostKey:
        link = SshLink(spark, self._access, self._limits, self._clock, random.random)
        key = await link.look()
        known = await asyncio.to_thread(self._known.trusted, spark.host, spark.port)
        if key in known.keys and key not in known.revoked:
            return shown(key, KeyState.KNOWN)
        return shown(key, KeyState.NEW if known.accepts(key) else KeyState.CHANGED)

    async def trust(self, spark: Spark, key: HostKey) -> None:
        pinned = asyncssh.import_public_key(key.line)
        await asyncio.to_thread(self._known.replace, spark.host, spark.port, pinned)

    async def forget(self, spark: Spark) -> None:
        await asyncio.to_thread(self._known.replace, spark.host, spark.port, None)

    async def pinned(self, spark: Spark) -> tuple[HostKey, ...]:
        known = await asyncio.to_thread(self._known.trusted, spark.host, spark.port)
        return tuple(shown(key, KeyState.KNOWN) for key in known.keys)

    def visit(self, spark: Spark, key: HostKey | None) -> Host:
        if key is None:
            return LocalHost(spark.name, clock=self._clock)
        only = OnlyKey(asyncssh.import_public_key(key.line))
        access = SshAccess(
            known_hosts=only, key_path=self._access.key_path, user_keys=self._access.user_keys,
            config=self._access.config,
        )  # fmt: skip
        return SshHost(spark, access=access, clock=self._clock, limits=self._limits)


def shown(key: asyncssh.SSHKey, state: KeyState) -> HostKey:
    """Return a key as the rooms above know it."""
    line = key.export_public_key("openssh").decode("ascii").strip()
    kind, body = line.split()[:2]
    return HostKey(kind, fingerprint(key), state, f"{kind} {body}")


def _reason(error: BaseException) -> dict[str, object]:
    return {"reason": (str(error) or type(error).__name__)[:200]}
