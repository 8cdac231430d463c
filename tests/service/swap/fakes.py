"""Fakes of the ports that a swap acts through; they record what was asked of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from spark_control.core.errors import AppError
from spark_control.core.shell import Command, RemotePath
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.fleet.ports import Host, Result
from spark_control.models.domain import Catalogue, Inventory, Kind, OnDisk, Recipe
from spark_control.swap.domain import Link, Unit, UnitStatus


class NoHost:
    """A Spark that is only a name; everything goes through the fake launcher."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        raise AssertionError(f"not through here: {command} {timeout_s} {stdin!r}")

    @asynccontextmanager
    async def stream(
        self, command: Command, *, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        raise AssertionError(f"not through here: {command} {timeout_s}")
        yield  # type: ignore[unreachable]

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise AssertionError(f"not through here: {path} {content!r} {mode}")

    async def close(self) -> None:
        return


class FakeFleet:
    """One Spark."""

    def hosts(self) -> Sequence[Host]:
        return [NoHost("spark1")]


class FakeStore:
    """Two models on the disk of every Spark."""

    async def inventory(
        self, host: Host, local_paths: Sequence[str], *, timeout_s: float
    ) -> Inventory:
        assert (list(local_paths), timeout_s > 0) == ([], True)
        copies = tuple(OnDisk(f"org/{name}", kind=Kind.CHAT) for name in ("one", "two"))
        return Inventory(host.name, copies=copies)


class FakeRecipes:
    """A recipe for each."""

    async def load(self) -> Catalogue:
        recipes = tuple(Recipe(key=n, name=n, repo=f"org/{n}") for n in ("one", "two"))
        return Catalogue(recipes)


class World:
    """What is on the Spark: a container, an engine in it, and how the next launch goes.

    `launch`, `token` may raise or wait; `lines` is the log; `hold` keeps the engine loading.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.container: str | None = None
        self.engine = False
        self.served: tuple[str, ...] = ()
        self.foreign: tuple[str, ...] = ()
        self.lines: list[str] = ["Resolved architecture: X"]
        self.after_launch: Callable[[], None] = self.serve
        self.on_launch: AppError | None = None
        self.on_token: AppError | None = None
        self.on_status: AppError | None = None
        self.on_stop: AppError | None = None
        self.memory: list[int] = [10, 10]
        self.hold_stop: asyncio.Event | None = None
        self.unit: Unit | None = None

    def serve(self) -> None:
        assert self.unit is not None
        self.engine, self.served = True, (self.unit.key, self.unit.source)

    def load_for_ever(self) -> None:
        self.engine, self.served = True, ()

    def die(self) -> None:
        self.engine, self.served = False, ()


class FakeLauncher:
    """The launcher over a `World`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.launched = asyncio.Event()
        self.cleaning = asyncio.Event()

    async def prepare(self, hosts: Sequence[Host], unit: Unit) -> None:
        (host,) = hosts
        self.world.calls.append(f"prepare {unit.key} on {host.name}")

    async def links(self, hosts: Sequence[Host], unit: Unit) -> tuple[Link, ...]:
        raise AssertionError(f"{unit.key} is for one Spark, not for {len(hosts)}")

    async def start(self, hosts: Sequence[Host], unit: Unit, *, timeout_s: float) -> None:
        assert timeout_s > 0
        (host,) = hosts
        world = self.world
        assert world.container is None, "a second engine would start in the same container"
        world.calls.append(f"start {unit.key} on {host.name}")
        world.unit, world.container = unit, unit.job
        world.after_launch()
        self.launched.set()
        if world.on_launch is not None:
            raise world.on_launch

    async def stop(self, host: Host, container: str, *, timeout_s: float) -> bool:
        assert timeout_s > 0
        world = self.world
        world.calls.append(f"stop {container} on {host.name}")
        if world.hold_stop is not None and world.calls.count(world.calls[-1]) > 1:
            self.cleaning.set()
            await world.hold_stop.wait()
        if world.on_stop is not None:
            raise world.on_stop
        was = world.container is not None
        world.container, world.engine, world.served = None, False, ()
        return was

    async def status(self, host: Host, container: str, *, inside: bool = True) -> UnitStatus:
        assert (host.name, container) == ("spark1", "vllm_node")
        if self.world.on_status is not None:
            raise self.world.on_status
        there = self.world.container is not None
        return UnitStatus(there, self.world.engine and inside, self.world.container)

    async def memory_available(self, host: Host) -> int | None:
        self.world.calls.append(f"memory of {host.name}")
        return self.world.memory.pop(0) if self.world.memory else None

    @asynccontextmanager
    async def logs(
        self, host: Host, container: str, *, follow: bool, timeout_s: float
    ) -> AsyncIterator[AsyncIterator[str]]:
        assert (host.name, container, timeout_s > 0) == ("spark1", "vllm_node", True)

        async def lines() -> AsyncIterator[str]:
            for line in self.world.lines:
                yield line
            if follow:
                await asyncio.Event().wait()

        yield lines()


class FakeProbe:
    """Looks at the `World`."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        assert (address.port, timeout_s > 0) == (8888, True)
        served = self.world.served or self.world.foreign
        return Look(EngineState.SERVING, served) if served else Look(EngineState.ABSENT)

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        self.world.calls.append(f"token of {model} at {address.host}")
        if self.world.on_token is not None:
            raise self.world.on_token
        return timeout_s


class QuickClock:
    """A clock whose sleeps end at once and count as time."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await _turn()


async def _turn() -> None:
    """Let everybody else have a turn."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done
