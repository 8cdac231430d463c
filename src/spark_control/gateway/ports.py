"""What the control side of the gateway needs of its workers and of outside servers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from spark_control.gateway.outside import Server
from spark_control.gateway.record import Trace
from spark_control.gateway.services import Seen, Service
from spark_control.gateway.wire import State, Stats


class Ears(Protocol):
    """Who is told what workers say."""

    def busy(self, worker: object, counts: Mapping[str, int]) -> None:
        """Take how many requests run on a worker; nothing when it is gone."""

    def records(self, rows: Sequence[Trace]) -> None:
        """Take the records of requests that have ended."""

    def stats(self, stats: Stats) -> None:
        """Take how a worker is."""

    def wedged(self, service: str, status: int) -> None:
        """Take that a speech service failed inside."""

    def left(self, pid: int) -> None:
        """Forget a worker that has ended."""


class Link(Protocol):
    """The way to the workers."""

    def publish(self, state: State) -> None:
        """Tell every worker, those that come later too."""

    async def settled(self) -> None:
        """Return once every worker that is there decides by the newest state."""

    def on_sync(self, look: Callable[[], Awaitable[None]]) -> None:
        """Have `look` called when a worker asks for news, before it is answered."""


class OutsideModels(Protocol):
    """Asks an outside server what it has."""

    async def list(self, server: Server) -> tuple[str, ...] | None:
        """Return the names of its models, nothing when it does not say; None when it is away.

        Never raises for what the server does.
        """


class ServiceLooks(Protocol):
    """Asks a service how it is."""

    async def look(self, service: Service) -> Seen:
        """Return whether it is up, and what it says it has. Never raises for it."""
