"""The page for Prometheus, over records, jobs, Sparks and engines."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from spark_control.core.bus import Bus
from spark_control.core.ids import RandomIds
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address, Engine, EngineState, Look
from spark_control.engines.errors import EngineSlow
from spark_control.fleet.domain import Gpu, Hardware, Memory
from spark_control.fleet.usecases import Card
from spark_control.gateway.wire import Process, Stats
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import JobUnknown
from spark_control.jobs.usecases import Jobs
from spark_control.metrics import counts, tally
from spark_control.metrics.counts import Counts
from spark_control.metrics.gauges import Scene
from spark_control.metrics.tally import MOST_MODELS
from spark_control.metrics.usecases import Metrics
from spark_control.settings.domain import Spark
from tests.service.clock import TestClock
from tests.unit.requests.samples import T0, record
from tests.until import settle

Page = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scraped:
    """Engines that answer, or do not."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow: set[str] = set()

    async def read(self, address: Address, *, timeout_s: float, most: int) -> str:
        self.asked.append(address.host)
        assert timeout_s <= 1
        assert most <= 1_000_000
        if address.host in self.slow:
            raise EngineSlow("slow")
        return "# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running 3\n"


def engine(n: int) -> Engine:
    look = Look(EngineState.SERVING, (f"m{n}",))
    return Engine(f"spark{n}", Address(f"10.88.0.1{n}", 8888), look, T0)


class World:
    """A metrics page over what is set here."""

    def __init__(self) -> None:
        self.clock, self.bus, self.scraped = TestClock(), Bus(boot="b"), Scraped()
        self.counts = Counts("1.2.3")
        self.engines = [engine(1), engine(2)]
        self.cards: list[Card] = []
        self.busy = {"http://10.88.0.11:8888": 4, "http://10.88.0.30:9000": 2, "http://away": 1}
        self.beside = {"http://10.88.0.30:9000": "magpie", "https://example.org": "big"}
        self.table: dict[str, Job] = {}
        self.metrics = Metrics(
            counts=self.counts, scrape=self.scraped, engines=lambda: self.engines, bus=self.bus,
            clock=self.clock,
            jobs=Jobs(store=self, bus=self.bus, clock=self.clock, ids=RandomIds()),  # type: ignore[arg-type]  # only `get` is called
        )  # fmt: skip
        self.metrics.show(Scene(
            cards=lambda: self.cards, engines=lambda: self.engines,
            busy=lambda: self.busy, beside=lambda: self.beside, locked=lambda: True,
            jobs=self.metrics.unfinished, workers=self.metrics.workers,
            lost=lambda: self.metrics.lost, tasks=lambda: 5,
        ))  # fmt: skip

    async def get(self, job_id: str) -> Job | None:
        return self.table.get(job_id)

    async def page(self) -> Page:
        text = (await self.metrics.page()).decode()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made, tasks = World(), Tasks("test")
    _ = tasks.spawn(made.metrics.follow_jobs(), name="jobs")
    _ = tasks.spawn(made.metrics.follow_lag(), name="lag")
    await settle()
    yield made
    await tasks.close()


def of(page: Page, name: str, **labels: str) -> float | None:
    return page.get((f"spark_control_{name}", tuple(sorted(labels.items()))))


async def test_requests_are_counted(world: World) -> None:
    world.counts.take([
        record(1), record(2), record(3, status=404, model=None, asked="secret name"),
        record(4, streamed=False, ttft_ms=None, tokens_in=None, tokens_out=None),
    ])  # fmt: skip
    page = await world.page()
    route = "/v1/chat/completions"
    assert of(page, "gateway_requests_total", model="qwen36", route=route, status="200") == 3
    assert of(page, "gateway_requests_total", model="none", route=route, status="404") == 1
    assert of(page, "gateway_tokens_total", model="qwen36", type="output") == 202
    assert of(page, "gateway_time_to_first_token_seconds_bucket", model="qwen36", le="0.25") == 2
    assert of(page, "gateway_inter_token_latency_seconds_sum", model="qwen36") == 0.04
    count = "gateway_request_duration_seconds_count"
    assert of(page, count, model="qwen36", route=route) == 3
    assert "secret" not in str(page)
    assert "10.88.0.50" not in str(page)


async def test_models_are_only_so_many(world: World) -> None:
    world.counts.take([record(n, model=f"m{n}") for n in range(MOST_MODELS + 5)])
    page = await world.page()
    assert of(page, "gateway_tokens_total", model="other", type="input") == 60
    assert of(page, "build_info", version="1.2.3") == 1


async def test_jobs_and_their_phases(world: World) -> None:
    begun = Job("sw_1", "swap", "m1", T0).advance(JobState.RUNNING, at=T0).enter("loading", at=T0)
    world.bus.publish("job", "sw_1", {"kind": "swap", "state": "running"})
    world.bus.publish("job", "dl_1", {"kind": "download", "state": "queued"})
    await settle()
    assert of(await world.page(), "job_state", kind="swap", state="running") == 1
    world.table["sw_1"] = begun.advance(JobState.DONE, at=T0 + timedelta(seconds=70))
    world.table["dl_1"] = Job("dl_1", "download", "x", T0, state=JobState.FAILED)
    for key, state in (("sw_1", "done"), ("dl_1", "failed"), ("gone", "done")):
        world.bus.publish("job", key, {"kind": "x", "state": state})
    await settle()
    page = await world.page()
    assert of(page, "job_state", kind="swap", state="running") is None
    for phase in ("loading", "all"):
        assert of(page, "swap_duration_seconds_sum", phase=phase, result="done") == 70
    assert of(page, "jobs_ended_total", kind="download", state="failed") == 1
    with pytest.raises(JobUnknown):
        await world.metrics.jobs.get("gone")


async def test_sparks_and_their_gpus(world: World) -> None:
    gpu = Gpu("GB10", utilisation_percent=87.0, temperature_c=61.0)
    hardware = Hardware(memory=Memory(100, 40), gpus=(gpu,))
    world.cards = [
        Card(Spark("spark1", "10.88.0.11", "u"), reachable=True, hardware=hardware, took_s=0.3),
        Card(Spark("spark2", "10.88.0.12", "u"), reachable=False, hardware=hardware),
        Card(Spark("spark3", "10.88.0.13", "u")),
        Card(Spark("spark4", "10.88.0.14", "u"), reachable=True, hardware=Hardware()),
    ]
    page = await world.page()
    assert of(page, "host_up", host="spark1") == 1
    assert of(page, "host_up", host="spark2") == 0
    assert of(page, "host_up", host="spark3") is None
    assert of(page, "host_memory_used_bytes", host="spark1") == 60
    assert of(page, "gpu_busy_ratio", host="spark1", gpu="0") == 0.87
    assert of(page, "gpu_power_watts", host="spark1", gpu="0") is None
    assert of(page, "gpu_busy_ratio", host="spark2", gpu="0") is None
    assert of(page, "host_probe_duration_seconds", host="spark1") == 0.3
    assert of(page, "host_probe_duration_seconds", host="spark3") is None
    running = {"spark1": 4, "spark2": 0, "magpie": 2, "big": 0}
    for name, count in running.items():
        assert of(page, "gateway_inflight_requests", host=name) == count
    assert of(page, "engine_state", host="spark2", state="serving") == 1
    assert of(page, "lock_held", host="spark1") == of(page, "lock_held", host="spark3") == 1


async def test_each_process_says_how_it_is(world: World) -> None:
    seen = Process(rss_bytes=30_000_000, cpu_s=1.5, open_fds=20, max_fds=1024, started_at=1.7e9)
    for _ in range(2):
        world.metrics.worker(Stats(pid=7, lag_s=0, connections=0, lost=3, process=seen))
    world.metrics.worker(Stats(pid=8, lag_s=0, connections=0))
    page = await world.page()
    for name, value in (
        ("resident_memory_bytes", 30_000_000), ("cpu_seconds_total", 1.5), ("open_fds", 20),
        ("max_fds", 1024), ("start_time_seconds", 1.7e9),
    ):  # fmt: skip
        assert of(page, f"worker_{name}", worker="7") == value
        assert of(page, f"worker_{name}", worker="8") is None
        assert (f"process_{name}", ()) in page, "the control process says the same of itself"
    assert of(page, "request_records_lost") == 6


BOUNDS = [
    # The boundaries that OpenTelemetry's conventions for generative models state.
    (tally.DURATION_S,
     "0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92"),
    (tally.FIRST_TOKEN_S,
     "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0"),
    (tally.TOKEN_S, "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1.0 2.5"),
    # Ours, where they state none.
    (counts.LAG_S, "0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1.0"),
    (counts.PHASE_S, "1 2 5 10 20 40 80 160 320 640 1280 2560"),
]  # fmt: skip


@pytest.mark.parametrize(("bounds", "stated"), BOUNDS)
def test_the_boundaries_of_histograms(bounds: tuple[float, ...], stated: str) -> None:
    assert list(bounds) == [float(word) for word in stated.split()]


async def test_engines_are_asked_now_and_then_and_may_be_slow(world: World) -> None:
    world.scraped.slow = {"10.88.0.12"}
    world.engines.append(Engine("spark3", Address("10.88.0.13", 1), Look(EngineState.SERVING), T0))
    pages = await asyncio.gather(world.page(), world.page())
    name = "vllm:num_requests_running"
    assert pages[0][name, (("host", "spark1"), ("model", "m1"))] == 3
    assert pages[0][name, (("host", "spark3"), ("model", ""))] == 3
    assert (name, (("host", "spark2"), ("model", "m2"))) not in pages[0]
    assert len(world.scraped.asked) == 3
    world.clock.advance(5)
    await world.page()
    assert len(world.scraped.asked) == 6


async def test_workers_and_lag(world: World) -> None:
    world.metrics.worker(Stats(pid=7, lag_s=0.02, connections=5, waiting=2, retries=3, tasks=4))
    world.clock.advance(0.5)
    await settle()
    page = await world.page()
    assert of(page, "gateway_connections", worker="7") == 5
    assert of(page, "gateway_waiting_requests", worker="7") == 2
    assert of(page, "gateway_tasks", worker="7") == 4
    assert of(page, "tasks") == 5
    assert of(page, "gateway_upstream_retries_total") == 3
    assert of(page, "loop_lag_seconds_count", process="worker") == 1
    assert of(page, "loop_lag_seconds_count", process="control") == 1
    world.metrics.left(7)
    assert of(await world.page(), "gateway_connections", worker="7") is None
