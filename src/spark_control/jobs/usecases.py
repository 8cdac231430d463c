"""Make jobs, move them, look them up; each move is stored and said once on the bus."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.errors import AppError, StorageTrouble
from spark_control.core.ids import Ids
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import Interrupted, JobLost, JobUnknown
from spark_control.jobs.exclusion import FLEET, Want, doing
from spark_control.jobs.ports import Asked, JobStore, Sign, Together
from spark_control.jobs.shapes import render

log = logging.getLogger(__name__)

BEAT_S = 10.0
"""How often running jobs are renewed, and those of others are looked at."""
KEEP = 1000
"""So many ended jobs of each kind are kept."""
PRUNE_EVERY = 360
"""Beats between two looks for jobs that are too many."""
TakeUp = Callable[[list[Job]], Awaitable[None]]
"""Goes on with jobs that another process left, or ends them."""


@dataclass(kw_only=True, slots=True)
class Jobs:
    """The jobs of this instance. A running job is moved only by the task that runs it."""

    store: JobStore
    bus: Bus
    clock: Clock
    ids: Ids
    _running: set[str] = field(init=False, default_factory=set)
    _owed: dict[str, Job] = field(init=False, default_factory=dict)
    _seen: frozenset[Sign] = field(init=False, default=frozenset())

    async def create(
        self, *, kind: str, prefix: str, target: str, args: Mapping[str, object],
        wants: Sequence[Want] = (), together: Together | None = None,
    ) -> Job:  # fmt: skip
        """Make a queued job that has what it `wants` until it ends, all in one transaction.

        Raises BusyHost, and what `together` raises; nothing is stored then.
        """
        await self._settle()
        job = Job(self.ids.new(prefix), kind, target, self.clock.now(), dict(args))
        await self.store.create(job, wants, together)
        return self._told(job)

    async def start(self, job: Job) -> Job:
        """Move a queued job to running."""
        return await self._say(job.advance(JobState.RUNNING, at=self.clock.now()))

    async def enter(self, job: Job, phase: str) -> Job:
        """Note that the job is in `phase` from now on. Raises JobLost."""
        return await self._say(job.enter(phase, at=self.clock.now()))

    async def finish(self, job: Job) -> Job:
        """Note that the job ended well."""
        return await self._end(job.advance(JobState.DONE, at=self.clock.now()))

    async def fail(self, job: Job, error: AppError) -> Job:
        """Note that the job failed, and why."""
        log.warning("job %s (%s %s) failed: %s", job.id, job.kind, job.target, error.message)
        failed = job.advance(JobState.FAILED, at=self.clock.now(), error=error.as_dict())
        return await self._end(failed)

    async def cancel(self, job: Job, reason: AppError) -> Job:
        """Note that the job was cancelled, and what is left of it."""
        ended = job.advance(JobState.CANCELLED, at=self.clock.now(), error=reason.as_dict())
        return await self._end(ended)

    @asynccontextmanager
    async def during(self, job: Job) -> AsyncIterator[None]:
        """Run a short job; however that ends, the job ends and gives back what it has."""
        error: AppError | None = Interrupted("It was broken off.")
        try:
            job = await self.start(job)
            yield
            error = None
        except AppError as raised:
            error = raised
            raise
        finally:
            with suppress(JobLost):
                await (self.finish(job) if error is None else self.fail(job, error))

    async def hold(self, job: Job) -> None:
        """See that the job is still ours before something outside is changed. Raises JobLost.

        A database that fails is no reason to leave things as they are.
        """
        with suppress(StorageTrouble):
            await self.store.save(job)

    async def get(self, job_id: str) -> Job:
        """Return one job. Raises JobUnknown."""
        job = self._owed.get(job_id) or await self.store.get(job_id)
        if job is None:
            raise JobUnknown(f"There is no job {job_id!r}.")
        return job

    async def newest(self, asked: Asked | None = None) -> list[Job]:
        """Return the newest jobs first. Raises JobUnknown for a page after no job of ours."""
        asked = asked or Asked()
        if asked.before is not None:
            await self.get(asked.before)
        return [self._owed.get(job.id, job) for job in await self.store.newest(asked)]

    async def usual(self, *, kind: str, target: str) -> list[Job]:
        """Return the last runs of the same thing that ended well, for estimates."""
        return await self.store.finished(kind=kind, target=target, limit=5)

    async def busy(self) -> dict[str, str]:
        """Return the Sparks that jobs work on, each with what is done there."""
        held = await self.store.leases()
        return {lease.host: doing(lease) for lease in held if lease.host != FLEET}

    async def left(self) -> list[Job]:
        """Return what an earlier process of this data directory left behind, for the start."""
        found = await self.store.own()
        self._running.update(job.id for job in found)
        return found

    async def fail_interrupted(self, left: Iterable[Job], *, but: Iterable[Job] = ()) -> list[Job]:
        """End the jobs that a process `left`, `but` those that somebody goes on with."""
        taken = {job.id for job in but}
        reason = Interrupted("Spark Control was stopped while this ran.")
        ended = []
        for job in left:
            if job.id not in taken:
                with suppress(JobLost):  # somebody else has it, who ends it
                    ended.append(await self.fail(job, reason))
        return ended

    async def watch(self, take_up: TakeUp) -> None:
        """Renew what runs here, and take up what runs nowhere any more, until cancelled."""
        beats = 0
        while True:
            if beats % PRUNE_EVERY == 0:
                with suppress(StorageTrouble):
                    await self.store.prune(KEEP)
            beats += 1
            await self.clock.sleep(BEAT_S)
            # The next beat tries again. Without beats, others would take what runs here.
            with suppress(StorageTrouble, JobLost):
                await self.beat(take_up)

    async def beat(self, take_up: TakeUp) -> None:
        """One beat. A job is taken up when its owner was silent over two of them.

        Its time alone does not decide: the clock of the database may have jumped.
        """
        await self._settle()
        if self._running:
            await self.store.renew()
        silent = frozenset(await self.store.lapsed())
        dead, self._seen = silent & self._seen, silent
        if not dead:
            return
        found = await self.store.claim(sorted(dead, key=lambda sign: sign.job))
        self._running.update(job.id for job in found)
        for job in found:
            log.warning("job %s (%s %s) was left by another process", job.id, job.kind, job.target)
        await take_up(found)

    async def _settle(self) -> None:
        """Store the ends that could not be stored when they came."""
        for job in list(self._owed.values()):
            with suppress(JobLost):  # then somebody else has ended it
                await self.store.save(job)
            self._owed.pop(job.id, None)

    async def _end(self, job: Job) -> Job:
        """Store an end. A database that fails must not keep a job running for ever."""
        self._running.discard(job.id)
        try:
            await self.store.save(job)
        except StorageTrouble as trouble:
            log.warning("the end of %s is not stored yet: %s", job.id, trouble.message)
            self._owed[job.id] = job
        return self._publish(job)

    async def _say(self, job: Job) -> Job:
        await self.store.save(job)
        return self._told(job)

    def _told(self, job: Job) -> Job:
        self._running.add(job.id)
        return self._publish(job)

    def _publish(self, job: Job) -> Job:
        self.bus.publish("job", job.id, render(job).model_dump(mode="json"))
        return job
