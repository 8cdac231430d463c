"""Spark Control's swaps over the model of the Sparks, as processes that share one database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import sqlalchemy as sa
from typing_extensions import override

from spark_control.core.bus import Bus
from spark_control.core.tasks import Tasks
from spark_control.engines.usecases import Engines
from spark_control.fleet.ports import Host
from spark_control.gateway.in_flight import InFlight
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.exclusion import Want
from spark_control.jobs.ports import Together
from spark_control.jobs.usecases import Jobs
from spark_control.models.domain import Catalogue, Inventory, Kind, Mode, OnDisk, Recipe
from spark_control.models.usecases import Models
from spark_control.settings.domain import merge
from spark_control.swap.adapters import sql_lock
from spark_control.swap.adapters.sql_lock import SqlLock
from spark_control.swap.domain import Limits
from spark_control.swap.locks import Locks
from spark_control.swap.ports import LogSink, Reading
from spark_control.swap.ranks import Ranks
from spark_control.swap.recovery import LAUNCHED
from spark_control.swap.runner import Runner
from spark_control.swap.usecases import Running, Swaps
from tests.service.swap.fakes import NoHost
from tests.service.swap.sparks import ModelLauncher, ModelProbe, Sparks
from tests.service.swap.virtual import InlineSql, Life, VirtualClock, VirtualLoop

LIMITS = Limits(
    command=10, drain=1, stop=20, memory=3, launch=30, appear=10, join=15, load=60, lost=15,
    silent=40, token=10, poll=0.5, status_every=2,
)  # fmt: skip
MODELS = {"one": Mode.SOLO, "two": Mode.SOLO, "big": Mode.CLUSTER}


class Disks:
    """The models of the menu, whole on every Spark."""

    async def inventory(
        self, host: Host, local_paths: Sequence[str], *, timeout_s: float
    ) -> Inventory:
        assert (list(local_paths), timeout_s > 0) == ([], True)
        return Inventory(host.name, copies=tuple(
            OnDisk(f"org/{name}", kind=Kind.CHAT) for name in MODELS
        ))  # fmt: skip


class Recipes:
    """A recipe for each model."""

    async def load(self) -> Catalogue:
        return CATALOGUE


CATALOGUE = Catalogue(tuple(
    Recipe(key=name, name=name, repo=f"org/{name}", mode=mode) for name, mode in MODELS.items()
))  # fmt: skip


class NoLogs:
    """Keeps nothing."""

    def open(self, job_id: str, spark: str = "") -> LogSink:
        assert job_id != spark
        return self

    def write(self, line: str) -> None:
        assert line

    def close(self) -> None:
        return

    async def tail(self, job_id: str, lines: int, spark: str = "") -> list[str]:
        assert (job_id != spark, lines > 0) == (True, True)
        return []


Made = Callable[[Job, Reading], None]


class CountedIds:
    """Short names in the order of their making."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"


class WatchedJobs(SqlJobs):
    """The job store; `made` hears of each new job right after its transaction."""

    def __init__(self, sql: InlineSql, owner: str, made: Made) -> None:
        super().__init__(sql, owner)
        self._made = made

    @override
    async def create(self, job: Job, wants: Sequence[Want], together: Together | None) -> None:
        def noted(connection: sa.Connection) -> None:
            if together is not None:
                together(connection)
            self._made(job, sql_lock._change(connection, lambda lock, _: lock))

        await super().create(job, wants, noted)


@dataclass(kw_only=True)
class Ground:
    """What outlives a process: the Sparks, the database, and what the test notes of both."""

    loop: VirtualLoop
    sparks: Sparks
    engine: sa.Engine
    ids: CountedIds = field(default_factory=CountedIds)
    lock_at: dict[str, Reading] = field(default_factory=dict)
    """The lock as it was in the transaction that made a job."""
    violations: list[str] = field(default_factory=list)

    def reading(self) -> Reading:
        """Return the lock as it is in the database."""
        with self.engine.begin() as connection:
            return sql_lock._change(connection, lambda lock, _: lock)


class Process:
    """One Spark Control of the data directory `owner`."""

    def __init__(self, ground: Ground, owner: str) -> None:
        self.ground = ground
        self.owner = owner
        self.life = Life()
        self.tasks = Tasks(owner)
        self.sql = InlineSql(ground.engine, self.life)
        clock = VirtualClock(ground.loop, self.life)
        bus, addresses = Bus(boot=owner), ground.sparks.addresses
        self.jobs = Jobs(
            store=WatchedJobs(self.sql, owner, self._made), bus=bus, clock=clock, ids=ground.ids
        )
        launcher = ModelLauncher(ground.sparks, self.life, self._stopping)
        probe = ModelProbe(ground.sparks, self.life)
        self.engines = Engines(probe=probe, bus=bus, clock=clock, slots=lambda: addresses)
        self.locks = Locks(
            store=SqlLock(self.sql), bus=bus, clock=clock, tokens=lambda: ground.ids.new("token")
        )
        settings = merge({
            f"SPARK{n}_HOST": at.host for n, at in enumerate(addresses.values(), 1)
        }, {})  # fmt: skip
        models = Models(
            fleet=self, store=Disks(), recipes=Recipes(), clock=clock, tasks=self.tasks
        )
        runner = Runner(
            jobs=self.jobs, launcher=launcher, probe=probe, load=InFlight(), logs=NoLogs(),
            clock=clock, limits=LIMITS, locks=self.locks,
        )  # fmt: skip
        self.swaps = Swaps(
            runner=runner, jobs=self.jobs, models=models, engines=self.engines,
            launcher=launcher, logs=NoLogs(), host=NoHost, settings=lambda: settings,
            tasks=self.tasks, clock=clock, limits=LIMITS, publish=self._said, locks=self.locks,
            ranks=Ranks(
                launcher=launcher, hosts=self.hosts, container=lambda: "vllm_node",
                clock=clock, tasks=self.tasks,
            ),
        )  # fmt: skip

    def hosts(self) -> Sequence[Host]:
        return [NoHost(name) for name in self.ground.sparks.addresses]

    async def start(self) -> None:
        """Do what a start does."""
        await self._take_up(await self.jobs.left())
        _ = self.tasks.spawn(self.jobs.watch(self._take_up), name="jobs")
        _ = self.tasks.spawn(self.engines.watch(), name="engines")
        _ = self.tasks.spawn(self.swaps.ranks.watch(), name="parts")
        _ = self.tasks.spawn(self.locks.watch(), name="lock")

    async def _take_up(self, left: list[Job]) -> None:
        await self.jobs.fail_interrupted(left, but=await self.swaps.recover(left))

    async def end(self) -> None:
        """Be killed: nothing is done on the way."""
        self.life.kill()
        await self.tasks.close()

    def _made(self, job: Job, reading: Reading) -> None:
        self.ground.lock_at[job.id] = reading

    def _stopping(self, spark: str) -> None:
        """Note a swap that stops something without the consent of the lock."""
        running = self.swaps.running
        if running is None or running.live.ending or running.job.phase in LAUNCHED:
            return
        now = self.ground.reading().lock.fence
        if running.plan.unit.under != now:
            self.ground.violations.append(
                f"{running.job.id} stops {spark} under {running.plan.unit.under}, not {now}"
            )

    def _said(self, running: Running) -> None:
        """Note a swap that is called ready and made no token."""
        job = running.job
        if job.state is JobState.DONE and job.id not in self.ground.sparks.proved:
            self.ground.violations.append(f"{job.id} is called ready and made no token")
