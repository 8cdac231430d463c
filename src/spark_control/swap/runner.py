"""Carry out one plan, phase by phase; how it goes is told to `Live`."""

from collections.abc import Callable
from dataclasses import dataclass

from spark_control.core.clock import Clock
from spark_control.core.errors import HostTrouble, SlowUpstream
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import EngineState
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from spark_control.engines.ports import Load, Probe
from spark_control.fleet.errors import ConnectionLost
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job
from spark_control.jobs.usecases import Jobs
from spark_control.swap.causes import explain
from spark_control.swap.domain import Limits, Phase, Plan, Progress
from spark_control.swap.errors import (
    EngineDied,
    EngineMute,
    EngineNeverReady,
    EngineStuck,
    LaunchBusy,
    LauncherFailed,
    LauncherLied,
    LaunchFenced,
    PortTaken,
)
from spark_control.swap.judge import Pulse, Watch, settled
from spark_control.swap.live import LINES, Live
from spark_control.swap.locks import Locks
from spark_control.swap.log_reader import LogReader
from spark_control.swap.ports import Launcher, Logs

TAIL = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """One job on its way: `keep` is handed the job whenever it has moved."""

    job: Job
    plan: Plan
    host: Host
    live: Live
    keep: Callable[[Job], None]
    first: Phase = Phase.CHECKING


@dataclass(kw_only=True, slots=True)
class Runner:
    """Runs swaps over the ports; one call of `run` owns one job."""

    jobs: Jobs
    launcher: Launcher
    probe: Probe
    load: Load
    logs: Logs
    clock: Clock
    limits: Limits
    locks: Locks

    async def run(self, course: Course) -> Job:
        """Take the job through its phases and return it, still running; raises why it failed.

        A job that was found again goes on with `course.first` and does not enter it anew.
        """
        steps = {
            Phase.CHECKING: self._check,
            Phase.DRAINING: self._drain,
            Phase.STOPPING: self._stop,
            Phase.LAUNCHING: self._launch,
            Phase.LOADING: self._follow,
            Phase.VERIFYING: self._verify,
        }
        job = course.job
        for phase in list(Phase)[list(Phase).index(course.first) :]:
            course.live.progress = None
            if job.phase != phase:
                job = await self.jobs.enter(job, phase)
            course.keep(job)
            await steps[phase](course.plan, course.host, course.live)
        return job

    async def _check(self, plan: Plan, host: Host, _live: Live) -> None:
        await self.launcher.prepare(host, plan.unit)
        look = await self.probe.look(plan.address, timeout_s=5.0)
        status = await self.launcher.status(host, plan.unit.container, inside=False)
        answers = look.state in {EngineState.SERVING, EngineState.LOADING, EngineState.SILENT}
        if answers and not status.container:
            what = f" ({look.served[0]})" if look.served else ""
            raise PortTaken(
                f"Port {plan.address.port} of {plan.spark} is taken by something else{what}.",
                detail={"served": list(look.served), "owner": look.owner},
            )

    async def _drain(self, plan: Plan, _host: Host, live: Live) -> None:
        running = self.load.in_flight(plan.address)
        if running:
            live.progress = Progress(f"Waiting for {running} running requests")
            live.notify()
        await self.load.drained(plan.address, timeout_s=self.limits.drain)

    async def _stop(self, plan: Plan, host: Host, live: Live) -> None:
        await self.locks.admit(plan.unit.under)  # somebody may have taken the lock since then
        stopped = await self.launcher.stop(host, plan.unit.container, timeout_s=self.limits.stop)
        live.touched = True
        if not stopped:
            return
        live.progress = Progress("Waiting for memory to come back")
        live.notify()
        await self._memory_back(host)

    async def _memory_back(self, host: Host) -> None:
        """Unified memory comes back late; a launch before that dies in the middle of loading."""
        deadline = self.clock.monotonic() + self.limits.memory
        readings: list[int] = []
        while self.clock.monotonic() < deadline:
            now = await self.launcher.memory_available(host)
            if now is None:
                return
            readings.append(now)
            if settled(readings):
                return
            await self.clock.sleep(self.limits.poll)

    async def _launch(self, plan: Plan, host: Host, live: Live) -> None:
        try:
            await self.launcher.start(host, plan.unit, timeout_s=self.limits.launch)
        except (LaunchFenced, LaunchBusy):
            live.touched = False  # what is there now is of another launch
            raise
        except ConnectionLost:
            # What the launcher did before the cut is not known: the container's label tells.
            status = await self.launcher.status(host, plan.unit.container, inside=False)
            if status.job != plan.unit.job:
                raise
            return
        except LauncherFailed as error:
            explain(error, str(error.detail.get("said", "")).splitlines())
            raise
        status = await self.launcher.status(host, plan.unit.container, inside=False)
        if not status.container:
            raise LauncherLied(f"The launch script on {host.name} started no container.")

    async def _follow(self, plan: Plan, host: Host, live: Live) -> None:
        """Read the log and watch the port and the process until the engine lists the model."""
        log, tasks = self.logs.open(plan.unit.job), Tasks(plan.unit.job)
        reader = LogReader(
            launcher=self.launcher, host=host, container=plan.unit.container, write=log.write,
            live=live, clock=self.clock, limits=self.limits,
        )  # fmt: skip
        _ = tasks.spawn(reader.follow(), name="log")
        try:
            await self._until_listed(plan, host, reader)
            await tasks.close()
            await reader.rest()
        except (EngineDied, EngineNeverReady, EngineStuck) as error:
            await tasks.close()
            await reader.rest()
            error.detail["log"] = live.tail(TAIL)
            explain(error, live.tail(LINES))
            raise
        finally:
            await tasks.close()
            log.close()

    async def _until_listed(self, plan: Plan, host: Host, reader: LogReader) -> None:
        watch = Watch(self.clock.monotonic(), self.limits)
        pulse = Pulse(self.clock.monotonic(), self.limits)
        while True:
            look = await self.probe.look(plan.address, timeout_s=5.0)
            if look.state is EngineState.SERVING and plan.unit.key in look.served:
                return
            now = self.clock.monotonic()
            if watch.too_long(now):
                raise EngineNeverReady(
                    f"{plan.unit.key} was not ready after {self.limits.load:.0f} s."
                )
            if watch.due(now):
                await self._still_there(plan, host, watch)
                await self._still_moves(plan, host, pulse, reader.known)
            await self.clock.sleep(self.limits.poll)

    async def _still_there(self, plan: Plan, host: Host, watch: Watch) -> None:
        """Raise when the engine has ended; a Spark out of reach gets some time to come back."""
        try:
            status = await self.launcher.status(host, plan.unit.container)
        except (HostTrouble, SlowUpstream):
            if watch.lost_too_long(self.clock.monotonic()):
                raise
            return
        if watch.ended(status, self.clock.monotonic()):
            raise EngineDied(f"{plan.unit.key} ended while it was loading.")

    async def _still_moves(self, plan: Plan, host: Host, pulse: Pulse, lines: int) -> None:
        """Raise when there has been no sign of life for too long: no line, no moving memory."""
        now = self.clock.monotonic()
        pulse.read(lines, now)
        if pulse.quiet(now):
            try:
                pulse.felt(await self.launcher.memory_available(host), now)
            except (HostTrouble, SlowUpstream):
                return
        if pulse.stopped(now):
            raise EngineStuck(
                f"{plan.unit.key} has shown no sign of life for {self.limits.silent:.0f} s."
            )

    async def _verify(self, plan: Plan, _host: Host, live: Live) -> None:
        live.progress = Progress("Asking for one token")
        live.notify()
        try:
            await self.probe.token(plan.address, plan.unit.key, timeout_s=self.limits.token)
        except (EngineBroke, EngineSlow, EngineUnreachable) as error:
            mute = EngineMute(
                f"{plan.unit.key} is loaded and makes no token. {error.message}",
                detail={"log": live.tail(TAIL)},
            )
            explain(mute, live.tail(LINES))
            raise mute from error
