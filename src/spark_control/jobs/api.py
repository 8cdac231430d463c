"""`GET /api/jobs`, one job, and its log."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Header, Query
from fastapi.responses import PlainTextResponse, StreamingResponse

from spark_control.core.sse import HEADERS
from spark_control.jobs.domain import JobState
from spark_control.jobs.follow import follow
from spark_control.jobs.ports import Asked
from spark_control.jobs.shapes import JobShape, JobsShape, render
from spark_control.jobs.usecases import Jobs


class JobLogs(Protocol):
    """Where the logs of jobs are kept."""

    async def tail(self, job_id: str, lines: int, spark: str = "") -> list[str]:
        """Return the last `lines` lines, of the part on `spark`; empty when there are none."""


def router(jobs: Jobs, logs: JobLogs) -> APIRouter:
    """Return the routes of jobs."""
    routes = APIRouter(prefix="/api/jobs", tags=["jobs"])

    @routes.get("")
    async def newest(
        kind: Annotated[str | None, Query(max_length=32)] = None,
        state: JobState | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: Annotated[str | None, Query(max_length=64)] = None,
    ) -> JobsShape:
        """List the newest jobs; `before` goes on behind that job, with what `next` said."""
        asked = Asked(kind=kind, state=state, limit=limit, before=before)
        found = await jobs.newest(asked)
        after = found[-1].id if len(found) == limit else None
        return JobsShape(jobs=[render(job) for job in found], next=after)

    @routes.get("/{job_id}")
    async def one(job_id: str) -> JobShape:
        """Look at one job."""
        return render(await jobs.get(job_id))

    @routes.get("/{job_id}/log", response_class=PlainTextResponse)
    async def log(
        job_id: str,
        tail: Annotated[int, Query(ge=1, le=10000)] = 200,
        spark: Annotated[str, Query(max_length=128)] = "",
    ) -> str:
        """Read the end of a job's log; a job on several Sparks has one for each other `spark`."""
        await jobs.get(job_id)
        lines = await logs.tail(job_id, tail, spark)
        return "".join(f"{line}\n" for line in lines)

    @routes.get("/{job_id}/stream")
    async def stream(
        job_id: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        """Follow a job: server-sent events `job`, resumed by `Last-Event-ID`, until its end."""
        await jobs.get(job_id)
        frames = follow(jobs, job_id, last_event_id)
        return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)

    return routes
