"""`GET /api/jobs`, one job, and its log."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from spark_control.jobs.shapes import JobShape, JobsShape, render
from spark_control.jobs.usecases import Jobs


class JobLogs(Protocol):
    """Where the logs of jobs are kept."""

    async def tail(self, job_id: str, lines: int) -> list[str]:
        """Return the last `lines` lines; empty when the job wrote none."""


def router(jobs: Jobs, logs: JobLogs) -> APIRouter:
    """Return the routes of jobs."""
    routes = APIRouter(prefix="/api/jobs", tags=["jobs"])

    @routes.get("")
    async def newest(
        kind: str | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50
    ) -> JobsShape:
        """List the newest jobs."""
        found = await jobs.newest(kind=kind, limit=limit)
        return JobsShape(jobs=[render(job) for job in found])

    @routes.get("/{job_id}")
    async def one(job_id: str) -> JobShape:
        """Look at one job."""
        return render(await jobs.get(job_id))

    @routes.get("/{job_id}/log", response_class=PlainTextResponse)
    async def log(job_id: str, tail: Annotated[int, Query(ge=1, le=10000)] = 200) -> str:
        """Read the end of a job's log."""
        await jobs.get(job_id)
        lines = await logs.tail(job_id, tail)
        return "".join(f"{line}\n" for line in lines)

    return routes
