"""What a swap would run on which Spark, as texts; nothing is run."""

from collections.abc import Sequence
from dataclasses import dataclass

from spark_control.core.shell import Command, render
from spark_control.swap.domain import Link, Plan, Unit
from spark_control.swap.script import (
    launch_command,
    launch_script,
    peer_command,
    script_path,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command as a line of `sh`, and what it is for."""

    does: str
    command: str
    stdin: str | None = None


@dataclass(frozen=True, slots=True)
class OnSpark:
    """What would run on one Spark, in order."""

    spark: str
    steps: tuple[Step, ...]


def rehearse(plan: Plan, links: Sequence[Link] = ()) -> tuple[OnSpark, ...]:
    """Return what the swap would do. A swap looks after each step whether it did what it says.

    A cluster needs the `links` of its Sparks: its launch names their addresses.
    """
    return (
        OnSpark(plan.spark, (*_reach(links), *_stop(plan.unit), *_launch(plan.unit, links))),
        *(OnSpark(seat.spark, (*_stop(plan.unit), _joins(plan))) for seat in plan.workers),
        *(OnSpark(seat.spark, _stop(plan.unit)) for seat in plan.ends),
    )


def _reach(links: Sequence[Link]) -> tuple[Step, ...]:
    return tuple(
        Step(f"Try SSH to {link.spark}", render(peer_command(link.address))) for link in links[1:]
    )


def _stop(unit: Unit) -> tuple[Step, ...]:
    stop = Command.of("docker", "exec", unit.container, "pkill", "-TERM", "-f", "vllm serve")
    return (
        Step("Ask the engine before to end, if one runs", render(stop)),
        Step("Remove its container", render(Command.of("docker", "rm", "-f", unit.container))),
    )


def _launch(unit: Unit, links: Sequence[Link]) -> tuple[Step, ...]:
    path = script_path(unit)
    return (
        Step(f"Write {path}", f"cat > {path.quoted()}", launch_script(unit)),
        Step("Launch", render(launch_command(unit, links))),
    )


def _joins(plan: Plan) -> Step:
    look = Command.of("docker", "inspect", "--type", "container", plan.unit.container)
    return Step(f"See that {plan.spark} has started its part here", render(look))
