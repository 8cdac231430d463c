"""What is needed to know and end an engine that somebody else started."""

from typing import Protocol

from typing_extensions import override

from spark_control.engines.domain import Address
from spark_control.fleet.ports import Host
from spark_control.swap.foreign import Holder


class Holders(Protocol):
    """Looks at what holds a port of a Spark, and ends it. Raises the errors of `Host`, too."""

    async def find(self, host: Host, address: Address) -> Holder | None:
        """Return what listens there, None when nothing does; changes nothing.

        One round trip. Raises BadAnswer.
        """

    async def end(self, host: Host, holder: Holder, *, timeout_s: float) -> None:
        """End it and see that it is gone; one that has ended already is no error.

        A container is stopped and removed, of a process only that very run is ended. Raises
        StopFailed, EngineProtected, DockerRefused, BadAnswer.
        """


class Adopted(Protocol):
    """Remembers which foreign engine was handed over on which Spark, also over a restart."""

    def get(self, spark: str) -> str | None:
        """Return the id of the one on that Spark. Never waits, never raises."""

    async def put(self, spark: str, holder_id: str | None) -> None:
        """Remember it, or with None forget it; durable after. Raises AdoptionUnkept."""


class Strangers(Protocol):
    """What a swap has to know of engines that somebody else started."""

    async def admits(self, spark: str, host: Host, address: Address, *, ours: str = "") -> bool:
        """Tell whether a swap may end what listens there: it was handed over, or is ours.

        `ours` is the name of our container there, if one is there. Raises as `Holders.find`.
        """

    async def evict(self, spark: str, host: Host, address: Address, *, timeout_s: float) -> bool:
        """End what was handed over there; True when there was something. Raises as `end`."""


class NoStrangers(Strangers):
    """Knows none, so none is ever ended."""

    @override
    async def admits(self, spark: str, host: Host, address: Address, *, ours: str = "") -> bool:
        return bool(ours)

    @override
    async def evict(self, spark: str, host: Host, address: Address, *, timeout_s: float) -> bool:
        return False
