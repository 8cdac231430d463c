"""Carry out one plan, phase by phase; how it goes is told to `Live`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from spark_control.core.clock import Clock
from spark_control.engines.domain import TAKEN
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from spark_control.engines.ports import Load, Probe
from spark_control.fleet.errors import ConnectionLost
from spark_control.fleet.ports import Host
from spark_control.jobs.domain import Job
from spark_control.jobs.usecases import Jobs
from spark_control.swap.causes import explain
from spark_control.swap.domain import Limits, Phase, Plan, Progress, Seat
from spark_control.swap.errors import (
    EngineMute,
    LaunchBusy,
    LauncherFailed,
    LauncherLied,
    LaunchFenced,
    PortTaken,
)
from spark_control.swap.following import TAIL, Following, Hosts, died_on
from spark_control.swap.foreign_ports import NoStrangers, Strangers
from spark_control.swap.judge import settled
from spark_control.swap.live import LINES, Live
from spark_control.swap.locks import Locks
from spark_control.swap.ports import Launcher, Logs
from spark_control.swap.recovery import was_launched
from spark_control.swap.together import together


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """One job on its way: `keep` is handed the job whenever it has moved.

    `hosts` are the ways to the Sparks of the plan, by their names.
    """

    job: Job
    plan: Plan
    hosts: Hosts
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
    strangers: Strangers = field(default_factory=NoStrangers)

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
            await steps[phase](course.plan, course.hosts, course.live)
        return job

    async def _check(self, plan: Plan, hosts: Hosts, _live: Live) -> None:
        await self.launcher.prepare([hosts[spark] for spark in plan.ranks], plan.unit)
        seats = plan.seats[: len(plan.ranks)]
        await together(*(self._free(seat, hosts[seat.spark], plan) for seat in seats))

    async def _free(self, seat: Seat, host: Host, plan: Plan) -> None:
        """See that nothing of somebody else listens where the engine will."""
        look = await self.probe.look(seat.address, timeout_s=5.0)
        taken = look.state in TAKEN
        status = await self.launcher.status(host, plan.unit.container, inside=taken)
        # A container in which no engine runs does not answer: something else does then.
        if not taken or status.engine:
            return
        ours = plan.unit.container if status.container else ""
        if not await self.strangers.admits(seat.spark, host, seat.address, ours=ours):
            what = f" ({look.served[0]})" if look.served else ""
            raise PortTaken(
                f"Port {seat.address.port} of {seat.spark} is taken by something else{what}.",
                detail={"spark": seat.spark, "served": list(look.served), "owner": look.owner},
            )

    async def _drain(self, plan: Plan, _hosts: Hosts, live: Live) -> None:
        addresses = [seat.address for seat in plan.seats]
        running = sum(self.load.in_flight(address) for address in addresses)
        if running:
            live.progress = Progress(f"Waiting for {running} running requests")
            live.notify()
        limit = self.limits.drain
        await together(*(self.load.drained(one, timeout_s=limit) for one in addresses))

    async def _stop(self, plan: Plan, hosts: Hosts, live: Live) -> None:
        await self.locks.admit(plan.unit.under)  # somebody may have taken the lock since then
        await together(
            *(self._stop_on(seat, hosts[seat.spark], plan, live) for seat in plan.seats)
        )

    async def _stop_on(self, seat: Seat, host: Host, plan: Plan, live: Live) -> None:
        limit = self.limits.stop
        stopped = await self.launcher.stop(host, plan.unit.container, timeout_s=limit)
        live.touched = True
        # Where nothing is launched, what was taken over is in nobody's way.
        evicted = seat.spark in plan.ranks and await self.strangers.evict(
            seat.spark, host, seat.address, timeout_s=limit
        )
        if not stopped and not evicted:
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

    async def _launch(self, plan: Plan, hosts: Hosts, live: Live) -> None:
        ranks = [hosts[spark] for spark in plan.ranks]
        try:
            await self.launcher.start(ranks, plan.unit, timeout_s=self.limits.launch)
        except (LaunchFenced, LaunchBusy):
            live.touched = False  # what is there now is of another launch
            raise
        except ConnectionLost:
            # What the launcher did before the cut is not known: the container's label tells.
            if not await was_launched(self.launcher, ranks, plan.unit, self.clock, self.limits):
                raise
        except LauncherFailed as error:
            explain(error, str(error.detail.get("said", "")).splitlines())
            raise
        await together(*(self._launched_on(host, plan) for host in ranks))

    async def _launched_on(self, host: Host, plan: Plan) -> None:
        """See that the launcher did what it says: it skips what seems to be there already."""
        status = await self.launcher.status(host, plan.unit.container, inside=False)
        if not status.container:
            raise LauncherLied(f"The launch script on {host.name} started no container.")
        if status.job != plan.unit.job:
            raise LauncherLied(
                f"The launch script found a container {plan.unit.container} on {host.name} and "
                "started none of its own.",
                hint="Somebody started one meanwhile. Ask for the swap again.",
            )

    async def _follow(self, plan: Plan, hosts: Hosts, live: Live) -> None:
        following = Following(
            launcher=self.launcher, probe=self.probe, logs=self.logs, clock=self.clock,
            limits=replace(self.limits, load=max(self.limits.load, live.patience)), plan=plan,
            hosts=hosts, live=live,
        )  # fmt: skip
        await following.run()

    async def _verify(self, plan: Plan, hosts: Hosts, live: Live) -> None:
        live.progress = Progress("Asking for one token")
        live.notify()
        await self._all_there(plan, hosts)
        try:
            await self.probe.token(plan.address, plan.unit.key, timeout_s=self.limits.token)
        except (EngineBroke, EngineSlow, EngineUnreachable) as error:
            await self._all_there(plan, hosts)
            mute = EngineMute(
                f"{plan.unit.key} is loaded and makes no token. {error.message}",
                detail={"log": live.tail(TAIL)},
            )
            explain(mute, live.tail(LINES))
            raise mute from error

    async def _all_there(self, plan: Plan, hosts: Hosts) -> None:
        """Raise RankDied for a cluster that lost a part: its first Spark stays green for long."""
        for spark in plan.ranks[1:]:
            if not (await self.launcher.status(hosts[spark], plan.unit.container)).engine:
                lines = await self.logs.tail(plan.unit.job, LINES, spark)
                raise died_on(plan, spark, lines)
