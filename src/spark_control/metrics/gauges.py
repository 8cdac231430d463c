"""What is now, asked for when Prometheus looks: Sparks, engines, jobs, the lock, the workers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from spark_control.engines.domain import Engine
from spark_control.fleet.domain import Gpu
from spark_control.fleet.usecases import Card
from spark_control.gateway.wire import Process

UNKNOWN = Process()


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker of the gateway said last."""

    connections: int
    waiting: int
    tasks: int = 0
    process: Process = UNKNOWN


@dataclass(kw_only=True, slots=True)
class Scene:
    """Where the values come from; each is what is known now, without asking anybody."""

    cards: Callable[[], Sequence[Card]]
    engines: Callable[[], Sequence[Engine]]
    busy: Callable[[], Mapping[str, int]]
    """Running requests by base URL."""
    beside: Callable[[], Mapping[str, str]]
    """The names of services and outside servers by base URL."""
    locked: Callable[[], bool]
    jobs: Callable[[], Mapping[tuple[str, str], int]]
    """How many jobs have not ended, by kind and state."""
    workers: Callable[[], Mapping[str, Worker]]
    lost: Callable[[], int]
    """Request records that could not be kept."""
    tasks: Callable[[], int]
    """How many tasks our own loop has."""


class Now(Collector):
    """Gives the gauges of this moment."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @override
    def collect(self) -> Iterator[Metric]:
        yield from _hosts(self._scene.cards())
        yield _states(self._scene.engines())
        yield _running(self._scene)
        yield from _workers(self._scene.workers())
        yield from _processes(self._scene.workers())
        jobs = _family("job_state", "Jobs that have not ended.", "kind", "state")
        for (kind, state), count in sorted(self._scene.jobs().items()):
            jobs.add_metric((kind, state), count)
        yield jobs
        yield _lock(self._scene)
        yield _one("tasks", "Tasks of the control process.", self._scene.tasks())
        yield _one("request_records_lost", "Records that could not be kept.", self._scene.lost())


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"spark_control_{name}", text, labels=labels)


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"spark_control_{name}", text, value=value)


def _hosts(cards: Sequence[Card]) -> Iterator[GaugeMetricFamily]:
    up = _family("host_up", "1 when the Spark answered last, 0 when it did not.", "host")
    used = _family("host_memory_used_bytes", "Memory in use.", "host")
    total = _family("host_memory_total_bytes", "All of the memory.", "host")
    took = _family("host_probe_duration_seconds", "How long the last look at it took.", "host")
    busy = _family("gpu_busy_ratio", "How busy the GPU is, 0 to 1.", "host", "gpu")
    power = _family("gpu_power_watts", "What the GPU draws.", "host", "gpu")
    heat = _family("gpu_temperature_celsius", "How warm the GPU is.", "host", "gpu")
    for card in cards:
        name = card.spark.name
        if card.reachable is not None:
            up.add_metric((name,), card.reachable)
        _add(took, (name,), card.took_s)
        if not card.reachable or card.hardware is None:
            continue  # an old reading is no measurement of now
        if card.hardware.memory is not None:
            _add(used, (name,), card.hardware.memory.used_bytes)
            _add(total, (name,), card.hardware.memory.total_bytes)
        for number, gpu in enumerate(card.hardware.gpus or ()):
            labels = (name, str(number))
            _add(busy, labels, _ratio(gpu))
            _add(power, labels, gpu.power_w)
            _add(heat, labels, gpu.temperature_c)
    yield from (up, took, used, total, busy, power, heat)


def _ratio(gpu: Gpu) -> float | None:
    return None if gpu.utilisation_percent is None else gpu.utilisation_percent / 100


def _add(family: GaugeMetricFamily, labels: Sequence[str], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, value)


def _lock(scene: Scene) -> GaugeMetricFamily:
    """One lock is for the whole fleet."""
    family = _family("lock_held", "1 while somebody holds the swap lock.", "host")
    held = scene.locked()
    for card in scene.cards():
        family.add_metric((card.spark.name,), held)
    return family


def _states(engines: Sequence[Engine]) -> GaugeMetricFamily:
    state = _family("engine_state", "1 for the state of each engine slot.", "host", "state")
    for engine in engines:
        state.add_metric((engine.spark, engine.state.value), 1)
    return state


def _running(scene: Scene) -> GaugeMetricFamily:
    """Return what runs on each Spark, and under its own name on each service and server."""
    family = _family("gateway_inflight_requests", "Requests that run now.", "host")
    engines = {engine.address.base_url: engine.spark for engine in scene.engines()}
    counts, busy = dict.fromkeys(engines.values(), 0), scene.busy()
    for url, name in {**scene.beside(), **engines}.items():
        counts[name] = counts.get(name, 0) + busy.get(url, 0)
    for name, count in counts.items():
        family.add_metric((name,), count)
    return family


def _workers(workers: Mapping[str, Worker]) -> Iterator[GaugeMetricFamily]:
    opened = _family("gateway_connections", "Open connections of clients.", "worker")
    waiting = _family("gateway_waiting_requests", "Requests that wait for an engine.", "worker")
    tasks = _family("gateway_tasks", "Tasks of a worker.", "worker")
    for name, worker in workers.items():
        opened.add_metric((name,), worker.connections)
        waiting.add_metric((name,), worker.waiting)
        tasks.add_metric((name,), worker.tasks)
    yield from (opened, waiting, tasks)


def _processes(workers: Mapping[str, Worker]) -> Iterator[Metric]:
    """Return of each worker what `process_*` say of the control process."""
    cpu = CounterMetricFamily(
        "spark_control_worker_cpu_seconds", "CPU time of a worker.", labels=("worker",)
    )
    memory = _family("worker_resident_memory_bytes", "Memory of a worker.", "worker")
    fds = _family("worker_open_fds", "Open file descriptors of a worker.", "worker")
    most = _family("worker_max_fds", "How many a worker may open.", "worker")
    start = _family("worker_start_time_seconds", "When it began, since 1970.", "worker")
    for name, worker in workers.items():
        seen = worker.process
        if not seen.started_at:
            continue  # the system does not say
        cpu.add_metric((name,), seen.cpu_s)
        memory.add_metric((name,), seen.rss_bytes)
        fds.add_metric((name,), seen.open_fds)
        most.add_metric((name,), seen.max_fds)
        start.add_metric((name,), seen.started_at)
    yield from (cpu, memory, fds, most, start)
