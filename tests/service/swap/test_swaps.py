"""Swaps over fake ports: what is done in which order, and how each failure ends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from typing_extensions import override

from spark_control.core.bus import Bus
from spark_control.core.ids import RandomIds
from spark_control.core.sql import DatabaseTrouble, Sql, make_engine
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address
from spark_control.engines.errors import EngineSlow
from spark_control.engines.usecases import Engines
from spark_control.fleet.errors import ConnectionLost, HostUnreachable
from spark_control.gateway.in_flight import InFlight
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.adapters.schema import ensure
from spark_control.jobs.adapters.schema import jobs as job_table
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import BusyHost
from spark_control.jobs.usecases import Jobs
from spark_control.models.errors import ModelUnknown
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings, merge
from spark_control.settings.errors import SettingsChanged
from spark_control.swap.adapters.sql_lock import SqlLock
from spark_control.swap.domain import Limits
from spark_control.swap.errors import StopFailed, SwapRunning, SwapUnknown
from spark_control.swap.locks import Locks
from spark_control.swap.plan import Wish
from spark_control.swap.ranks import Ranks
from spark_control.swap.runner import Runner
from spark_control.swap.shapes import of_running
from spark_control.swap.usecases import Errand, Swaps
from tests.service.swap.fakes import (
    FakeFleet,
    FakeLauncher,
    FakeProbe,
    FakeRecipes,
    FakeStore,
    NoHost,
    QuickClock,
    World,
)

SPARK1 = Address("10.88.0.11", 8888)


@dataclass
class Bench:
    """A whole swap room over a fake world."""

    world: World
    launcher: FakeLauncher
    swaps: Swaps
    jobs: Jobs
    in_flight: InFlight
    said: list[str] = field(default_factory=list)

    async def run(self, key: str = "one") -> Job:
        """Start a swap and wait for its end."""
        job = await self.swaps.request(Wish(key))
        return await self.end(job)

    async def end(self, job: Job) -> Job:
        running = self.swaps.live(job.id)
        assert running is not None
        async for _ in self.swaps.follow(running, 0):
            pass
        return await self.jobs.get(job.id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    sql = Sql(make_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    ensure(sql.engine)
    clock, bus, tasks, world = QuickClock(), Bus(boot="b"), Tasks("test"), World()
    limits = Limits(drain=0.05, appear=2.0, load=5.0, lost=3.0, status_every=0.25)
    jobs = Jobs(store=SqlJobs(sql), bus=bus, clock=clock, ids=RandomIds())
    probe, launcher, in_flight = FakeProbe(world), FakeLauncher(world), InFlight()
    logs = LogFiles(tmp_path / "logs")
    settings = merge({"SPARK1_HOST": SPARK1.host}, {})
    engines = Engines(probe=probe, bus=bus, clock=clock, slots=lambda: {"spark1": SPARK1})
    models = Models(
        fleet=FakeFleet(), store=FakeStore(), recipes=FakeRecipes(), clock=clock, tasks=tasks
    )
    locks = Locks(store=SqlLock(sql), bus=bus, clock=clock)
    runner = Runner(
        jobs=jobs, launcher=launcher, probe=probe, load=in_flight, logs=logs, clock=clock,
        limits=limits, locks=locks,
    )  # fmt: skip
    said: list[str] = []
    swaps = Swaps(
        runner=runner, jobs=jobs, models=models, engines=engines, launcher=launcher, logs=logs,
        host=NoHost, settings=lambda: settings, tasks=tasks, clock=clock, limits=limits,
        publish=lambda running: said.append(of_running(running, clock.now()).state),
        locks=locks, ranks=Ranks(
            launcher=launcher, hosts=list, container=lambda: "vllm_node", clock=clock, tasks=tasks
        ),
    )  # fmt: skip
    yield Bench(world, launcher, swaps, jobs, in_flight, said)
    sql.close()


async def test_a_swap_in_its_order(bench: Bench) -> None:
    job = await bench.run()
    assert job.state is JobState.DONE
    assert [time.phase for time in job.phases] == [
        "checking", "draining", "stopping", "launching", "loading", "verifying",
    ]  # fmt: skip
    assert bench.world.calls == [
        "prepare one on spark1", "stop vllm_node on spark1", "start one on spark1",
        "token of one at 10.88.0.11",
    ]  # fmt: skip
    assert bench.swaps.engines.loaded() == {"one": ["spark1"], "org/one": ["spark1"]}
    assert bench.said[-1] == "ready"


async def test_the_engine_before_goes_and_memory_is_awaited(bench: Bench) -> None:
    bench.world.memory = [10 << 30, 60 << 30, 60 << 30, 99 << 30]
    bench.world.container, bench.world.engine, bench.world.served = "old", True, ("old",)
    await bench.swaps.engines.refresh_all()
    job = await bench.run()
    assert job.state is JobState.DONE
    assert bench.world.calls.count("memory of spark1") == 3
    running = bench.swaps.live(job.id)
    assert running is not None
    assert running.plan.replaces == ("old",)


async def test_the_same_wish_gets_the_same_job_and_another_is_refused(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    first = await bench.swaps.request(Wish("one"))
    assert (await bench.swaps.request(Wish("one"))).id == first.id
    with pytest.raises(SwapRunning) as refused:
        await bench.swaps.request(Wish("two"))
    assert refused.value.detail == {"id": first.id, "model": "one"}
    with pytest.raises(SwapRunning):
        await bench.swaps.request(Wish("one", "spark1"))
    await bench.launcher.launched.wait()
    await bench.swaps.cancel(first.id)
    bench.world.after_launch = bench.world.serve
    assert (await bench.run("two")).state is JobState.DONE


async def test_an_unknown_model_touches_nothing(bench: Bench) -> None:
    with pytest.raises(ModelUnknown):
        await bench.swaps.request(Wish("three"))
    assert bench.world.calls == []
    assert await bench.jobs.newest() == []


async def test_cancelling_leaves_no_engine(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    ended = await bench.swaps.cancel(job.id)
    assert ended.state is JobState.CANCELLED
    assert bench.world.container is None
    assert (await bench.swaps.cancel(job.id)).state is JobState.CANCELLED
    assert (await bench.jobs.get(job.id)).error == ended.error


async def test_a_cancel_whose_cleaning_fails_says_so(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    bench.world.on_stop = StopFailed("It does not stop.")
    ended = await bench.swaps.cancel(job.id)
    assert ended.error is not None
    assert ended.error["hint"] == "Its engine may still run on spark1: It does not stop."


def _lie(world: World) -> None:
    world.container = None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda w: setattr(w, "after_launch", w.die), "engine_died"),
        (lambda w: setattr(w, "after_launch", w.load_for_ever), "engine_never_ready"),
        (lambda w: setattr(w, "after_launch", lambda: _lie(w)), "launcher_lied"),
        (lambda w: setattr(w, "on_token", EngineSlow("Too slow.")), "engine_mute"),
        (lambda w: setattr(w, "foreign", ("theirs",)), "port_taken"),
        (lambda w: setattr(w, "on_stop", StopFailed("No.")), "stop_failed"),
        (lambda w: setattr(w, "on_status", HostUnreachable("Gone.")), "host_unreachable"),
        (lambda w: setattr(w, "on_launch", HostUnreachable("Gone.")), "host_unreachable"),
    ],
)
async def test_failures_have_their_code_and_leave_nothing(bench: Bench, change, code: str) -> None:  # type: ignore[no-untyped-def]
    change(bench.world)
    job = await bench.run()
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error["code"] == code
    assert bench.world.container is None
    assert bench.said[-1] == "failed"


async def test_a_taken_port_stops_nothing(bench: Bench) -> None:
    bench.world.foreign = ("theirs",)
    await bench.run()
    assert bench.world.calls == ["prepare one on spark1"]


async def test_a_cut_while_launching_is_looked_into(bench: Bench) -> None:
    bench.world.on_launch = ConnectionLost("Cut.")
    assert (await bench.run()).state is JobState.DONE


async def test_a_cut_before_anything_was_launched_fails(bench: Bench) -> None:
    bench.world.after_launch = lambda: _lie(bench.world)
    bench.world.on_launch = ConnectionLost("Cut.")
    job = await bench.run()
    assert job.error is not None
    assert job.error["code"] == "connection_lost"


async def test_the_log_is_kept_and_the_failure_shows_its_end(bench: Bench) -> None:
    bench.world.lines = [f"line {n}" for n in range(30)]
    bench.world.after_launch = bench.world.die
    job = await bench.run()
    assert job.error is not None
    detail = job.error["detail"]
    assert detail == {"log": [f"line {n}" for n in range(10, 30)]}
    assert await bench.swaps.logs.tail(job.id, 2) == ["line 28", "line 29"]


async def test_running_requests_are_let_finish(bench: Bench) -> None:
    bench.world.container, bench.world.engine, bench.world.served = "old", True, ("old",)
    bench.in_flight.take("worker", {SPARK1.base_url: 1})
    job = await bench.swaps.request(Wish("one"))
    running = bench.swaps.live(job.id)
    assert running is not None
    async for _ in bench.swaps.follow(running, 0):
        if running.job.phase == "draining":
            break
    bench.in_flight.take("worker", {})
    assert (await bench.end(job)).state is JobState.DONE


async def test_the_end_of_the_process_is_no_cancel(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    await bench.swaps.tasks.close()
    assert bench.world.container == job.id
    assert [left.id for left in await bench.jobs.store.unfinished()] == [job.id]
    failed = await bench.jobs.fail_interrupted(await bench.jobs.left())
    assert [(one.id, one.error and one.error["code"]) for one in failed] == [
        (job.id, "interrupted")
    ]


@pytest.mark.parametrize("plan", [None, "x", {}, {"unit": {}}, {"unit": {"args": 1, "mods": []}}])
async def test_a_job_of_another_version_is_ended(bench: Bench, plan: object) -> None:
    old = await bench.jobs.create(kind="swap", prefix="sw", target="one", args={"plan": plan})
    await bench.jobs.start(old)
    assert [job.id for job in await bench.swaps.recover(await bench.jobs.left())] == [old.id]
    ended = await bench.jobs.get(old.id)
    assert ended.error is not None
    assert (ended.state, ended.error["code"]) == (JobState.FAILED, "interrupted")


async def test_a_job_in_a_phase_of_another_version_is_ended(bench: Bench) -> None:
    old = await bench.jobs.create(kind="swap", prefix="sw", target="one", args={"plan": None})
    await bench.jobs.enter(await bench.jobs.start(old), "warming")
    await bench.swaps.recover(await bench.jobs.left())
    ended = await bench.jobs.get(old.id)
    assert ended.error is not None
    assert "another version (warming)" in str(ended.error["message"])


async def test_cancelling_a_swap_that_is_cleaned_up_waits_for_its_end(bench: Bench) -> None:
    bench.world.hold_stop = asyncio.Event()
    bench.world.on_token = EngineSlow("Too slow.")
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.cleaning.wait()
    cancelling = asyncio.gather(bench.swaps.cancel(job.id))
    bench.world.hold_stop.set()
    (ended,) = await cancelling
    assert (ended.state, bench.swaps.running) == (JobState.FAILED, None)


async def test_a_stop_that_could_not_begin_leaves_the_engine_before(bench: Bench) -> None:
    bench.world.container, bench.world.engine, bench.world.served = "old", True, ("old",)
    bench.world.on_stop = HostUnreachable("Gone.")
    job = await bench.run()
    assert (job.state, bench.world.container) == (JobState.FAILED, "old")
    assert bench.world.calls.count("stop vllm_node on spark1") == 1


class FullStore(SqlJobs):
    """A store whose disk is full from some moment on."""

    full = False

    @override
    async def save(self, job: Job) -> None:
        if self.full:
            raise DatabaseTrouble("The disk is full.")
        await super().save(job)


class ForgetfulStore(SqlJobs):
    """A store that cannot read earlier jobs."""

    @override
    async def finished(self, *, kind: str, target: str, limit: int) -> list[Job]:
        raise DatabaseTrouble(f"The last {limit} of {kind} {target} cannot be read.")


@pytest.mark.parametrize("phase", ["draining", "verifying"])
async def test_a_database_that_fails_ends_the_swap_all_the_same(bench: Bench, phase: str) -> None:
    store = FullStore(bench.jobs.store._sql)  # type: ignore[attr-defined]
    bench.jobs.store = store
    job = await bench.swaps.request(Wish("one"))
    running = bench.swaps.live(job.id)
    assert running is not None
    async for _ in bench.swaps.follow(running, 0):
        store.full = store.full or running.job.phase == phase
    assert running.job.ended
    assert bench.swaps.running is None
    if running.job.state is JobState.DONE:
        assert bench.world.container == job.id


async def test_a_spark_that_changes_while_a_swap_is_let_in_is_not_swapped(bench: Bench) -> None:
    changed: list[Settings] = [bench.swaps.settings()]
    bench.swaps.settings = lambda: changed[-1]

    @asynccontextmanager
    async def steady() -> AsyncIterator[None]:
        changed.append(merge({"SPARK1_HOST": "10.88.0.99"}, {}))
        yield

    bench.swaps.steady = steady
    with pytest.raises(SettingsChanged, match="spark1"):
        await bench.swaps.request(Wish("one"))
    assert (await bench.jobs.newest(), bench.world.calls) == ([], [])
    errand = Errand(kind="engine_stop", spark="spark9", target="x")
    with pytest.raises(SettingsChanged, match="spark9"):
        async with bench.swaps.between(None, errand):
            raise AssertionError
    assert await bench.jobs.newest() == []


async def test_what_must_not_meet_a_swap_is_refused_while_one_runs(bench: Bench) -> None:
    errand = Errand(kind="engine_stop", spark="spark1", target="x")
    async with bench.swaps.between(None, errand):
        assert list(await bench.jobs.busy()) == ["spark1"]
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    with pytest.raises(SwapRunning):
        async with bench.swaps.between(None, errand):
            raise AssertionError
    await bench.swaps.cancel(job.id)
    assert await bench.jobs.busy() == {}


async def test_a_swap_that_is_being_cancelled_is_not_the_one_asked_for(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    bench.world.hold_stop = asyncio.Event()
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    ending = asyncio.gather(bench.swaps.cancel(job.id))
    await bench.launcher.cleaning.wait()
    with pytest.raises(SwapRunning):
        await bench.swaps.request(Wish("one"))
    bench.world.hold_stop.set()
    await ending
    bench.world.after_launch = bench.world.serve
    assert (await bench.run()).state is JobState.DONE


async def test_a_swap_whose_usual_times_cannot_be_read_runs(bench: Bench) -> None:
    """Its job is stored by then: left alone it would keep every Spark for ever."""
    bench.jobs.store = ForgetfulStore(bench.jobs.store._sql)  # type: ignore[attr-defined]
    assert (await bench.run()).state is JobState.DONE


async def test_draining_ends_who_follows_and_not_the_swap(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    running = bench.swaps.live(job.id)
    assert running is not None
    bench.swaps.drain()
    async for _ in bench.swaps.follow(running, 0):
        pass
    assert bench.swaps.running is running
    await bench.swaps.cancel(job.id)


async def test_other_jobs_are_no_swaps(bench: Bench) -> None:
    other = await bench.jobs.create(kind="x", prefix="x", target="t", args={})
    for swap_id in (other.id, "sw_nope"):
        with pytest.raises(SwapUnknown):
            await bench.swaps.get(swap_id)


async def test_a_later_swap_knows_how_long_it_usually_takes(bench: Bench) -> None:
    await bench.run()
    job = await bench.run()
    running = bench.swaps.live(job.id)
    assert running is not None
    assert set(running.usual) == {time.phase for time in job.phases}


async def test_a_swap_that_another_process_took_up_is_left_alone(bench: Bench) -> None:
    bench.world.after_launch = bench.world.load_for_ever
    job = await bench.swaps.request(Wish("one"))
    await bench.launcher.launched.wait()
    running = bench.swaps.live(job.id)
    assert running is not None
    other = sa.update(job_table).values(owner="there")
    store = bench.jobs.store
    await store._sql.write(lambda c: c.execute(other).rowcount)  # type: ignore[attr-defined]
    bench.world.serve()
    async for _ in bench.swaps.follow(running, 0):
        pass
    assert (bench.swaps.newest, bench.world.container) == (None, job.id)
    assert (await bench.jobs.get(job.id)).state is JobState.RUNNING
    with pytest.raises(BusyHost, match="spark1 is busy: swap of one"):
        await bench.swaps.request(Wish("two"))
