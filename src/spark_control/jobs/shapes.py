"""Jobs on the wire."""

from datetime import datetime

from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.jobs.domain import Job


class ErrorShape(BaseModel):
    """Why a job did not end well."""

    code: str
    message: str
    hint: str | None = None
    detail: dict[str, object] | None = None


class StepShape(BaseModel):
    """One step of a job; `state` is `current`, `done`, or how the job ended in it."""

    step: str
    state: str
    started_at: str
    ended_at: str | None
    seconds: float | None


class JobShape(BaseModel):
    """One job of any kind."""

    id: str
    kind: str
    target: str
    state: str
    phase: str | None
    error: ErrorShape | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    steps: list[StepShape]


class JobsShape(BaseModel):
    """The newest jobs first; `next` is what `before` takes for the page after this one."""

    jobs: list[JobShape]
    next: str | None = None


def moment(value: datetime | None) -> str | None:
    """Return a time as the API writes it, or null."""
    return None if value is None else iso(value)


def error_of(job: Job) -> ErrorShape | None:
    """Return why the job did not end well, or null."""
    return None if job.error is None else ErrorShape.model_validate(dict(job.error))


def steps_of(job: Job) -> list[StepShape]:
    """Return the steps of a job in their order, the last one with the end of the job."""
    return [
        StepShape(
            step=time.phase, state=_state(job, place), started_at=iso(time.started_at),
            ended_at=moment(time.ended_at),
            seconds=None if time.ended_at is None else round(time.seconds(time.ended_at), 3),
        )
        for place, time in enumerate(job.phases, 1)
    ]  # fmt: skip


def _state(job: Job, place: int) -> str:
    if place < len(job.phases):
        return "done"
    return job.state.value if job.ended else "current"


def render(job: Job) -> JobShape:
    """Return the job as the API shows it."""
    return JobShape(
        id=job.id, kind=job.kind, target=job.target, state=job.state, phase=job.phase,
        error=error_of(job), created_at=iso(job.created_at),
        started_at=moment(job.started_at), ended_at=moment(job.ended_at),
        steps=steps_of(job),
    )  # fmt: skip
