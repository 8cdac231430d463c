"""What is now, asked for when Prometheus looks: Sparks, engines, jobs, the lock, the workers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from spark_control.engines.domain import Engine
from spark_control.fleet.domain import Gpu
from spark_control.fleet.usecases import Card


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker of the gateway said last."""

    connections: int
    waiting: int


@dataclass(kw_only=True, slots=True)
class Scene:
    """Where the values come from; each is what is known now, without asking anybody."""

    cards: Callable[[], Sequence[Card]]
    engines: Callable[[], Sequence[Engine]]
    busy: Callable[[], Mapping[str, int]]
    """Running requests by base URL."""
    locked: Callable[[], bool]
    jobs: Callable[[], Mapping[tuple[str, str], int]]
    """How many jobs have not ended, by kind and state."""
    workers: Callable[[], Mapping[str, Worker]]
    lost: Callable[[], int]
    """Request records that could not be kept."""


class Now(Collector):
    """Gives the gauges of this moment."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @override
    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _hosts(self._scene.cards())
        yield from _engines(self._scene.engines(), self._scene.busy())
        yield from _workers(self._scene.workers())
        jobs = _family("job_state", "Jobs that have not ended.", "kind", "state")
        for (kind, state), count in sorted(self._scene.jobs().items()):
            jobs.add_metric((kind, state), count)
        yield jobs
        yield _one("lock_held", "1 while somebody holds the swap lock.", self._scene.locked())
        yield _one("request_records_lost", "Records that could not be kept.", self._scene.lost())


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"spark_control_{name}", text, labels=labels)


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"spark_control_{name}", text, value=value)


def _hosts(cards: Sequence[Card]) -> Iterator[GaugeMetricFamily]:
    up = _family("host_up", "1 when the Spark answered last, 0 when it did not.", "host")
    used = _family("host_memory_used_bytes", "Memory in use.", "host")
    total = _family("host_memory_total_bytes", "All of the memory.", "host")
    busy = _family("gpu_busy_ratio", "How busy the GPU is, 0 to 1.", "host", "gpu")
    power = _family("gpu_power_watts", "What the GPU draws.", "host", "gpu")
    heat = _family("gpu_temperature_celsius", "How warm the GPU is.", "host", "gpu")
    for card in cards:
        name = card.spark.name
        if card.reachable is not None:
            up.add_metric((name,), card.reachable)
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
    yield from (up, used, total, busy, power, heat)


def _ratio(gpu: Gpu) -> float | None:
    return None if gpu.utilisation_percent is None else gpu.utilisation_percent / 100


def _add(family: GaugeMetricFamily, labels: Sequence[str], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, value)


def _engines(engines: Sequence[Engine], busy: Mapping[str, int]) -> Iterator[GaugeMetricFamily]:
    state = _family("engine_state", "1 for the state of each engine slot.", "host", "state")
    running = _family("gateway_inflight_requests", "Requests that run now.", "host")
    for engine in engines:
        state.add_metric((engine.spark, engine.state.value), 1)
        running.add_metric((engine.spark,), busy.get(engine.address.base_url, 0))
    yield from (state, running)


def _workers(workers: Mapping[str, Worker]) -> Iterator[GaugeMetricFamily]:
    opened = _family("gateway_connections", "Open connections of clients.", "worker")
    waiting = _family("gateway_waiting_requests", "Requests that wait for an engine.", "worker")
    for name, worker in workers.items():
        opened.add_metric((name,), worker.connections)
        waiting.add_metric((name,), worker.waiting)
    yield from (opened, waiting)
