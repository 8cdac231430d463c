"""What a swap needs of the launch scripts on a Spark, and of the places logs go to."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spark_control.fleet.ports import Host
from spark_control.jobs.ports import Together
from spark_control.swap.domain import Link, Unit, UnitStatus
from spark_control.swap.lock import Lock
from spark_control.swap.options import Table
from spark_control.swap.said import Said


class Launcher(Protocol):
    """One way to launch an engine. Raises the errors of `Host` besides its own."""

    async def prepare(self, hosts: Sequence[Host], unit: Unit) -> None:
        """Check that `unit` can be launched and lay out what the launch needs; changes no engine.

        `hosts` are the Sparks of the unit, the head first. Raises LauncherMissing,
        LauncherTooOld, ImageMissing, ImageDiffers, ClusterNoLink, PeerRefused, DockerRefused.
        """

    async def links(self, hosts: Sequence[Host], unit: Unit) -> tuple[Link, ...]:
        """Return how the Sparks of a cluster reach each other. Raises ClusterNoLink."""

    async def start(self, hosts: Sequence[Host], unit: Unit, *, timeout_s: float) -> None:
        """Return once the launcher has handed the engine over, ready or not.

        Raises LauncherFailed, CommandTimeout; LaunchFenced and LaunchBusy when it started nothing
        because of a newer or another launch on one of the Sparks. Must not be called while a
        container of that name is there: the launcher would start a second engine inside it.
        """

    async def stop(self, host: Host, container: str, *, timeout_s: float) -> bool:
        """End engine and container and see that they are gone; True when there was one.

        Stopping what is not there is no error. Raises StopFailed, DockerRefused.
        """

    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        """Look at the container and, with `inside`, for the engine in it. Raises DockerRefused."""

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

    def open(self, job_id: str, spark: str = "") -> LogSink:
        """Start the log of a swap, or that of its part on another `spark`; never raises."""

    async def tail(self, job_id: str, lines: int, spark: str = "") -> list[str]:
        """Return the last `lines` lines."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The lock, and what time it was in the store then."""

    lock: Lock
    at: datetime


Change = Callable[[Lock, datetime], Lock]
"""Makes the next lock of the one that is, at the store's time; may refuse by raising."""


class LockStore(Protocol):
    """Keeps the one swap lock."""

    async def change(self, change: Change) -> Reading:
        """Put what `change` makes of the lock in its place, in one transaction; durable after.

        Nobody else changes the lock in between, in this process or another one. The time is that
        of the store, so that processes whose clocks differ agree on when a hold ends. What
        `change` raises is raised here, and the lock stays. Raises DatabaseTrouble.
        """

    async def look(self) -> Reading | None:
        """Return the lock without writing; None before the first `change`."""

    def within(self, change: Change) -> Together:
        """Return `change` as a part of a transaction that stores something else."""


class RealParser(Protocol):
    """vLLM's own parser, in the image that would be launched. Raises the errors of `Host`."""

    async def image_id(self, host: Host, image: str) -> str | None:
        """Return the digest of an image, None when it is not there. Raises DockerRefused."""

    async def ask(
        self, host: Host, unit: Unit, argv: Sequence[str], *, fresh: bool, timeout_s: float
    ) -> Said:
        """Ask about the words after `vllm serve`; starts no engine and changes nothing.

        With `fresh` in a new container, whose answer holds the option table of the image.
        """


class Tables(Protocol):
    """The option tables of images."""

    @property
    def packaged(self) -> Table:
        """Return the table that came with Spark Control, of one version of vLLM."""

    async def of(self, image_id: str) -> Table | None:
        """Return the table of an image, None when nobody has read it yet."""

    async def keep(self, image_id: str, raw: object) -> None:
        """Keep the table of an image; failing to is no error."""
