"""What the rooms above need of a Spark."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from spark_control.core.shell import Command, RemotePath
from spark_control.fleet.domain import HostKey, Way
from spark_control.settings.domain import Spark


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended. `exit_status` is real: a lost connection never becomes a Result."""

    exit_status: int
    stdout: str
    stderr: str


class Host(Protocol):
    """One Spark, reached somehow. All methods are safe to call at the same time.

    Raises, from any method: HostUnreachable, HostRefusedKey, HostKeyChanged, HostKeyNew,
    ConnectionLost.
    """

    @property
    def name(self) -> str:
        """Return the name of the Spark, as in `spark1`."""

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        """Run `command` in a shell of the Spark's user and return how it ended.

        Returns for every exit status; raises CommandTimeout after `timeout_s`, when the process
        and its children have been ended on the Spark too. A connection cut in the middle is
        ConnectionLost, never a Result; the far side ends by itself within `timeout_s`.
        """

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        r"""Run `command` and give its output (both streams) line by line, split at \n and \r.

        The iteration ends when the command ends, whatever its status. Leaving the context ends
        the command on the Spark. Raises CommandTimeout after `timeout_s`.
        """

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        """Write a whole file or nothing; folders above it are made. Repeating it is safe."""

    async def close(self) -> None:
        """Let go of the connection; the next call connects again."""


class HostKeys(Protocol):
    """Whom we trust, and how to look at a Spark before we do."""

    async def way(self, spark: Spark) -> Way:
        """Return where the connection goes. Raises KeyFileTrouble for a bad configuration."""

    async def resolve(self, host: str) -> frozenset[str]:
        """Return the addresses of a name. Raises HostUnreachable."""

    async def knock(self, host: str, port: int) -> None:
        """Return when the port takes a connection. Raises HostUnreachable."""

    async def offered(self, spark: Spark) -> HostKey:
        """Return the key the Spark shows now; nobody logs in. Raises HostUnreachable."""

    async def trust(self, spark: Spark, key: HostKey) -> None:
        """Pin this key and no other for the address. Raises KeyFileTrouble."""

    async def forget(self, spark: Spark) -> None:
        """Take every pinned key of the address out. Raises KeyFileTrouble."""

    async def pinned(self, spark: Spark) -> tuple[HostKey, ...]:
        """Return the keys that are pinned for the address. Raises KeyFileTrouble."""

    def visit(self, spark: Spark, key: HostKey | None) -> Host:
        """Return a way to the Spark for a moment, which takes that key only and pins nothing."""
