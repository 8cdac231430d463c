"""What is needed to go on with a swap after a restart: the plan as kept, and proof of a launch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from spark_control.core.clock import Clock
from spark_control.core.errors import HostTrouble, SlowUpstream
from spark_control.engines.domain import Address
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job
from spark_control.jobs.errors import Interrupted
from spark_control.swap.domain import Limits, Phase, Plan, Seat, Unit
from spark_control.swap.ports import Launcher

LAUNCHED = frozenset({Phase.LAUNCHING, Phase.LOADING, Phase.VERIFYING})
"""Phases in which a launch may be under way on the Spark."""

_LEFT: Mapping[str | None, str] = {
    None: "before it had begun; nothing was touched",
    Phase.CHECKING: "while it was checking; nothing was touched",
    Phase.DRAINING: "while it waited for running requests; nothing was touched",
    Phase.STOPPING: "while it stopped the engine before; nothing was launched",
    Phase.LAUNCHING: "while it was launching, and the launch did not go through",
    Phase.LOADING: "while the model was loading, and its engine is gone",
    Phase.VERIFYING: "while the engine was tried, and it is gone",
}


def to_json(plan: Plan) -> dict[str, object]:
    """Return the plan as it is kept with its job."""
    return asdict(plan)


def from_json(kept: object, job: str) -> Plan | None:
    """Return a plan that was kept, or None for what another version may have kept instead."""
    try:
        return _plan(kept, job) if isinstance(kept, Mapping) else None
    except (KeyError, TypeError):
        return None


def _plan(kept: Mapping[str, Any], job: str) -> Plan:
    unit = dict(kept["unit"])
    for name in ("args", "mods", "ranks"):
        unit[name] = tuple(unit.get(name, ()))
    return Plan(
        spark=kept["spark"],
        address=Address(**kept["address"]),
        unit=Unit(**(unit | {"job": job})),
        replaces=tuple(kept["replaces"]),
        workers=_seats(kept.get("workers", ())),
        ends=_seats(kept.get("ends", ())),
        back_to=kept.get("back_to", ""),
    )


def _seats(kept: Iterable[Mapping[str, Any]]) -> tuple[Seat, ...]:
    return tuple(Seat(seat["spark"], Address(**seat["address"])) for seat in kept)


def interrupted(job: Job) -> Interrupted:
    """Return why the swap cannot be gone on with."""
    left = _LEFT.get(job.phase, f"in a phase of another version ({job.phase})")
    return Interrupted(f"Spark Control was stopped {left}.")


async def was_launched(
    launcher: Launcher, hosts: Sequence[Host], unit: Unit, clock: Clock, limits: Limits
) -> bool:
    """Tell whether the container of the job is there on every Spark, and wait a little for it.

    A launcher that was running when we died goes on by itself, so a container may still come.
    Raises what Host raises when a Spark stays out of reach.
    """
    began = clock.monotonic()
    waiting = list(hosts)
    while True:
        try:
            while waiting and await _holds(launcher, waiting[0], unit):
                del waiting[0]
        except (HostTrouble, SlowUpstream):
            if clock.monotonic() - began > limits.lost:
                raise
        else:
            if not waiting or clock.monotonic() - began > limits.appear:
                return not waiting
        await clock.sleep(limits.status_every)


async def _holds(launcher: Launcher, host: Host, unit: Unit) -> bool:
    return (await launcher.status(host, unit.container, inside=False)).job == unit.job
