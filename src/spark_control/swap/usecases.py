"""Start, watch and cancel swaps; one at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError, Internal, StorageTrouble
from spark_control.core.tasks import Tasks
from spark_control.engines.usecases import Engines
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.usecases import Jobs
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.swap.domain import Limits, Phase, Plan
from spark_control.swap.errors import SwapCancelled, SwapRunning, SwapUnknown
from spark_control.swap.eta import usual_seconds
from spark_control.swap.live import Live
from spark_control.swap.lock import Claim
from spark_control.swap.locks import Locks
from spark_control.swap.plan import Wish, World, plan_swap
from spark_control.swap.ports import Launcher, Logs
from spark_control.swap.recovery import LAUNCHED, from_json, interrupted, to_json, was_launched
from spark_control.swap.runner import Course, Runner

log = logging.getLogger(__name__)

KIND = "swap"
BEAT_S = 15.0
"""Without news the state is said again, so that nobody takes the line for dead."""
FRAME_S = 0.25
"""A flood of log lines reaches a page in at most four pieces a second."""
Publish = Callable[["Running"], None]


@dataclass(kw_only=True, slots=True)
class Running:
    """The swap that runs now, or ran last."""

    job: Job
    plan: Plan
    live: Live
    usual: dict[Phase, float]
    task: asyncio.Task[None] | None = None


@dataclass(kw_only=True, slots=True)
class Swaps:
    """The swaps of this fleet. `publish` is told of each change of the running one."""

    runner: Runner
    jobs: Jobs
    models: Models
    engines: Engines
    launcher: Launcher
    logs: Logs
    host: Callable[[str], Host]
    settings: Callable[[], Settings]
    tasks: Tasks
    clock: Clock
    limits: Limits
    publish: Publish
    locks: Locks
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _newest: Running | None = field(init=False, default=None)
    _draining: bool = field(init=False, default=False)

    @property
    def newest(self) -> Running | None:
        """Return the swap that runs now or ended last since the start, or None."""
        return self._newest

    @property
    def running(self) -> Running | None:
        """Return the swap that runs now, or None."""
        newest = self._newest
        return newest if newest is not None and not newest.job.ended else None

    async def request(self, wish: Wish, claim: Claim = None) -> Job:
        """Start a swap, or return the one that runs when the wish is the same.

        Raises SwapRunning for another wish while one runs, ModelUnknown, what `plan_swap` raises,
        and what `Locks.admit` raises for the `claim`; nothing is touched then.
        """
        async with self._turn:
            fence = await self.locks.admit(claim)
            if (running := self.running) is not None:
                return self._same(running, wish)
            world = await self.world(wish)
            plan = plan_swap(world, wish, job="")
            unit = replace(plan.unit, realm=fence.realm, fence=fence.number)
            plan = replace(plan, unit=unit)
            args = {"model": wish.key, "host": wish.host, "rollback": wish.rollback,
                    "plan": to_json(plan)}  # fmt: skip
            job = await self.jobs.create(kind=KIND, prefix="sw", target=wish.key, args=args)
            await self._begin(job, replace(plan, unit=replace(plan.unit, job=job.id)))
            return job

    async def recover(self) -> list[Job]:
        """Go on with the swap that an earlier process left; fail what cannot be gone on with.

        The Spark is asked first: only a container with the label of the job proves a launch.
        Returns at once; the Spark is asked in the background.
        """
        left = [job for job in await self.jobs.store.unfinished() if job.kind == KIND]
        for job in left[:-1]:
            await self.jobs.fail(job, interrupted(job))
        for job in left[-1:]:
            plan = from_json(job.args.get("plan"), job.id)
            if plan is None:
                await self.jobs.fail(job, interrupted(job))
            else:
                await self._begin(job, plan, found=True)
        return left

    async def _begin(self, job: Job, plan: Plan, *, found: bool = False) -> None:
        usual = usual_seconds(await self.jobs.usual(kind=KIND, target=job.target))
        running = Running(job=job, plan=plan, live=Live(), usual=usual)
        running.live.moved = lambda: self.publish(running)
        self._newest = running
        work = self._take_up if found else self._go
        running.task = self.tasks.spawn(self._run(running, work), name=job.id)

    def _same(self, running: Running, wish: Wish) -> Job:
        asked = running.job.args
        if asked["model"] == wish.key and asked["host"] == wish.host:
            return running.job
        raise SwapRunning(
            f"A swap to {running.job.target} runs now.",
            detail={"id": running.job.id, "model": running.job.target},
        )

    async def world(self, wish: Wish) -> World:
        """Return what a plan for `wish` is made from now. Raises ModelUnknown, ModelNotOnDisk."""
        model = await self.models.find(wish.key)
        settings = self.settings()
        return World(
            sparks=[spark.name for spark in settings.sparks],
            slots=self.engines.slots(),
            engines=self.engines.seen(),
            model=model,
            container=settings.text("VLLM_CONTAINER"),
            launch_dir=settings.text("VLLM_LAUNCH_DIR"),
            room=self.models.room(model),
        )

    async def _go(self, running: Running) -> None:
        running.job = await self.jobs.start(running.job)
        await self._course(running, Phase.CHECKING)

    async def _take_up(self, running: Running) -> None:
        """Follow a launch that went on without us. Raises Interrupted when there was none."""
        job, plan = running.job, running.plan
        if job.phase not in LAUNCHED:
            raise interrupted(job)
        host = self.host(plan.spark)
        launching = job.phase == Phase.LAUNCHING
        patience = self.limits.launch if launching else self.limits.appear
        limits = replace(self.limits, appear=patience)
        if not await was_launched(self.launcher, host, plan.unit, self.clock, limits):
            raise interrupted(job)
        running.live.touched = True
        first = Phase.VERIFYING if job.phase == Phase.VERIFYING else Phase.LOADING
        await self._course(running, first)

    async def _course(self, running: Running, first: Phase) -> None:
        def keep(job: Job) -> None:
            if job.phase == Phase.LAUNCHING != running.job.phase:
                # The engine before has just ended: say so now and not at the next look.
                _ = self.tasks.spawn(self._look(running.plan.spark), name="engine gone")
            running.job = job
            self._tell(running)

        spark = running.plan.spark
        keep(await self.runner.run(Course(
            job=running.job, plan=running.plan, host=self.host(spark), live=running.live,
            keep=keep, first=first,
        )))  # fmt: skip
        await self.engines.refresh(spark)
        await self._end(running, JobState.DONE, None)

    async def _run(self, running: Running, work: Callable[[Running], Awaitable[None]]) -> None:
        error: AppError | None = None
        try:
            await work(running)
        except asyncio.CancelledError:
            if not running.live.cancelling:
                # The process ends: what runs on the Spark goes on and is found again.
                raise
        except AppError as failure:
            error = failure
        except Exception:
            log.exception("swap %s broke", running.job.id)
            error = Internal("Something broke inside Spark Control while the swap ran.")
        if not running.job.ended:
            running.live.ending = True
            await self._give_up(running, error)
        running.live.ended = True
        self._tell(running)

    async def _give_up(self, running: Running, error: AppError | None) -> None:
        """End the job, leave no half-started engine behind, bring the one before back if asked."""
        left = await self._clean(running.plan) if running.job.phase in LAUNCHED else None
        if error is None:
            reason = SwapCancelled(f"The swap to {running.job.target} was cancelled.", hint=left)
            await self._end(running, JobState.CANCELLED, reason)
            return
        if left is not None:
            error.detail["left"] = left
        back = self._back(running)
        if back is not None:
            error.detail["rolls_back_to"] = back.key
        await self._end(running, JobState.FAILED, error)
        if back is not None:
            work = self._roll_back(back, running.plan)
            _ = self.tasks.spawn(work, name=f"back to {back.key}")

    async def _end(self, running: Running, state: JobState, error: AppError | None) -> None:
        """End the job. A database that fails must not keep a swap running for ever here."""
        moves = {JobState.FAILED: self.jobs.fail, JobState.CANCELLED: self.jobs.cancel}
        try:
            if error is None:
                running.job = await self.jobs.finish(running.job)
            else:
                running.job = await moves[state](running.job, error)
        except StorageTrouble as trouble:
            log.warning("the end of swap %s is not stored: %s", running.job.id, trouble.message)
            why = None if error is None else error.as_dict()
            running.job = running.job.advance(state, at=self.clock.now(), error=why)

    def _back(self, running: Running) -> Wish | None:
        """Return the wish for the model that ran before, when it went and was asked back."""
        plan, asked = running.plan, running.job.args.get("rollback")
        if not asked or not running.live.touched or not plan.replaces:
            return None
        return Wish(plan.replaces[0], plan.spark)

    async def _roll_back(self, wish: Wish, failed: Plan) -> None:
        try:
            await self.request(wish, failed.unit.under)
        except AppError as error:
            log.warning("%s could not be brought back: %s", wish.key, error.message)

    async def _clean(self, plan: Plan) -> str | None:
        """Stop what this job launched, and nothing else; return what to say when that fails."""
        try:
            host = self.host(plan.spark)
            there = await self.launcher.status(host, plan.unit.container, inside=False)
            if there.job != plan.unit.job:
                return None
            await self.launcher.stop(host, plan.unit.container, timeout_s=self.limits.stop)
            await self.engines.refresh(plan.spark)
        except AppError as error:
            log.warning("cleaning up after %s: %s", plan.unit.job, error.message)
            return f"Its engine may still run on {plan.spark}: {error.message}"
        return None

    async def _look(self, spark: str) -> None:
        await self.engines.refresh(spark)

    def _tell(self, running: Running) -> None:
        running.live.notify()
        self.publish(running)

    async def cancel(self, swap_id: str) -> Job:
        """Cancel the swap and wait until it has ended. Cancelling an ended one changes nothing."""
        job = await self.get(swap_id)
        running = self.running
        if running is None or running.job.id != swap_id or running.task is None:
            return job
        if not running.live.cancelling and not running.live.ending:
            running.live.cancelling = True
            running.task.cancel()
        await asyncio.wait([running.task])
        return running.job

    async def get(self, swap_id: str) -> Job:
        """Return one swap. Raises SwapUnknown."""
        if self._newest is not None and self._newest.job.id == swap_id:
            return self._newest.job
        job = await self.jobs.store.get(swap_id)
        if job is None or job.kind != KIND:
            raise SwapUnknown(f"There is no swap {swap_id!r}.")
        return job

    def live(self, swap_id: str) -> Running | None:
        """Return the swap with what is held of it in memory, or None when it is too old."""
        newest = self._newest
        return newest if newest is not None and newest.job.id == swap_id else None

    def drain(self) -> None:
        """End the streams of those who follow; the swap itself goes on."""
        self._draining = True
        if self._newest is not None:
            self._newest.live.notify()

    async def follow(self, running: Running, after: int) -> AsyncIterator[list[tuple[int, str]]]:
        """Give the new log lines after line `after` at each change, until the swap has ended."""
        while True:
            revision, ended = running.live.revision, running.live.ended
            lines = running.live.after(after)
            after = lines[-1][0] if lines else after
            yield lines
            if ended or self._draining:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await running.live.changed(revision)
                    await self.clock.sleep(FRAME_S)
