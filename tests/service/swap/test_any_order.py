"""Swaps, locks, losses, restarts in any order: what must hold then holds after every step.

Two processes share a database and two Sparks; they are killed, frozen and started again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_control.core.errors import AppError
from spark_control.core.secret import Secret, digest
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address
from spark_control.jobs.adapters.schema import jobs, leases
from spark_control.jobs.domain import Job
from spark_control.swap.plan import Wish
from tests.service.swap.plane import Ground, Process
from tests.service.swap.sparks import Fate, Sparks
from tests.service.swap.virtual import Killed, VirtualLoop, database

SPARKS = ["spark1", "spark2"]
OWNERS = ["here", "there"]
OPEN = ("queued", "running")
LONG_S = 900.0
"""Longer than all limits of two swaps one after the other, and the beats until one is taken up."""
MODELS, BOTH = ["one", "two", "big"], [True, False]


@dataclass
class Asked:
    """A swap that somebody asked for, with which token, and which job that made."""

    token: str | None
    job: Job | None = None


class Fleet:
    """Everything that may happen to a fleet."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        addresses = {name: Address(f"10.88.0.1{n}", 8888) for n, name in enumerate(SPARKS, 1)}
        self.ground = Ground(
            loop=self.loop, sparks=Sparks(self.loop, addresses), engine=database(self.loop)
        )
        self.tasks = Tasks("test")
        self.processes: dict[str, Process] = {}
        self.asked: list[Asked] = []
        self.tokens: list[str] = []
        for owner in OWNERS:
            self._start(owner)

    def _start(self, owner: str) -> None:
        process = self.processes[owner] = Process(self.ground, owner)
        self.loop.run_until_complete(process.start())

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something in the background; refusals are an answer."""

        async def go() -> None:
            try:
                await work
            except (AppError, Killed):
                return

        async def begin() -> None:
            _ = self.tasks.spawn(go(), name="request")

        self.loop.run_until_complete(begin())
        self.loop.pass_time(0.01)

    def _up(self, owner: str) -> Process:
        """Return the process, or the other one when that is down."""
        if not self.processes:
            self._start(owner)
        return self.processes.get(owner) or next(iter(self.processes.values()))

    # -- what people do

    def swap(self, owner: str, model: str, host: str | None, key: int, rollback: bool) -> None:  # noqa: FBT001
        process = self._up(owner)
        token = self.tokens[-1 - key] if 0 <= key < len(self.tokens) else None
        asked = Asked(token)

        async def ask() -> None:
            claim = None if token is None else Secret(token)
            asked.job = await process.swaps.request(Wish(model, host, rollback), claim)

        self.asked.append(asked)
        self._do(ask())

    def cancel(self, owner: str) -> None:
        process = self._up(owner)
        if process.swaps.running is not None:
            self._do(process.swaps.cancel(process.swaps.running.job.id))

    def acquire(self, owner: str, ttl_s: int) -> None:
        process = self._up(owner)

        async def take() -> None:
            token, _ = await process.locks.acquire("somebody", None, ttl_s)
            self.tokens.append(token.reveal())

        self._do(take())

    def use_lock(self, owner: str, what: str) -> None:
        process = self._up(owner)
        token = Secret(self.tokens[-1] if self.tokens else "sc_unknown")
        if what == "renew":
            self._do(process.locks.renew(token, None, None))
        elif what == "release":
            self._do(process.locks.release(token))
        else:
            self._do(process.locks.break_lock("it is late"))

    # -- what happens to Sparks

    def reach(self, spark: str, how: str) -> None:
        acts = {"cut": self.ground.sparks.cut, "off": self.ground.sparks.power_off,
                "back": self.ground.sparks.back}  # fmt: skip
        acts[how](spark)

    def engine_dies(self, spark: str) -> None:
        self.ground.sparks.kill_part(spark)

    def launches_go(self, fate: Fate) -> None:
        self.ground.sparks.fate = fate

    def stops_work(self, spark: str, works: bool) -> None:  # noqa: FBT001
        self.ground.sparks.of[spark].stops = works

    # -- what happens to Spark Control

    def kill(self, owner: str) -> None:
        if (process := self.processes.pop(owner, None)) is not None:
            self.loop.run_until_complete(process.end())

    def start(self, owner: str) -> None:
        if owner not in self.processes:
            self._start(owner)

    def freeze(self, owner: str, frozen: bool) -> None:  # noqa: FBT001
        process = self._up(owner)
        (process.life.freeze if frozen else process.life.thaw)()

    def lock_database(self, owner: str, locked: bool) -> None:  # noqa: FBT001
        self._up(owner).sql.locked = locked

    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)

    # -- what must hold

    def nothing_went_wrong(self) -> None:
        assert self.ground.violations == []
        assert self.ground.sparks.violations == []
        twice = [job for job, times in self.ground.sparks.launches.items() if times > 1]
        assert twice == []

    def one_swap_at_a_time(self) -> None:
        running = self.open_jobs()
        with self.ground.engine.begin() as connection:
            held = set(connection.execute(sa.select(leases.c.job_id)).scalars())
        assert len(running) <= 1
        assert held == running, "a lease without its running job, or a running job without one"

    def no_swap_without_consent(self) -> None:
        for asked in self.asked:
            if asked.job is None or asked.job.id not in self.ground.lock_at:
                continue
            reading = self.ground.lock_at.pop(asked.job.id)
            hold = reading.lock.held(reading.at)
            held_by = hold.digest if hold is not None else None
            assert held_by == (digest(asked.token) if asked.token else None), asked

    def check(self) -> None:
        self.nothing_went_wrong()
        self.one_swap_at_a_time()
        self.no_swap_without_consent()

    def close(self) -> None:
        for process in self.processes.values():
            self.loop.run_until_complete(process.end())
        self.loop.run_until_complete(self.tasks.close())
        self.loop.run_until_complete(self.ground.sparks.tasks.close())
        self.ground.engine.dispose()
        asyncio.set_event_loop(None)
        self.loop.close()

    def all_is_well_again(self) -> None:
        for spark in SPARKS:
            self.ground.sparks.back(spark)
            self.ground.sparks.of[spark].stops = True
        for owner in OWNERS:
            self.start(owner)
            self.processes[owner].life.thaw()
            self.processes[owner].sql.locked = False
        waited = 0
        while (self.open_jobs() or self.tasks.names()) and waited < LONG_S:
            self.loop.pass_time(10.0)
            waited += 10
        self.loop.pass_time(1.0)
        self.ground.loop.run_until_complete(self.everybody_looks())
        self.every_job_has_ended()
        self.nothing_went_wrong()
        self.one_swap_at_a_time()
        self.loaded_is_what_answers()
        self.nobody_was_left_behind()

    async def everybody_looks(self) -> None:
        for process in self.processes.values():
            await process.engines.refresh_all()

    def open_jobs(self) -> set[str]:
        query = sa.select(jobs.c.id).where(jobs.c.state.in_(OPEN))
        with self.ground.engine.begin() as connection:
            return set(connection.execute(query).scalars())

    def every_job_has_ended(self) -> None:
        assert self.open_jobs() == set()
        for process in self.processes.values():
            assert process.swaps.running is None

    def nobody_was_left_behind(self) -> None:
        """See that each container is of a swap that went well, or that told of it."""
        query = sa.select(jobs.c.id, jobs.c.state, jobs.c.error)
        with self.ground.engine.begin() as connection:
            found = {row.id: row for row in connection.execute(query)}
        for spark in self.ground.sparks.of.values():
            if spark.container is not None:
                row = found[spark.container.unit.job]
                assert row.state == "done" or "may still run on" in str(row.error), row

    def loaded_is_what_answers(self) -> None:
        for process in self.processes.values():
            seen: dict[str, tuple[str, ...]] = {
                one.spark: one.served for one in process.engines.seen()
            }
            assert seen == {spark: self.ground.sparks.answers(spark) for spark in SPARKS}


@contextmanager
def fleet() -> Iterator[Fleet]:
    there = Fleet()
    try:
        yield there
    finally:
        there.close()


Step = tuple[Callable[..., None], tuple[Any, ...]]


def step(what: Callable[..., None], *args: Any, often: int = 1) -> list[st.SearchStrategy[Step]]:
    return [st.tuples(st.just(what), st.tuples(*map(st.sampled_from, args)))] * often


STEPS = st.one_of(
    *step(Fleet.swap, OWNERS, MODELS, [None, *SPARKS], [-1, -1, 0, 0, 1], BOTH, often=4),
    *step(Fleet.time_passes, [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 45.0], often=6),
    *step(Fleet.cancel, OWNERS),
    *step(Fleet.acquire, OWNERS, [5, 30, 600]),
    *step(Fleet.use_lock, OWNERS, ["renew", "release", "break"]),
    *step(Fleet.reach, SPARKS, ["cut", "off", "back", "back"]),
    *step(Fleet.engine_dies, SPARKS),
    *step(Fleet.launches_go, [Fate.SERVES, *Fate]),
    *step(Fleet.stops_work, SPARKS, BOTH),
    *step(Fleet.kill, OWNERS),
    *step(Fleet.start, OWNERS),
    *step(Fleet.freeze, OWNERS, BOTH),
    *step(Fleet.lock_database, OWNERS, BOTH),
)


@settings(max_examples=80)
@given(st.lists(STEPS, min_size=15, max_size=40))
def test_in_any_order(steps: list[Step]) -> None:
    with fleet() as there:
        for act, args in steps:
            act(there, *args)
            there.check()
        there.all_is_well_again()


def asleep_in(there: Fleet, phase: str) -> None:
    """Freeze a process in a phase of its swap, until the other one has ended that."""
    process = there.processes["here"]
    there.swap("here", "one", "spark1", -1, rollback=False)
    while process.swaps.running is None or process.swaps.running.job.phase != phase:
        there.time_passes(0.01)
    process.life.freeze()
    there.time_passes(120.0)
    assert there.open_jobs() == set()


def test_one_that_slept_while_another_went_on_launches_nothing() -> None:
    """It was frozen between its last look at the job and the launch; now it wakes up."""
    with fleet() as there:
        asleep_in(there, "launching")
        there.swap("there", "two", "spark1", -1, rollback=False)
        there.time_passes(45.0)
        assert there.ground.sparks.answers("spark1") == ("two", "org/two")
        there.processes["here"].life.thaw()
        there.all_is_well_again()
        assert there.ground.sparks.answers("spark1") == ("two", "org/two")


def test_a_hold_on_the_lock_outlives_a_swap_that_is_taken_up() -> None:
    """The number of the hold rises, its token stays good, and so does the way back."""
    with fleet() as there:
        there.swap("there", "two", "spark1", -1, rollback=False)
        there.time_passes(45.0)
        there.acquire("here", 600)
        there.launches_go(Fate.MUTE)
        there.swap("here", "one", "spark1", 0, rollback=True)
        there.time_passes(8.0)
        before = there.ground.reading().lock
        for _ in range(2):
            there.kill("here")
            there.start("here")
            there.time_passes(1.0)
        there.launches_go(Fate.SERVES)
        there.all_is_well_again()
        after = there.ground.reading().lock
        assert (before.hold, after.fence.number > before.fence.number) == (after.hold, True)
        assert there.ground.sparks.answers("spark1") == ("two", "org/two")
        there.no_swap_without_consent()
