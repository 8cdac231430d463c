"""What a swap needs of the launch scripts on a Spark, and of the places logs go to."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from spark_control.fleet.ports import Host
from spark_control.swap.domain import Unit, UnitStatus


class Launcher(Protocol):
    """One way to launch an engine. Raises the errors of `Host` besides its own."""

    async def prepare(self, host: Host, unit: Unit) -> None:
        """Check that `unit` can be launched and lay out what the launch needs; changes no engine.

        Raises LauncherMissing, LauncherTooOld, ImageMissing, DockerRefused.
        """

    async def start(self, host: Host, unit: Unit, *, timeout_s: float) -> None:
        """Return once the launcher has handed the engine over, ready or not.

        Raises LauncherFailed, CommandTimeout. Must not be called while a container of that name
        is there: the launcher would start a second engine inside it.
        """

    async def stop(self, host: Host, container: str, *, timeout_s: float) -> bool:
        """End engine and container and see that they are gone; True when there was one.

        Stopping what is not there is no error. Raises StopFailed, DockerRefused.
        """

    async def status(self, host: Host, container: str) -> UnitStatus:
        """Look at the container and the processes in it. Raises DockerRefused."""

    async def memory_available(self, host: Host) -> int | None:
        """Return the bytes the Spark could give to a new engine, or None when it does not say."""

    def logs(
        self, host: Host, container: str, *, follow: bool, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Give the engine's log from its start; with `follow` until the container is gone."""


class LogSink(Protocol):
    """Takes the log of one swap."""

    def write(self, line: str) -> None:
        """Add a line; never raises."""

    def close(self) -> None:
        """End the log."""


class Logs(Protocol):
    """Keeps the logs of swaps, because the containers take theirs with them."""

    def open(self, job_id: str) -> LogSink:
        """Start the log of a swap; never raises."""

    async def tail(self, job_id: str, lines: int) -> list[str]:
        """Return the last `lines` lines."""
