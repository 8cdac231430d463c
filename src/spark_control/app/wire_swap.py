"""Wires the menu and the swaps."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from functools import partial

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.sql import Sql
from spark_control.core.tasks import Tasks
from spark_control.engines.ports import Probe
from spark_control.engines.usecases import Engines
from spark_control.fleet.usecases import Fleet
from spark_control.gateway.in_flight import InFlight
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.domain import JobState
from spark_control.jobs.usecases import Jobs
from spark_control.models.adapters.hf_cache import HfCache
from spark_control.models.adapters.load_facts import JsonLoadFacts
from spark_control.models.adapters.recipe_files import RecipeFiles
from spark_control.models.measured import load_key
from spark_control.models.setup import Setup
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.swap.adapters.adopted_file import AdoptedFile
from spark_control.swap.adapters.holders import RemoteHolders
from spark_control.swap.adapters.option_tables import OptionTables
from spark_control.swap.adapters.spark_vllm_docker import SparkVllmDocker
from spark_control.swap.adapters.sql_lock import SqlLock
from spark_control.swap.adapters.vllm_parser import VllmParser
from spark_control.swap.adoption import Adoption
from spark_control.swap.domain import Limits
from spark_control.swap.foreign_ports import Adopted
from spark_control.swap.groups import Group
from spark_control.swap.locks import Locks
from spark_control.swap.plan import DEFAULT_IMAGE
from spark_control.swap.ranks import Ranks
from spark_control.swap.runner import Runner
from spark_control.swap.shapes import of_running
from spark_control.swap.takeover import Takeover
from spark_control.swap.usecases import Running, Swaps
from spark_control.swap.validate import Validation


def wire_models(boot: Boot, fleet: Fleet, clock: Clock, tasks: Tasks) -> Setup:
    """Return the menu over the caches of the Sparks, with what sets models up."""
    recipes = RecipeFiles(boot.path("MODELS_OVERRIDES", "models-overrides.yaml"))
    models = Models(
        fleet=fleet, store=HfCache(), recipes=recipes, clock=clock, tasks=tasks,
        facts=JsonLoadFacts(boot.data.file("load-facts.json")), memory=partial(memory_of, fleet),
    )  # fmt: skip
    return Setup(models=models, book=recipes)


def memory_of(fleet: Fleet) -> dict[str, int]:
    """Return the memory of each Spark as it was last read."""
    return {
        card.spark.name: card.hardware.memory.total_bytes
        for card in fleet.cards()
        if card.hardware is not None and card.hardware.memory is not None
    }


async def remember(models: Models, running: Running) -> None:
    """Keep what the engine said of its memory once it has come up."""
    unit = running.plan.unit
    image = None if unit.image == DEFAULT_IMAGE else unit.image
    if models.facts is not None and running.live.measured.kv_bytes is not None:
        load = load_key(unit.key, image, unit.args)
        await models.facts.keep(load, running.live.measured)


def wire_swaps(  # noqa: PLR0913 - what a swap touches is this much
    *, fleet: Fleet, models: Models, engines: Engines, jobs: Jobs, logs: LogFiles, probe: Probe,
    in_flight: InFlight, settings: Callable[[], Settings], bus: Bus, clock: Clock, tasks: Tasks,
    limits: Limits, locks: Locks, adopted: Adopted,
    steady: Callable[[], AbstractAsyncContextManager[None]],
) -> Swaps:  # fmt: skip
    """Return the swaps through the launch scripts of the Sparks."""
    launcher = SparkVllmDocker(clock)
    strangers = Adoption(holders=RemoteHolders(launcher), adopted=adopted)
    runner = Runner(
        jobs=jobs, launcher=launcher, probe=probe, load=in_flight, logs=logs, clock=clock,
        limits=limits, locks=locks, strangers=strangers,
    )  # fmt: skip

    def publish(running: Running) -> None:
        shape = of_running(running, clock.now())
        bus.publish("swap", running.job.id, shape.model_dump(mode="json"))
        if running.job.state is JobState.DONE:
            _ = tasks.spawn(remember(models, running), name=f"facts of {running.job.id}")

    def tell_parts(groups: Sequence[Group]) -> None:
        bus.publish("parts", "all", {"groups": [asdict(group) for group in groups]})

    return Swaps(
        runner=runner, jobs=jobs, models=models, engines=engines, launcher=launcher, logs=logs,
        host=fleet.host, settings=settings, tasks=tasks, clock=clock, limits=limits,
        publish=publish, locks=locks, steady=steady,
        ranks=Ranks(
            launcher=launcher, hosts=fleet.hosts, clock=clock, tasks=tasks,
            container=lambda: settings().text("VLLM_CONTAINER"),
            told=tell_parts,
        ),
    )  # fmt: skip


def wire_validation(
    boot: Boot, fleet: Fleet, swaps: Swaps, probe: Probe, clock: Clock
) -> Validation:
    """Return the pre-flight; option tables of images are kept in the data directory."""
    return Validation(
        swaps=swaps, parser=VllmParser(), tables=OptionTables(boot.data.file("vllm-options")),
        launcher=swaps.launcher, probe=probe, host=fleet.host, clock=clock,
        strangers=swaps.runner.strangers,
    )  # fmt: skip


def wire_takeover(
    *, engines: Engines, swaps: Swaps, adopted: Adopted, fleet: Fleet,
    settings: Callable[[], Settings], clock: Clock,
) -> Takeover:  # fmt: skip
    """Return what shows, takes over and stops engines of others."""
    return Takeover(
        engines=engines, swaps=swaps, holders=RemoteHolders(swaps.launcher), adopted=adopted,
        host=fleet.host, settings=settings, clock=clock, stop_s=swaps.limits.stop,
    )  # fmt: skip


def wire_adopted(boot: Boot) -> AdoptedFile:
    """Return the memory of what was taken over, in the data directory."""
    return AdoptedFile(boot.data.file("adopted.json"))


def wire_locks(sql: Sql, bus: Bus, clock: Clock) -> Locks:
    """Return the swap lock over the database."""
    return Locks(store=SqlLock(sql), bus=bus, clock=clock)
