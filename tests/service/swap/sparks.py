"""Two Sparks as a small faithful model: containers, engines, the launcher with its manners.

What is started on a Spark goes on there without whoever started it. A launcher that finds a
container of the name puts a second engine into it, as the real one does; that is a violation.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.engines.errors import EngineSlow, EngineUnreachable
from spark_control.fleet.errors import CommandTimeout, ConnectionLost, HostUnreachable
from spark_control.fleet.ports import Host
from spark_control.swap.domain import Link, Unit, UnitStatus
from spark_control.swap.errors import LaunchBusy, LauncherFailed, LaunchFenced, StopFailed
from tests.service.swap.virtual import Life, VirtualLoop, pause

COMMAND_S = 0.1
LAUNCH_S = 3.0
LOAD_S = 8.0


class Fate(StrEnum):
    """How the next launches go."""

    SERVES = "serves"
    DIES = "dies"
    NEVER_READY = "never ready"
    MUTE = "mute"
    LAUNCHER_LIES = "launcher lies"
    LAUNCHER_FAILS = "launcher fails"


@dataclass(eq=False, slots=True)
class Engine:
    """One engine over all its Sparks; `parts` are those whose process lives."""

    unit: Unit
    fate: Fate
    ready_at: float
    parts: set[str]
    listed: bool = False

    @property
    def whole(self) -> bool:
        return self.parts == set(self.unit.ranks or self.parts)


@dataclass(slots=True)
class Container:
    """What is there under the container's name; it goes on without its engine."""

    unit: Unit
    engine: Engine | None = None


@dataclass(slots=True)
class Spark:
    """One Spark: whether it is reached from outside, and what is on it."""

    name: str
    reached: bool = True
    stops: bool = True
    container: Container | None = None
    fences: dict[str, int] = field(default_factory=dict)
    launching: bool = False
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self) -> None:
        """Wake who waits for a change."""
        self.moved.set()
        self.moved = asyncio.Event()


class Sparks:
    """All Sparks, and what went on there that must never go on."""

    def __init__(self, loop: VirtualLoop, addresses: dict[str, Address]) -> None:
        self.loop = loop
        self.addresses = addresses
        self.of = {name: Spark(name) for name in addresses}
        self.fate = Fate.SERVES
        self.violations: list[str] = []
        self.launches: Counter[str] = Counter()
        self.proved: set[str] = set()
        """Jobs whose engine made a token."""
        self.tasks = Tasks("sparks")

    def engine(self, spark: str) -> Engine | None:
        """Return the engine that has a living part on a Spark."""
        container = self.of[spark].container
        engine = container.engine if container is not None else None
        return engine if engine is not None and spark in engine.parts else None

    def answers(self, spark: str) -> tuple[str, ...]:
        """Return what is served at the address of a Spark now."""
        engine = self.engine(spark)
        if engine is None or (engine.unit.ranks or (spark,))[0] != spark:
            return ()
        if not engine.listed:
            late = self.loop.time() < engine.ready_at
            if late or engine.fate is Fate.NEVER_READY or not engine.whole:
                return ()
            engine.listed = True  # from now on it is green, whatever its parts do
        return (engine.unit.key, engine.unit.source)

    def cut(self, spark: str) -> None:
        """Cut a Spark off; what runs there goes on."""
        self.of[spark].reached = False
        self.of[spark].change()

    def power_off(self, spark: str) -> None:
        """End all that runs on a Spark."""
        self.kill_part(spark)
        self.of[spark].container = None
        self.cut(spark)

    def back(self, spark: str) -> None:
        self.of[spark].reached = True
        self.of[spark].change()

    def kill_part(self, spark: str) -> None:
        """End the engine's process on a Spark; the container stays, the other parts hang."""
        engine = self.engine(spark)
        if engine is not None:
            engine.parts.discard(spark)
            self.of[spark].change()

    def remove(self, spark: str) -> bool:
        self.kill_part(spark)
        was = self.of[spark].container is not None
        self.of[spark].container = None
        self.of[spark].change()
        return was

    def launch(self, unit: Unit, head: str) -> "asyncio.Task[None]":
        """Start the launcher on the Sparks; it goes on by itself. Its task raises its end."""
        return self.tasks.spawn(self._launch(unit, unit.ranks or (head,)), name=unit.job)

    async def _launch(self, unit: Unit, names: tuple[str, ...]) -> None:
        ranks = [self.of[name] for name in names]
        began = self.loop.time()
        while any(spark.launching for spark in ranks):
            if self.loop.time() - began > 5:
                raise LaunchBusy("Another launch runs.")
            await pause(self.loop, 0.2)
        for spark in ranks:
            self._pass_fence(spark, unit)
            spark.launching = True
        try:
            await self._start(unit, ranks)
        finally:
            for spark in ranks:
                spark.launching = False

    def _pass_fence(self, spark: Spark, unit: Unit) -> None:
        if unit.fence < spark.fences.get(unit.realm, 0):
            raise LaunchFenced(f"{spark.name} has seen a newer swap lock.")
        spark.fences[unit.realm] = unit.fence

    async def _start(self, unit: Unit, ranks: Sequence[Spark]) -> None:
        fate = self.fate
        if fate is Fate.LAUNCHER_LIES:
            return
        if fate is Fate.LAUNCHER_FAILS:
            raise LauncherFailed("The launch script ended with 1.")
        self.launches[unit.job] += 1
        await pause(self.loop, LAUNCH_S / 2)
        if not any(spark.container for spark in ranks):
            for spark in ranks:
                spark.container = Container(unit)
                spark.change()
        await pause(self.loop, LAUNCH_S / 2)
        self._dispatch(unit, ranks, fate)

    def _dispatch(self, unit: Unit, ranks: Sequence[Spark], fate: Fate) -> None:
        """Start the engine in the containers that are there, whosever they are."""
        engine = Engine(unit, fate, self.loop.time() + LOAD_S, {spark.name for spark in ranks})
        for spark in ranks:
            if spark.container is None:
                raise LauncherFailed("docker: no such container")
            if self.engine(spark.name) is not None:
                self.violations.append(f"{unit.job} is the second engine on {spark.name}")
            spark.container.engine = engine
            spark.change()
        if fate is Fate.DIES:
            self.loop.call_later(LOAD_S / 2, self._die, engine)

    def _die(self, engine: Engine) -> None:
        engine.parts.clear()
        for spark in self.of.values():
            spark.change()


class ModelLauncher:
    """The launcher as one process uses it. `stopping` hears of each stop before it is done."""

    def __init__(self, sparks: Sparks, life: Life, stopping: Callable[[str], None]) -> None:
        self._sparks = sparks
        self._life = life
        self._stopping = stopping

    async def _reach(self, host: Host, seconds: float = COMMAND_S) -> Spark:
        """Take the time of a command there. Raises HostUnreachable."""
        await self._life.here()
        await pause(self._sparks.loop, seconds)
        await self._life.here()
        spark = self._sparks.of[host.name]
        if not spark.reached:
            raise HostUnreachable(f"{host.name} does not answer.")
        return spark

    async def prepare(self, hosts: Sequence[Host], unit: Unit) -> None:
        assert unit.job
        for host in hosts:
            await self._reach(host)

    async def links(self, hosts: Sequence[Host], unit: Unit) -> tuple[Link, ...]:
        raise AssertionError(f"not asked for {unit.key} on {len(hosts)}")

    async def start(self, hosts: Sequence[Host], unit: Unit, *, timeout_s: float) -> None:
        ranks = [await self._reach(host) for host in hosts]
        launch = self._sparks.launch(unit, hosts[0].name)
        try:
            await self._wait_for(launch, ranks[0], timeout_s)
        except (asyncio.CancelledError, CommandTimeout):
            if not self._life.dead and ranks[0].reached:
                launch.cancel()  # who lets go of a command has it end over there
                await asyncio.wait([launch])
            raise
        await self._life.here()
        if (error := launch.exception()) is not None:
            raise error

    async def _wait_for(self, launch: "asyncio.Task[None]", head: Spark, limit_s: float) -> None:
        began = self._sparks.loop.time()
        while not launch.done():
            await pause(self._sparks.loop, 0.1)
            if not head.reached:
                raise ConnectionLost("Cut.")
            if self._sparks.loop.time() - began > limit_s:
                raise CommandTimeout("It takes too long.")

    async def stop(self, host: Host, container: str, *, timeout_s: float) -> bool:
        await self._life.here()
        self._stopping(host.name)
        spark = await self._reach(host)
        if spark.container is None:
            return False
        spark = await self._reach(host, 1.0)
        if not spark.stops:
            await pause(self._sparks.loop, timeout_s)
            raise StopFailed(f"{container} on {host.name} does not stop.")
        return self._sparks.remove(host.name)

    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        assert container == "vllm_node"
        spark = await self._reach(host)
        if spark.container is None:
            return UnitStatus(container=False, engine=False)
        unit = spark.container.unit
        alive = inside and self._sparks.engine(host.name) is not None
        return UnitStatus(
            container=True, engine=alive, job=unit.job, model=unit.key, ranks=unit.ranks
        )

    async def memory_available(self, host: Host) -> int | None:
        spark = await self._reach(host)
        return 10 if spark.container else 100

    @asynccontextmanager
    async def logs(
        self, host: Host, container: str, *, follow: bool, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        assert (container, timeout_s > 0) == ("vllm_node", True)

        async def lines() -> AsyncIterator[str]:
            spark = await self._reach(host)
            yield "Resolved architecture: X"
            while follow and spark.container is not None:
                await spark.moved.wait()
                await self._life.here()
                if not spark.reached:
                    raise ConnectionLost("Cut.")

        yield lines()


class ModelProbe:
    """Asks the engines as one process does."""

    def __init__(self, sparks: Sparks, life: Life) -> None:
        self._sparks = sparks
        self._life = life
        self._names = {address: name for name, address in sparks.addresses.items()}

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        await self._life.here()
        name = self._names[address]
        if not self._sparks.of[name].reached:
            await pause(self._sparks.loop, timeout_s)
            await self._life.here()
            return Look(EngineState.UNKNOWN)
        served = self._sparks.answers(name)
        return Look(EngineState.SERVING, served) if served else Look(EngineState.ABSENT)

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        name = self._names[address]
        began = self._sparks.loop.time()
        await self._life.here()
        await pause(self._sparks.loop, COMMAND_S)
        engine = self._sparks.engine(name)
        if engine is None or not self._sparks.of[name].reached:
            raise EngineUnreachable("Nobody answers.")
        if engine.fate is Fate.MUTE or not engine.whole:
            await pause(self._sparks.loop, timeout_s)
            raise EngineSlow("No token came.")
        await self._life.here()
        assert model in self._sparks.answers(name)
        self._sparks.proved.add(engine.unit.job)
        return self._sparks.loop.time() - began
