"""Make jobs, move them, look them up; each move is stored and said once on the bus."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.core.ids import Ids
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import Interrupted, JobUnknown
from spark_control.jobs.ports import JobStore
from spark_control.jobs.shapes import render

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Jobs:
    """The jobs of this instance. A running job is moved only by the task that runs it."""

    store: JobStore
    bus: Bus
    clock: Clock
    ids: Ids

    async def create(
        self, *, kind: str, prefix: str, target: str, args: Mapping[str, object]
    ) -> Job:
        """Make a queued job."""
        job = Job(self.ids.new(prefix), kind, target, self.clock.now(), dict(args))
        return await self._say(job)

    async def start(self, job: Job) -> Job:
        """Move a queued job to running."""
        return await self._say(job.advance(JobState.RUNNING, at=self.clock.now()))

    async def enter(self, job: Job, phase: str) -> Job:
        """Note that the job is in `phase` from now on."""
        return await self._say(job.enter(phase, at=self.clock.now()))

    async def finish(self, job: Job) -> Job:
        """Note that the job ended well."""
        return await self._say(job.advance(JobState.DONE, at=self.clock.now()))

    async def fail(self, job: Job, error: AppError) -> Job:
        """Note that the job failed, and why."""
        log.warning("job %s (%s %s) failed: %s", job.id, job.kind, job.target, error.message)
        failed = job.advance(JobState.FAILED, at=self.clock.now(), error=error.as_dict())
        return await self._say(failed)

    async def cancel(self, job: Job, reason: AppError) -> Job:
        """Note that the job was cancelled, and what is left of it."""
        ended = job.advance(JobState.CANCELLED, at=self.clock.now(), error=reason.as_dict())
        return await self._say(ended)

    async def get(self, job_id: str) -> Job:
        """Return one job. Raises JobUnknown."""
        job = await self.store.get(job_id)
        if job is None:
            raise JobUnknown(f"There is no job {job_id!r}.")
        return job

    async def newest(self, *, kind: str | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs first."""
        return await self.store.newest(kind=kind, limit=limit)

    async def usual(self, *, kind: str, target: str) -> list[Job]:
        """Return the last runs of the same thing that ended well, for estimates."""
        return await self.store.finished(kind=kind, target=target, limit=5)

    async def fail_interrupted(self, *, but: Iterable[Job] = ()) -> list[Job]:
        """End the jobs an earlier process left behind, `but` those that somebody goes on with."""
        taken = {job.id for job in but}
        left = [job for job in await self.store.unfinished() if job.id not in taken]
        reason = Interrupted("Spark Control was stopped while this ran.")
        return [await self.fail(job, reason) for job in left]

    async def _say(self, job: Job) -> Job:
        await self.store.save(job)
        self.bus.publish("job", job.id, render(job).model_dump(mode="json"))
        return job
