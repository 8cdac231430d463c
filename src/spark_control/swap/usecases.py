"""Start, watch and cancel swaps; one at a time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError, Internal, StorageTrouble
from spark_control.core.tasks import Tasks
from spark_control.engines.usecases import Engines
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import JobLost
from spark_control.jobs.exclusion import wants
from spark_control.jobs.usecases import Jobs
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.settings.slots import unchanged
from spark_control.swap.domain import Fence, Limits, Phase, Plan, Unit
from spark_control.swap.errors import SwapCancelled, SwapRunning, SwapUnknown
from spark_control.swap.eta import load_seconds, usual_seconds
from spark_control.swap.live import Live
from spark_control.swap.lock import Claim
from spark_control.swap.locks import Locks
from spark_control.swap.plan import Wish, World, plan_swap
from spark_control.swap.ports import Launcher, Logs
from spark_control.swap.ranks import Ranks
from spark_control.swap.recovery import LAUNCHED, from_json, interrupted, to_json, was_launched
from spark_control.swap.runner import Course, Runner
from spark_control.swap.together import together

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """Something short that must not meet a swap: its kind of job, on which Spark, with what."""

    kind: str
    spark: str
    target: str


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
    ranks: Ranks
    steady: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """Keeps the settings as they are for a moment."""
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

        Raises SwapRunning for another wish while one runs, BusyHost, ModelUnknown, what
        `plan_swap` raises, and what `Locks.admit` raises for the `claim`; nothing is touched then.
        """
        async with self._turn:
            fence = await self.locks.admit(claim)
            if (running := self.running) is not None:
                return self._same(running, wish)
            before = self.settings()
            world = await self.world(wish)
            plan = plan_swap(world, wish, job="")
            plan = replace(plan, unit=_under(plan.unit, fence))
            args = {"model": wish.key, "host": wish.host, "rollback": wish.rollback,
                    "plan": to_json(plan)}  # fmt: skip
            async with self.steady():
                unchanged(before, self.settings(), plan.sparks)
                job = await self.jobs.create(
                    kind=KIND, prefix="sw", target=wish.key, args=args,
                    wants=wants(KIND, plan.sparks), together=self.locks.consent(claim, fence),
                )  # fmt: skip
            await self._begin(job, replace(plan, unit=replace(plan.unit, job=job.id)))
            return job

    @asynccontextmanager
    async def between(self, claim: Claim, errand: Errand) -> AsyncIterator[None]:
        """Keep swaps from starting for as long as this is held, and be let in as one would.

        It is a job, so that nobody else on the same database works on that Spark meanwhile.
        Raises SwapRunning while one runs, BusyHost, and what `Locks.admit` raises for the `claim`.
        """
        async with self._turn:
            fence = await self.locks.admit(claim)
            if (running := self.running) is not None:
                raise _busy(running)
            async with self.steady():
                unchanged(self.settings(), self.settings(), [errand.spark])
                job = await self.jobs.create(
                    kind=errand.kind, prefix="en", target=errand.target,
                    args={"host": errand.spark}, wants=wants(errand.kind, [errand.spark]),
                    together=self.locks.consent(claim, fence),
                )  # fmt: skip
            async with self.jobs.during(job):
                yield

    async def recover(self, left: Iterable[Job]) -> list[Job]:
        """Go on with the swap that another process left; fail what cannot be gone on with.

        The Spark is asked first: only a container with the label of the job proves a launch.
        Returns at once; the Spark is asked in the background.
        """
        found = [job for job in left if job.kind == KIND]
        for job in found:
            plan = from_json(job.args.get("plan"), job.id)
            if plan is None or job is not found[-1] or self.running is not None:
                with suppress(JobLost):
                    await self.jobs.fail(job, interrupted(job))
            else:
                await self._begin(job, plan, found=True)
        return found

    async def _begin(self, job: Job, plan: Plan, *, found: bool = False) -> None:
        usual: dict[Phase, float] = {}
        with suppress(StorageTrouble):  # the job is there already and has to be run
            usual = usual_seconds(await self.jobs.usual(kind=KIND, target=job.target))
        live = Live(patience=load_seconds(self.limits.load, usual))
        running = Running(job=job, plan=plan, live=live, usual=usual)
        running.live.moved = lambda: self.publish(running)
        self._newest = running
        work = self._take_up if found else self._go
        running.task = self.tasks.spawn(self._run(running, work), name=job.id)

    def _same(self, running: Running, wish: Wish) -> Job:
        asked = running.job.args
        same = asked["model"] == wish.key and asked["host"] == wish.host
        if same and not running.live.cancelling:
            return running.job
        raise _busy(running)

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
            groups=await self.ranks.look(),
        )

    async def _go(self, running: Running) -> None:
        running.job = await self.jobs.start(running.job)
        await self._course(running, Phase.CHECKING)

    async def _take_up(self, running: Running) -> None:
        """Follow a launch that went on without us. Raises Interrupted when there was none."""
        await self._take_over(running)
        job, plan = running.job, running.plan
        if job.phase not in LAUNCHED:
            raise interrupted(job)
        hosts = [self.host(spark) for spark in plan.ranks]
        launching = job.phase == Phase.LAUNCHING
        patience = self.limits.launch if launching else self.limits.appear
        limits = replace(self.limits, appear=patience)
        if not await was_launched(self.launcher, hosts, plan.unit, self.clock, limits):
            raise interrupted(job)
        running.live.touched = True
        first = Phase.VERIFYING if job.phase == Phase.VERIFYING else Phase.LOADING
        await self._course(running, first)

    async def _take_over(self, running: Running) -> None:
        """See that who ran it before launches nothing any more: it may only have slept."""
        if (under := running.plan.unit.under) is None:
            return
        fence = await self.locks.take_up(under)
        running.plan = replace(running.plan, unit=_under(running.plan.unit, fence))
        kept = {**running.job.args, "plan": to_json(running.plan)}
        running.job = replace(running.job, args=kept)
        await self.jobs.hold(running.job)

    async def _course(self, running: Running, first: Phase) -> None:
        def keep(job: Job) -> None:
            if job.phase == Phase.LAUNCHING != running.job.phase:
                # The engine before has just ended: say so now and not at the next look.
                for gone in running.plan.sparks:
                    _ = self.tasks.spawn(self._look(gone), name=f"engine of {gone} gone")
            running.job = job
            self._tell(running)

        hosts = {spark: self.host(spark) for spark in running.plan.sparks}
        keep(await self.runner.run(Course(
            job=running.job, plan=running.plan, hosts=hosts, live=running.live,
            keep=keep, first=first,
        )))  # fmt: skip
        await self.engines.refresh(running.plan.spark)
        await self.ranks.look()
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
            try:
                await self._give_up(running, error)
            except JobLost as lost:
                log.warning("swap %s is left alone: %s", running.job.id, lost.message)
                self._newest = None
        running.live.ended = True
        self._tell(running)

    async def _give_up(self, running: Running, error: AppError | None) -> None:
        """End the job, leave no half-started engine behind, bring the one before back if asked."""
        await self.jobs.hold(running.job)
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
        moves = {JobState.FAILED: self.jobs.fail, JobState.CANCELLED: self.jobs.cancel}
        if error is None:
            running.job = await self.jobs.finish(running.job)
        else:
            running.job = await moves[state](running.job, error)

    def _back(self, running: Running) -> Wish | None:
        """Return the wish for the model that ran before, when it went and was asked back."""
        plan, asked = running.plan, running.job.args.get("rollback")
        if not asked or not running.live.touched or not plan.replaces:
            return None
        return Wish(plan.replaces[0], plan.back_to or plan.spark)

    async def _roll_back(self, wish: Wish, failed: Plan) -> None:
        try:
            await self.request(wish, failed.unit.under)
        except AppError as error:
            log.warning("%s could not be brought back: %s", wish.key, error.message)

    async def _clean(self, plan: Plan) -> str | None:
        """Stop what this job launched, and nothing else; return what to say when that fails."""
        said = await together(*(self._clean_on(spark, plan) for spark in plan.ranks))
        await self.ranks.look()
        return " ".join(filter(None, said)) or None

    async def _clean_on(self, spark: str, plan: Plan) -> str | None:
        try:
            host = self.host(spark)
            there = await self.launcher.status(host, plan.unit.container, inside=False)
            if there.job != plan.unit.job:
                return None
            await self.launcher.stop(host, plan.unit.container, timeout_s=self.limits.stop)
            await self.engines.refresh(spark)
        except AppError as error:
            log.warning("cleaning up after %s on %s: %s", plan.unit.job, spark, error.message)
            return f"Its engine may still run on {spark}: {error.message}"
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


def _under(unit: Unit, fence: Fence) -> Unit:
    return replace(unit, realm=fence.realm, fence=fence.number)


def _busy(running: Running) -> SwapRunning:
    return SwapRunning(
        f"A swap to {running.job.target} runs now.",
        detail={"id": running.job.id, "model": running.job.target},
    )
