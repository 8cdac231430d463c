"""Pre-flight and dry run on the wire."""

from pydantic import BaseModel, ConfigDict, Field

from spark_control.core.clock import iso
from spark_control.swap.domain import Plan
from spark_control.swap.rehearsal import OnSpark
from spark_control.swap.validate import Report


class CheckShape(BaseModel):
    """`POST /api/swap/{key}/validate`: a Spark, when not the one a swap would choose."""

    model_config = ConfigDict(extra="forbid")

    host: str | None = Field(default=None, max_length=128)


class ReportShape(BaseModel):
    """What was found. `error` is the first of `errors`; `parser` names the vLLM that judged."""

    ok: bool
    stage: str
    error: str | None
    errors: list[str]
    warnings: list[str]
    cmd_args: list[str]
    launch_cmd: str
    spark: str
    parser: str | None
    note: str
    checked_at: str


class StepShape(BaseModel):
    """One command, and what it is for."""

    does: str
    command: str
    stdin: str | None


class OnSparkShape(BaseModel):
    """What would run on one Spark."""

    spark: str
    steps: list[StepShape]


class RehearsalShape(BaseModel):
    """What `POST /api/swap` with `dry_run` answers: nothing has been done.

    `sparks` are those that something is launched on, `ends` others that lose their part of a
    cluster along the way.
    """

    dry_run: bool = True
    model: str
    spark: str
    sparks: list[str]
    ends: list[str]
    replaces: list[str]
    hosts: list[OnSparkShape]


def report(found: Report) -> ReportShape:
    """Return a report as the API shows it."""
    verdict = found.verdict
    return ReportShape(
        ok=verdict.ok, stage=verdict.stage, error=next(iter(verdict.errors), None),
        errors=list(verdict.errors), warnings=list(verdict.warnings),
        cmd_args=list(found.words), launch_cmd=found.launch, spark=found.spark,
        parser=verdict.parser, note=verdict.note, checked_at=iso(found.at),
    )  # fmt: skip


def rehearsal(plan: Plan, hosts: tuple[OnSpark, ...]) -> RehearsalShape:
    """Return a dry run as the API shows it."""
    return RehearsalShape(
        model=plan.unit.key, spark=plan.spark, replaces=list(plan.replaces),
        sparks=list(plan.ranks), ends=[seat.spark for seat in plan.ends],
        hosts=[
            OnSparkShape(spark=one.spark, steps=[
                StepShape(does=step.does, command=step.command, stdin=step.stdin)
                for step in one.steps
            ])
            for one in hosts
        ],
    )  # fmt: skip
