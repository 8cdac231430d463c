"""One held SSH connection: made when it is first needed, shared, and made again after a loss."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from typing_extensions import override

from spark_control.core.clock import Clock
from spark_control.core.tasks import Tasks
from spark_control.fleet.adapters.known_hosts import Trust, Trusted, key_refused
from spark_control.fleet.adapters.ssh_errors import ssh_errors
from spark_control.fleet.adapters.ssh_key import load_key
from spark_control.fleet.backoff import full_jitter
from spark_control.fleet.errors import ConnectionLost, HostUnreachable, JumpHostRefused
from spark_control.fleet.flight import Flight
from spark_control.settings.domain import Spark


@dataclass(frozen=True, slots=True, kw_only=True)
class SshLimits:
    """How long to wait, and how much at a time."""

    channels: int = 7
    """Commands at one time. With the one that ends commands it is eight: OpenSSH allows ten on a
    connection, and counts one that has just ended a little longer."""
    streams: int = 5
    """How many of them may be streams, so that open logs leave room for commands."""
    connect_s: float = 5.0
    """For the TCP connection."""
    login_s: float = 10.0
    """For everything after it, until commands can run."""
    keepalive_s: float = 5.0
    keepalive_count: int = 3
    grace_s: float = 5.0
    """How much longer than a command's own limit we wait for it."""
    end_s: float = 5.0
    """How long a command gets to end when it is told to; `timeout -k` kills it after two."""
    backoff_s: float = 0.5
    backoff_cap_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccess:
    """What opens the door: our key, the user's own keys and agent if wanted, and whom we trust."""

    known_hosts: Trust
    key_path: Path | None
    user_keys: bool = True
    config: tuple[Path, ...] = ()


class _Witness(asyncssh.SSHClient):
    """Sees a connection come up, show its key, and go."""

    def __init__(
        self, trusted: Trusted, lost: Callable[[], None], *, looks_only: bool = False
    ) -> None:
        self.trusted = trusted
        self._looks_only = looks_only
        self.new_key: asyncssh.SSHKey | None = None
        self.wrong_key: asyncssh.SSHKey | None = None
        self._lost = lost
        self._limit: asyncio.Timeout | None = None
        self._until = 0.0

    @property
    def keys(self) -> tuple[tuple[asyncssh.SSHKey, ...], ...]:
        """Return the keys that are taken unseen: trusted, of authorities, revoked."""
        known = self.trusted
        return ((), (), ()) if self._looks_only else (known.keys, known.authorities, known.revoked)

    def watch(self, limit: asyncio.Timeout, until: float) -> None:
        """Move `limit` to `until` once the network is through: a slow login is no dead Spark."""
        self._limit, self._until = limit, until

    @override
    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(self._until)

    @override
    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        if self.trusted.accepts(key) and not self._looks_only:
            self.new_key = key
            return True
        self.wrong_key = key
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()


class SshLink:
    """Gives the connection to a Spark; whoever comes while it is made waits for the same one."""

    def __init__(
        self,
        spark: Spark,
        access: SshAccess,
        limits: SshLimits,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._spark = spark
        self._access = access
        self._limits = limits
        self._clock = clock
        self._chance = chance
        self._tasks = Tasks(spark.name)
        self._flight = Flight[asyncssh.SSHClientConnection](
            self._tasks, "connect", stopped=ConnectionLost
        )
        self._held: asyncssh.SSHClientConnection | None = None
        self._failures = 0

    async def get(self) -> asyncssh.SSHClientConnection:
        """Return the connection. Raises HostUnreachable, HostRefusedKey, HostKeyChanged."""
        if self._held is not None and not self._held.is_closed():
            return self._held
        return await self._flight.join(self._connect)

    def answered(self) -> None:
        """Take note that the Spark did what it was asked: the next loss is a first one."""
        self._failures = 0

    async def look(self) -> asyncssh.SSHKey:
        """Return the key that the Spark shows now; nobody logs in. Raises HostUnreachable."""
        spark = self._spark
        known = await asyncio.to_thread(self._access.known_hosts.trusted, spark.host, spark.port)
        # Asked for the kinds that are pinned, as a login is, and trusting none of them.
        witness = _Witness(Trusted(keys=known.keys), self._lost, looks_only=True)
        with ssh_errors(spark.name, lost=HostUnreachable):
            try:
                connection = await self._offer(witness, client_keys=None, agent_path=None)
                connection.abort()
            except asyncssh.HostKeyNotVerifiable as error:
                if witness.wrong_key is not None:
                    return witness.wrong_key
                raise _jump_host(spark, error) from error
        raise HostUnreachable(f"{spark.name} shows no host key.")

    async def close(self) -> None:
        """Let go of the connection."""
        await self._tasks.close()
        held, self._held = self._held, None
        if held is not None:
            held.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.end_s):
                    await held.wait_closed()
            held.abort()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        await self._clock.sleep(
            full_jitter(
                self._failures,
                self._chance(),
                base_s=self._limits.backoff_s,
                cap_s=self._limits.backoff_cap_s,
            )
        )
        # Counted before it is known to fail; what the Spark answers later sets it back.
        self._failures += 1
        with ssh_errors(self._spark.name, lost=HostUnreachable):
            self._held = await self._open()
        return self._held

    async def _open(self) -> asyncssh.SSHClientConnection:
        spark, known = self._spark, self._access.known_hosts
        trusted = await asyncio.to_thread(known.trusted, spark.host, spark.port)
        witness = _Witness(trusted, self._lost)
        try:
            connection = await self._login(witness)
        except asyncssh.HostKeyNotVerifiable as error:
            if witness.wrong_key is None:
                raise _jump_host(spark, error) from error
            raise key_refused(trusted, spark.host, spark.port, witness.wrong_key) from error
        except (asyncssh.Error, OSError):
            # Its key has been seen all the same, and that is what counts.
            await self._keep(witness)
            raise
        with ExitStack() as undo:
            undo.callback(connection.abort)
            await self._keep(witness)
            undo.pop_all()
        return connection

    async def _keep(self, witness: _Witness) -> None:
        spark, known = self._spark, self._access.known_hosts
        if witness.new_key is not None:
            await asyncio.to_thread(known.pin, spark.host, spark.port, witness.new_key)

    async def _login(self, witness: _Witness) -> asyncssh.SSHClientConnection:
        """Offer our key; those of the user by themselves, as a server counts the tries."""
        access = self._access
        if access.key_path is not None:
            ours = [await asyncio.to_thread(load_key, access.key_path)]
            if not access.user_keys:
                return await self._offer(witness, client_keys=ours, agent_path=None)
            with suppress(asyncssh.PermissionDenied):
                return await self._offer(witness, client_keys=ours, agent_path=None)
        # No further word means what `ssh` would offer: configured keys, usual files, the agent.
        return await self._offer(witness, **({} if access.user_keys else {"client_keys": None}))

    async def _offer(self, witness: _Witness, **keys: object) -> asyncssh.SSHClientConnection:
        spark, limits, trusted = self._spark, self._limits, witness.trusted
        async with asyncio.timeout(limits.connect_s) as limit:
            witness.watch(limit, asyncio.get_running_loop().time() + limits.login_s)
            return await asyncssh.connect(
                spark.host,
                # A port of 22 may be another one by the user's own configuration.
                port=spark.port if spark.port != 22 else (),
                username=spark.user or (),
                config=[str(path) for path in self._access.config] or None,
                client_factory=lambda: witness,
                # An empty list would mean the user's own `known_hosts`, hence the function.
                known_hosts=lambda *_: witness.keys,
                server_host_key_algs=trusted.algorithms,
                login_timeout=limits.login_s,
                keepalive_interval=limits.keepalive_s,
                keepalive_count_max=limits.keepalive_count,
                **keys,
            )

    def _lost(self) -> None:
        self._held = None


def _jump_host(spark: Spark, error: asyncssh.HostKeyNotVerifiable) -> JumpHostRefused:
    """Return the error for a key on the way there: the one of the Spark itself we would know."""
    return JumpHostRefused(
        f"The jump host before {spark.name} is not in your `known_hosts`.",
        detail={"reason": str(error)[:200]},
    )
