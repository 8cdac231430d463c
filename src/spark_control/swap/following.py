"""The loading phase: logs and processes of all parts of an engine, until it lists the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spark_control.core.clock import Clock
from spark_control.core.errors import EngineTrouble, HostTrouble, SlowUpstream
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import EngineState
from spark_control.engines.ports import Probe
from spark_control.fleet.ports import Host
from spark_control.swap.causes import UNTOLD, explain, weight
from spark_control.swap.domain import Limits, Plan
from spark_control.swap.errors import EngineDied, EngineNeverReady, EngineStuck, RankDied
from spark_control.swap.judge import Pulse, Watch
from spark_control.swap.live import LINES, Live
from spark_control.swap.log_reader import LogReader
from spark_control.swap.ports import Launcher, Logs, LogSink
from spark_control.swap.together import together

TAIL = 20
Hosts = Mapping[str, Host]
"""The ways to the Sparks of a plan, by their names."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the engine on one Spark: what is read and seen of it."""

    host: Host
    reader: LogReader
    log: LogSink
    watch: Watch

    @property
    def live(self) -> Live:
        """Return what its log told."""
        return self.reader.live


@dataclass(kw_only=True, slots=True)
class Following:
    """Follows one launch. The log of the first Spark is that of the swap, also for the page."""

    launcher: Launcher
    probe: Probe
    logs: Logs
    clock: Clock
    limits: Limits
    plan: Plan
    hosts: Hosts
    live: Live

    async def run(self) -> None:
        """Return once the engine lists the model.

        Raises EngineDied, RankDied, EngineNeverReady, EngineStuck.
        """
        parts = [self._part(spark) for spark in self.plan.ranks]
        tasks = Tasks(self.plan.unit.job)
        for part in parts:
            _ = tasks.spawn(part.reader.follow(), name=f"log of {part.host.name}")
        try:
            dead = await self._until_listed(parts)
            await _read_out(tasks, parts)
            if dead:
                raise self._death(dead)
        except (EngineNeverReady, EngineStuck) as error:
            await _read_out(tasks, parts)
            self._told(error, parts[0])
            raise
        finally:
            await tasks.close()
            for part in parts:
                part.log.close()

    def _part(self, spark: str) -> Part:
        unit, first = self.plan.unit, spark == self.plan.spark
        log = self.logs.open(unit.job, "" if first else spark)
        reader = LogReader(
            launcher=self.launcher, host=self.hosts[spark], container=unit.container,
            write=log.write, live=self.live if first else Live(), clock=self.clock,
            limits=self.limits,
        )  # fmt: skip
        limits = self.limits if first else replace(self.limits, appear=self.limits.join)
        return Part(self.hosts[spark], reader, log, Watch(self.clock.monotonic(), limits))

    async def _until_listed(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that have ended, or none once the engine lists the model."""
        key, watch = self.plan.unit.key, parts[0].watch
        pulse = Pulse(self.clock.monotonic(), self.limits)
        while True:
            look = await self.probe.look(self.plan.address, timeout_s=5.0)
            if look.state is EngineState.SERVING and key in look.served:
                return []
            now = self.clock.monotonic()
            if watch.too_long(now):
                raise EngineNeverReady(f"{key} was not ready after {self.limits.load:.0f} s.")
            if watch.due(now):
                ended = await together(*(self._ended(part) for part in parts))
                if any(ended) and not all(ended):
                    # One that ends takes the others with it: which was first, their logs tell.
                    await self.clock.sleep(self.limits.status_every)
                    ended = await together(*(self._ended(part) for part in parts))
                if any(ended):
                    return [part for part, gone in zip(parts, ended, strict=True) if gone]
                await self._still_moves(parts, pulse)
            await self.clock.sleep(self.limits.poll)

    async def _ended(self, part: Part) -> bool:
        """Tell whether a part has ended; a Spark out of reach gets some time to come back."""
        try:
            status = await self.launcher.status(part.host, self.plan.unit.container)
        except (HostTrouble, SlowUpstream):
            if part.watch.lost_too_long(self.clock.monotonic()):
                raise
            return False
        said = weight(part.live.tail(LINES)) < UNTOLD
        return part.watch.ended(status, self.clock.monotonic(), said=said)

    async def _still_moves(self, parts: Sequence[Part], pulse: Pulse) -> None:
        """Raise when there has been no sign of life for too long: no line, no moving memory."""
        now = self.clock.monotonic()
        pulse.read(sum(part.reader.known for part in parts), now)
        if pulse.quiet(now):
            try:
                pulse.felt(await self.launcher.memory_available(parts[0].host), now)
            except (HostTrouble, SlowUpstream):
                return
        if pulse.stopped(now):
            key, limit = self.plan.unit.key, self.limits.silent
            raise EngineStuck(f"{key} has shown no sign of life for {limit:.0f} s.")

    def _death(self, dead: Sequence[Part]) -> EngineTrouble:
        """Return why the engine ended: of several parts the one whose log tells most.

        When one of them ends, the others do so too, or wait for ever.
        """
        if len(self.plan.ranks) == 1:
            died = EngineDied(f"{self.plan.unit.key} ended while it was loading.")
            self._told(died, dead[0])
            return died
        lines = {part.host.name: part.live.tail(LINES) for part in dead}
        told = sorted(lines, key=lambda spark: (weight(lines[spark]), spark == self.plan.spark))
        return died_on(self.plan, told[0], lines[told[0]])

    def _told(self, error: EngineTrouble | SlowUpstream, part: Part) -> None:
        error.detail["log"] = part.live.tail(TAIL)
        explain(error, part.live.tail(LINES))


def died_on(plan: Plan, spark: str, lines: Sequence[str]) -> RankDied:
    """Return why a cluster cannot go on: its part on `spark` ended, and `lines` were its last."""
    error = RankDied(
        f"The part of {plan.unit.key} on {spark} ended.",
        detail={"spark": spark, "log": list(lines)[-TAIL:]},
    )
    explain(error, lines)
    return error


async def _read_out(tasks: Tasks, parts: Sequence[Part]) -> None:
    """Read what came after the last line known, of every part."""
    await tasks.close()
    await together(*(part.reader.rest() for part in parts))
