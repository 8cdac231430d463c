"""The words of a swap: phases, the unit that is launched, what a log line told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from spark_control.engines.domain import Address


class Phase(StrEnum):
    """What a swap does now, in this order."""

    CHECKING = "checking"
    DRAINING = "draining"
    STOPPING = "stopping"
    LAUNCHING = "launching"
    LOADING = "loading"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True)
class Fence:
    """The number of a hold on the swap lock: it only rises, within the `realm` of one database."""

    realm: str
    number: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What is launched. Every text was validated where it came in.

    `args` are vLLM's own; the words that the launch adds (`-tp`, names, port) are not among them.
    `ranks` are the Sparks of a cluster, the head first; a unit for one Spark names none.
    """

    job: str
    key: str
    source: str
    container: str
    image: str
    port: int
    launch_dir: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    mods: tuple[str, ...] = ()
    mount: str | None = None
    realm: str = ""
    fence: int = 0
    ranks: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return over how many Sparks the engine is divided."""
        return max(1, len(self.ranks))

    @property
    def under(self) -> Fence | None:
        """Return the fence that the swap was let in under; None for a plan without one."""
        return Fence(self.realm, self.fence) if self.realm else None


@dataclass(frozen=True, slots=True)
class Seat:
    """The engine slot of one Spark."""

    spark: str
    address: Address


@dataclass(frozen=True, slots=True)
class Plan:
    """One swap, decided: where, what, and what has to go.

    `workers` are the other Sparks of a cluster. `ends` are Sparks that nothing is launched on and
    that lose their engine all the same, as a part of a cluster that has another part in the way.
    `back_to` is the Spark that `replaces[0]` answered on.
    """

    spark: str
    address: Address
    unit: Unit
    replaces: tuple[str, ...] = ()
    workers: tuple[Seat, ...] = ()
    ends: tuple[Seat, ...] = ()
    back_to: str = ""

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Return every slot that this swap works on, the one that answers first."""
        return (Seat(self.spark, self.address), *self.workers, *self.ends)

    @property
    def sparks(self) -> tuple[str, ...]:
        """Return the Sparks that this swap works on, the one that answers first."""
        return tuple(seat.spark for seat in self.seats)

    @property
    def ranks(self) -> tuple[str, ...]:
        """Return the Sparks that something is launched on, the one that answers first."""
        return (self.spark, *(seat.spark for seat in self.workers))


@dataclass(frozen=True, slots=True)
class Link:
    """How the other Sparks of a cluster reach one: an address, and the names of its devices.

    `eth` and `ib` are empty where the launcher shall find them by itself.
    """

    spark: str
    address: str
    eth: str = ""
    ib: str = ""


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """What is there under a container's name: itself, the engine in it, the job it is of.

    `ranks` are the Sparks that its engine is divided over, none for an engine on one Spark.
    """

    container: bool
    engine: bool
    job: str | None = None
    model: str = ""
    ranks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """What a log line told: an activity in words, and a percentage where the engine gives one."""

    activity: str
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each part of a swap may take, in seconds.

    An engine must `appear` as a process in its time. On the other Sparks of a cluster it has until
    `join`, because Ray starts those parts only when the first one asks for them.
    """

    command: float = 20.0
    drain: float = 10.0
    stop: float = 45.0
    memory: float = 60.0
    launch: float = 180.0
    appear: float = 20.0
    join: float = 300.0
    load: float = 45 * 60.0
    lost: float = 60.0
    silent: float = 20 * 60.0
    token: float = 120.0
    poll: float = 0.25
    status_every: float = 2.0
