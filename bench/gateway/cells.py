"""One test on one way, with what it cost and what others did meanwhile."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread

from bench.gateway import loads, relay
from bench.gateway.loads import Streams
from bench.gateway.process import (
    GATEWAY_CORE,
    LOAD_CORE,
    busy_s,
    cpu_ns,
    family,
    move,
    pss_mb,
)
from bench.gateway.samples import Sample, worst_delay_ms
from bench.gateway.stage import Stage
from bench.gateway.way import DIRECT, LITELLM, OURS, Way

Numbers = dict[str, float]
READERS = 20
OWN = frozenset({"relay", "saturated"})
"""What is asked of control. It runs where the kernel puts it then, else beside the load."""
_CALM_CORES, _CALM_S = 0.15, 0.25
_DRAIN_S = 8.0


@dataclass(kw_only=True, slots=True)
class Cells:
    """Runs tests on a stage and keeps what they show. `patience_s`: wait so long for quiet."""

    stage: Stage
    seconds: int
    stream_chunks: int
    patience_s: float
    found: list[Sample] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def tests(self) -> dict[str, Callable[[Way], Numbers]]:
        """Return the tests by their names, in their order."""
        return {
            "one": lambda way: self._whole(way, connections=1, size=1000),
            "many": lambda way: self._whole(way, connections=32, size=1000),
            "big": lambda way: self._whole(way, connections=32, size=100_000),
            "burst": self._burst,
            "rate": self._rate,
            "abort": self._abort,
            "relay": lambda _: relay.added(self.stage, blocks=8 * self.seconds),
            "saturated": self._saturated,
        }

    def ways(self, test: str) -> tuple[Way, ...]:
        """Return what a test is made on. LiteLLM cannot keep up with the streams."""
        if test in OWN:
            return (self.stage.ours.way,)
        streams = test in {"burst", "rate", "abort"}
        return tuple(w for w in self.stage.ways if not (streams and w.name == LITELLM))

    def run(self, test: str, way: Way) -> None:
        """Run one test once, when the machine is quiet or patience ends."""
        self._calm()
        alone = test in OWN
        move(self.stage.ours.control, (GATEWAY_CORE, LOAD_CORE) if alone else {LOAD_CORE})
        mine = way.pids() if way.name != DIRECT else []
        all_of_us = [*family(self.stage.direct.pid), *mine, *family(self.stage.ours.control)]
        busy, ours, cost = busy_s(), cpu_ns(set(all_of_us)) / 1e9 + _asked_s(), cpu_ns(mine)
        behind = cpu_ns([self.stage.ours.control])
        began = time.monotonic()
        numbers = self.tests()[test](way)
        took = time.monotonic() - began
        cost = cpu_ns(mine) - cost
        used = cpu_ns(set(all_of_us)) / 1e9 + _asked_s() - ours
        if (count := numbers.get("count", 0)) and way.name != DIRECT:
            numbers["cpu_us"] = cost / 1e3 / count
        if count and way.name == OURS:
            numbers["control_us"] = (cpu_ns([self.stage.ours.control]) - behind) / 1e3 / count
        foreign = max(0.0, busy_s() - busy - used) / took
        self.found.append(Sample(test, way.name, numbers, foreign))
        self._drained(mine)

    def _calm(self) -> None:
        until = time.monotonic() + self.patience_s
        while time.monotonic() < until:
            before, began = busy_s(), time.monotonic()
            Event().wait(_CALM_S)
            if (busy_s() - before) / (time.monotonic() - began) < _CALM_CORES:
                return

    def _drained(self, pids: list[int]) -> None:
        """Let a slow gateway finish what it was given before the next one is measured."""
        until = time.monotonic() + _DRAIN_S
        while time.monotonic() < until:
            before = cpu_ns(pids)
            Event().wait(0.1)
            if cpu_ns(pids) - before < 10_000_000:
                return

    def _whole(self, way: Way, *, connections: int, size: int) -> Numbers:
        stage = self.stage
        found = loads.wrk(
            stage.programs, way, stage.folder, connections=connections, size=size,
            seconds=self.seconds,
        )  # fmt: skip
        return {
            "per_s": found.per_s, "count": found.count, "p50_us": found.p50_us,
            "p99_us": found.p99_us, "wrong": found.wrong,
        }  # fmt: skip

    def _burst(self, way: Way) -> Numbers:
        asked = Streams(streams=64, chunks=200, rate=0, seconds=self.seconds)
        found = loads.streamed(self.stage.programs, way, asked)
        per_s = found.chunks / max(found.elapsed_s, 0.001)
        return {"per_s": per_s, "count": found.chunks, "wrong": found.wrong}

    def _rate(self, way: Way) -> Numbers:
        numbers: Numbers = {}

        def weigh() -> None:
            Event().wait(self.stream_chunks / 50 * 0.7)
            numbers["pss_mb"] = pss_mb(way.pids())

        scale = Thread(target=weigh)
        asked = Streams(streams=256, chunks=self.stream_chunks, rate=50, stagger_ms=400)
        scale.start()
        found = loads.streamed(self.stage.programs, way, asked)
        scale.join()
        if way.name == DIRECT:
            numbers.clear()
        return numbers | {
            "count": found.chunks, "wrong": found.wrong, "delay_p50_us": found.delay_p50_us,
            "delay_p99_us": found.delay_p99_us, "first_p50_us": found.first_p50_us,
        }  # fmt: skip

    def _abort(self, way: Way) -> Numbers:
        self._stats()
        asked = Streams(streams=READERS, chunks=400, rate=50, leave_after=5)
        found = loads.streamed(self.stage.programs, way, asked)
        seen, until = list[int](), time.monotonic() + 2.5
        while len(seen) < READERS and time.monotonic() < until:
            seen += self._stats()
            Event().wait(0.05)
        late = worst_delay_ms(found.left_at, seen)
        return {"seen": len(seen), "late_ms": late, "wrong": found.wrong}

    def _stats(self) -> list[int]:
        """Return when readers left, as the upstream saw it since it was last asked."""
        found: list[int] = json.loads(self.stage.direct.ask("GET", "/stats")[1])["aborts"]
        return found

    def _saturated(self, way: Way) -> Numbers:
        """Ask the API while the worker has all it can do."""
        load = Thread(target=self._whole, args=(way,), kwargs={"connections": 64, "size": 1000})
        load.start()
        took = relay.api_times(way, self.seconds * 0.9)
        load.join()
        return {"p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)]}


def _asked_s() -> float:
    """Return the CPU time of this process and of the loads that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
