"""What excludes what on one Spark; looking at things excludes nothing and waits for nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from spark_control.jobs.errors import BusyHost

FLEET = "*"
"""Stands for all Sparks together: what may run only once in the fleet has a lease on it."""

SWAP, DOWNLOAD, COPY, DELETE = "swap", "download", "copy", "delete"
IMAGE_UPDATE, HOST_UPDATE, REBOOT = "image_update", "host_update", "reboot"
ENGINE_STOP, TAKE_OVER = "engine_stop", "take_over"
SERVICE = "service:"

ALONE = frozenset({SWAP, DOWNLOAD, COPY, DELETE, IMAGE_UPDATE, HOST_UPDATE, REBOOT})
"""Of these a Spark does one at a time."""
AT_ENGINES = frozenset({SWAP, ENGINE_STOP, TAKE_OVER, IMAGE_UPDATE, HOST_UPDATE, REBOOT})
"""Of these too: they end or start engines."""
WHOLE = frozenset({HOST_UPDATE, REBOOT})
"""These take the services of the Spark along."""
ONCE = frozenset({SWAP, DELETE})
"""One swap at a time in the fleet, and no model is deleted anywhere while it runs."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a job needs for itself while it runs: a kind of work on one Spark."""

    host: str
    kind: str


@dataclass(frozen=True, slots=True)
class Lease:
    """What a job has for itself, and which job that is."""

    host: str
    kind: str
    job: str
    target: str
    since: datetime


def service(name: str) -> str:
    """Return the kind of a restart of one service."""
    return f"{SERVICE}{name}"


def wants(kind: str, hosts: Iterable[str]) -> tuple[Want, ...]:
    """Return what a job of `kind` needs that works on `hosts`."""
    fleet = (Want(FLEET, kind),) if kind in ONCE else ()
    return (*fleet, *(Want(host, kind) for host in dict.fromkeys(hosts)))


def excludes(one: str, other: str) -> bool:
    """Tell whether two kinds of work cannot go on at once on one Spark."""
    pair = (one, other)
    if one == other or any(ones.issuperset(pair) for ones in (ALONE, AT_ENGINES)):
        return True
    return any(kind in WHOLE for kind in pair) and any(k.startswith(SERVICE) for k in pair)


def conflict(asked: Sequence[Want], held: Iterable[Lease]) -> Lease | None:
    """Return the first lease that stands against what is asked; one on a Spark before the fleet's.

    The answer then names the Spark.
    """
    against = [
        lease for lease in held for want in asked
        if lease.host == want.host and excludes(lease.kind, want.kind)
    ]  # fmt: skip
    return min(against, key=lambda lease: lease.host == FLEET, default=None)


def doing(lease: Lease) -> str:
    """Return in words what goes on, and as which job."""
    what, _, name = lease.kind.replace("_", " ").partition(":")
    return f"{what} of {name or lease.target} ({lease.job})"


def busy(lease: Lease) -> BusyHost:
    """Return the refusal that names the Spark and the job that has it."""
    where = "The fleet" if lease.host == FLEET else lease.host
    return BusyHost(
        f"{where} is busy: {doing(lease)}.",
        detail={"host": None if lease.host == FLEET else lease.host, "kind": lease.kind,
                "job": lease.job, "target": lease.target},
    )  # fmt: skip
