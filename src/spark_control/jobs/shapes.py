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


class JobsShape(BaseModel):
    """The newest jobs first."""

    jobs: list[JobShape]


def moment(value: datetime | None) -> str | None:
    """Return a time as the API writes it, or null."""
    return None if value is None else iso(value)


def error_of(job: Job) -> ErrorShape | None:
    """Return why the job did not end well, or null."""
    return None if job.error is None else ErrorShape.model_validate(dict(job.error))


def render(job: Job) -> JobShape:
    """Return the job as the API shows it."""
    return JobShape(
        id=job.id, kind=job.kind, target=job.target, state=job.state, phase=job.phase,
        error=error_of(job), created_at=iso(job.created_at),
        started_at=moment(job.started_at), ended_at=moment(job.ended_at),
    )  # fmt: skip
