"""What a swap would run on which Spark, as texts; nothing is run."""

from dataclasses import dataclass

from spark_control.core.shell import Command, render
from spark_control.swap.domain import Plan
from spark_control.swap.script import launch_command, launch_script, script_path


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


def rehearse(plan: Plan) -> tuple[OnSpark, ...]:
    """Return what the swap would do. A swap looks after each step whether it did what it says."""
    unit = plan.unit
    path = script_path(unit)
    stop = Command.of("docker", "exec", unit.container, "pkill", "-TERM", "-f", "vllm serve")
    steps = (
        Step("Ask the engine before to end, if one runs", render(stop)),
        Step("Remove its container", render(Command.of("docker", "rm", "-f", unit.container))),
        Step(f"Write {path}", f"cat > {path.quoted()}", launch_script(unit)),
        Step("Launch", render(launch_command(unit))),
    )
    return (OnSpark(plan.spark, steps),)
