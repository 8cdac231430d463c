"""The menu use case: one look per Spark at a time, and a slow Spark holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

import pytest

from spark_control.core.shell import Command, RemotePath
from spark_control.core.tasks import Tasks
from spark_control.fleet.errors import HostUnreachable
from spark_control.fleet.ports import Host, Result
from spark_control.models.domain import Catalogue, Inventory, OnDisk, Recipe
from spark_control.models.errors import DisksUnread, ModelNotOnDisk, ModelUnknown
from spark_control.models.usecases import KEEP_FAILED_S, KEEP_GOOD_S, LIMIT_S, Models
from tests.service.clock import TestClock
from tests.until import settle

A = Recipe(key="qwen36", name="Qwen", repo="org/qwen")
B = Recipe(key="gemma4", name="Gemma", repo="org/gemma")


@dataclass(frozen=True)
class Named:
    """A Host that is only a name; nothing here may reach further."""

    name: str

    async def run(
        self, command: Command, *, timeout_s: float, stdin: bytes | None = None
    ) -> Result:
        raise NotImplementedError

    def stream(
        self, command: Command, *, timeout_s: float
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise NotImplementedError

    async def put(self, path: RemotePath, content: bytes, *, mode: int = 0o600) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@dataclass
class World:
    """Sparks, their disks, and recipes; `held` ones do not answer until let go."""

    names: list[str] = field(default_factory=lambda: ["spark1", "spark2"])
    disks: dict[str, tuple[OnDisk, ...]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue((A, B)))

    def hosts(self) -> Sequence[Host]:
        return [Named(name) for name in self.names]

    async def load(self) -> Catalogue:
        return self.catalogue

    async def inventory(
        self, host: Host, local_paths: Sequence[str], *, timeout_s: float
    ) -> Inventory:
        assert timeout_s > LIMIT_S, "a late look must be able to end after the menu is out"
        self.looks.append(host.name)
        self.paths.append(tuple(local_paths))
        if host.name in self.held:
            await self.held[host.name].wait()
        if host.name in self.dead:
            raise HostUnreachable(f"{host.name} does not answer.")
        return Inventory(host.name, "/h", self.disks.get(host.name, ()))


@pytest.fixture
def world() -> World:
    return World(disks={"spark1": (OnDisk("org/qwen"),), "spark2": (OnDisk("org/qwen"),)})


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks("test")
    yield tasks
    await tasks.close()


@pytest.fixture
def models(world: World, clock: TestClock, tasks: Tasks) -> Models:
    return Models(fleet=world, store=world, recipes=world, clock=clock, tasks=tasks)


async def test_the_menu_of_two_sparks(models: Models, world: World) -> None:
    menu = await models.menu()
    (model,) = menu.models
    assert (model.key, model.hosts) == ("qwen36", ("spark1", "spark2"))
    assert menu.recipes_not_on_disk == (B,)
    assert (menu.problems, menu.read_at is not None) == ((), True)
    assert sorted(world.looks) == ["spark1", "spark2"]


async def test_no_sparks_give_an_empty_menu(models: Models, world: World) -> None:
    world.names = []
    menu = await models.menu()
    assert (menu.models, menu.read_at) == ((), None)


async def test_a_look_is_used_again_for_a_while(
    models: Models, world: World, clock: TestClock
) -> None:
    await models.menu()
    await models.menu()
    assert len(world.looks) == 2
    clock.advance(KEEP_GOOD_S)
    await models.menu()
    assert len(world.looks) == 4
    await models.menu(fresh=True)
    assert len(world.looks) == 6


async def test_all_who_ask_at_once_share_one_look(models: Models, world: World) -> None:
    gate = world.held["spark1"] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(models.menu(fresh=True)) for _ in range(5)]
        await settle()
        gate.set()
    menus = [task.result() for task in asking]
    assert sorted(world.looks) == ["spark1", "spark2"]
    assert all(menu.models[0].hosts == ("spark1", "spark2") for menu in menus)


async def test_a_look_that_does_not_know_of_a_new_folder_is_followed_by_one_that_does(
    models: Models, world: World
) -> None:
    gate = world.held["spark1"] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        _ = group.create_task(models.menu())
        await settle()
        local = replace(B, key="mine", repo=None, local_path="/m/mine")
        world.catalogue = replace(world.catalogue, recipes=(*world.catalogue.recipes, local))
        asking = [group.create_task(models.menu()) for _ in range(3)]
        await settle()
        gate.set()
    assert all(task.done() for task in asking)
    assert world.looks.count("spark1") == 2
    assert world.paths[-1] == ("/m/mine",)


async def test_who_gives_up_waiting_takes_the_look_from_nobody(
    models: Models, world: World
) -> None:
    gate = world.held["spark1"] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(models.menu()), group.create_task(models.menu())
        await settle()
        first.cancel()
        await settle()
        gate.set()
    assert second.result().models[0].hosts == ("spark1", "spark2")
    assert world.looks.count("spark1") == 1


async def test_a_dead_spark_keeps_what_was_seen_and_says_how_old_it_is(
    models: Models, world: World, clock: TestClock
) -> None:
    await models.menu()
    world.dead.add("spark2")
    clock.advance(KEEP_GOOD_S)
    menu = await models.menu()
    assert menu.models[0].hosts == ("spark1", "spark2")
    (problem,) = menu.problems
    assert (problem.source, problem.entry) == ("spark2", None)
    assert problem.reason == ("spark2 does not answer. Its models: seen 2026-01-01T00:00:00.000Z.")


async def test_a_spark_never_seen_says_so_and_is_asked_again_later(
    models: Models, world: World, clock: TestClock
) -> None:
    world.dead.add("spark2")
    menu = await models.menu()
    assert menu.models[0].hosts == ("spark1",)
    assert menu.problems[0].reason.endswith("nothing of it is known yet.")
    clock.advance(KEEP_FAILED_S - 1)
    await models.menu()
    assert world.looks.count("spark2") == 1
    world.dead.clear()
    clock.advance(1)
    menu = await models.menu()
    assert (menu.models[0].hosts, menu.problems) == (("spark1", "spark2"), ())


async def test_a_slow_spark_is_waited_for_only_so_long(
    models: Models, world: World, clock: TestClock
) -> None:
    gate = world.held["spark2"] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(models.menu())
        await settle()
        assert not asking.done()
        clock.advance(LIMIT_S)
    menu = asking.result()
    assert menu.models[0].hosts == ("spark1",)
    assert "takes long" in menu.problems[0].reason
    # The look goes on, so the next menu has it.
    gate.set()
    await settle()
    menu = await models.menu()
    assert (menu.models[0].hosts, menu.problems) == (("spark1", "spark2"), ())
    assert world.looks.count("spark2") == 1


async def test_no_limit_is_left_running(models: Models, tasks: Tasks) -> None:
    await models.menu()
    await settle()
    assert tasks.names() == []


async def test_a_spark_that_left_the_fleet_leaves_the_menu(models: Models, world: World) -> None:
    await models.menu()
    world.names.remove("spark1")
    assert (await models.menu()).models[0].hosts == ("spark2",)


async def test_a_new_local_recipe_is_looked_for_at_once(models: Models, world: World) -> None:
    await models.menu()
    world.catalogue = Catalogue((A, Recipe(key="l", name="L", local_path="/m/l")))
    world.disks["spark1"] = (OnDisk("/m/l", local=True),)
    menu = await models.menu()
    assert world.paths[-1] == ("/m/l",)
    assert "l" in {model.key for model in menu.models}


async def test_what_is_known_is_said_without_waiting(
    models: Models, world: World, clock: TestClock
) -> None:
    gate = world.held["spark1"] = asyncio.Event()
    menu = await models.known()
    assert (menu.models, menu.problems, menu.read_at) == ((), (), None)
    gate.set()
    await settle()
    assert (await models.known()).models[0].hosts == ("spark1", "spark2")
    assert len(world.looks) == 2
    clock.advance(KEEP_GOOD_S)
    assert (await models.known()).models[0].hosts == ("spark1", "spark2")
    await settle()
    assert len(world.looks) == 4


async def test_find(models: Models) -> None:
    assert (await models.find("qwen36")).recipe == A


async def test_an_unknown_model_names_near_ones(models: Models) -> None:
    with pytest.raises(ModelUnknown) as caught:
        await models.find("qwen3.6")
    assert caught.value.message == "There is no model 'qwen3.6'. Near it: qwen36."
    with pytest.raises(ModelUnknown) as caught:
        await models.find("<script>" * 1000)
    assert len(caught.value.message) < 200


async def test_a_recipe_whose_weights_are_nowhere(models: Models) -> None:
    with pytest.raises(ModelNotOnDisk, match="org/gemma"):
        await models.find("gemma4")


async def test_what_may_be_on_a_disk_that_was_not_read_is_not_said_to_be_missing(
    models: Models, world: World
) -> None:
    world.dead.add("spark2")
    with pytest.raises(DisksUnread, match="Not read yet: spark2") as caught:
        await models.find("gemma4")
    assert caught.value.retry_after_s
    assert (await models.find("qwen36")).recipe == A
