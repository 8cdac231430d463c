"""How long it takes to know 200 models, and to plan a swap among them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench import lab
from bench.lab import ENGINE_PORT, Lab
from bench.table import Outcome, Row, single, spread
from bench.watched import Call, Watched
from bench.wish import Wish, on_a_loop
from spark_control.core.clock import RealClock
from spark_control.engines.domain import Address
from spark_control.fleet.adapters.ssh import SshHost
from spark_control.lab import catalogue, hub
from spark_control.lab.catalogue import LabModel
from spark_control.models.adapters.hf_cache import HfCache
from spark_control.models.adapters.recipe_files import RecipeFiles
from spark_control.models.domain import Catalogue, Inventory, Menu, Mode
from spark_control.models.menu import build_menu
from spark_control.models.shapes import render
from spark_control.swap.plan import Wish as SwapWish
from spark_control.swap.plan import World, plan_swap

MODELS = 200
MUST_LOOK_S = 1.0
MUST_PLAN_MS = 5.0


def measure(wish: Wish) -> Outcome:
    """List a disk with 200 models, build the menu, plan a swap."""
    with lab.running(wish.folder / "lab", 1) as played:
        hub.write(played.homes[0], tuple(_many()))
        played.recipes(wish.folder)
        return on_a_loop(_measured(played, wish))


def _many() -> Iterator[LabModel]:
    """Yield the models of the lab, then the same under other names."""
    whole = [model for model in catalogue.MODELS if model.repo]
    for place in range(MODELS):
        model, turn = whole[place % len(whole)], place // len(whole)
        extra = f"-{turn}" if turn else ""
        yield replace(model, key=f"{model.key}{extra}", repo=f"{model.repo}{extra}")


async def _measured(played: Lab, wish: Wish) -> Outcome:
    calls: list[Call] = []
    host = Watched(SshHost(played.sparks[0], access=played.access(), clock=RealClock()), calls)
    store, times = HfCache(), list[float]()
    seen = await store.inventory(host, (), timeout_s=30)
    for _ in range(wish.times(20, 5)):
        began = time.perf_counter()
        seen = await store.inventory(host, (), timeout_s=30)
        times.append(time.perf_counter() - began)
    await host.close()
    recipes = await RecipeFiles(wish.folder / "models-overrides.yaml").load()
    look = spread("inventory of one Spark", "s", times, must=MUST_LOOK_S)
    trips = single("round trips for it", "", len(calls) / (len(times) + 1), must=1)
    found = single("models found", "", len(seen.copies))
    notes = (
        "The disk is the lab's: real folders and links, weights are holes. The plan holds no "
        "`await`; its time is that of one call.",
    )
    return Outcome((look, trips, found, *_pure(seen, recipes, wish)), notes)


def _pure(seen: Inventory, recipes: Catalogue, wish: Wish) -> list[Row]:
    """Time what is decided without asking anybody; two Sparks hold the same."""
    both = [seen, replace(seen, spark="spark2")]
    menu = build_menu(both, recipes)
    world, swap = _world(menu)
    count = wish.times(200, 100)
    return [
        spread("build the menu", "ms", _times(lambda: build_menu(both, recipes), count)),
        spread("render it for the API", "ms", _times(lambda: render(menu, {}), count)),
        spread(
            "plan a swap", "ms", _times(lambda: plan_swap(world, swap, job=""), count),
            must=MUST_PLAN_MS,
        ),
    ]  # fmt: skip


def _world(menu: Menu) -> tuple[World, SwapWish]:
    model = next(m for m in menu.models if m.recipe and m.complete_on and m.mode is Mode.SOLO)
    names = ("spark1", "spark2")
    slots = {name: Address(f"10.88.0.1{n}", ENGINE_PORT) for n, name in enumerate(names, 1)}
    folder = str(Path("/home/user/spark-vllm-docker"))
    return World(names, slots, (), model, "vllm_node", folder), SwapWish(model.key)


def _times(act: Callable[[], object], count: int) -> list[float]:
    """Return the milliseconds of each call."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1000)
    return found
