"""Decide a swap from one snapshot of the world; no step is taken here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark_control.engines.domain import Address, Engine, EngineState
from spark_control.fleet.errors import HostUnknown, NoHosts
from spark_control.models.assess import assess
from spark_control.models.domain import NO_ROOM, Kind, Mode, Model, Recipe, Room
from spark_control.models.fit import Verdict
from spark_control.models.knobs import effective_args
from spark_control.swap.domain import Plan, Unit
from spark_control.swap.errors import (
    ClusterUnsupported,
    DoesNotFit,
    ModelIncomplete,
    NeedsSetup,
    NotLaunchable,
)

DEFAULT_IMAGE = "vllm-node"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for: a model of the menu, and a Spark if they care."""

    key: str
    host: str | None = None
    rollback: bool = False
    """Bring the model back that ran before when this swap fails."""


@dataclass(frozen=True, slots=True)
class World:
    """What a plan is made from: Sparks in their order, engine slots, the row of the menu."""

    sparks: Sequence[str]
    slots: Mapping[str, Address]
    engines: Sequence[Engine]
    model: Model
    container: str
    launch_dir: str
    room: Room = NO_ROOM


def plan_swap(world: World, wish: Wish, *, job: str) -> Plan:
    """Return the plan for `wish`.

    Raises NoHosts, HostUnknown, NotLaunchable, NeedsSetup, ClusterUnsupported, ModelIncomplete,
    DoesNotFit.
    """
    model = world.model
    recipe = _launchable(model)
    spark = _choose(world, wish)
    if spark not in model.complete_on:
        raise ModelIncomplete(
            f"{model.name} is not whole on {spark}.",
            detail={"spark": spark, "problems": list(model.problems)},
        )
    _fitting(world, spark)
    replaces = tuple(
        name
        for engine in world.engines
        if engine.spark == spark and engine.state is EngineState.SERVING
        for name in engine.served[:1]
    )
    return Plan(spark, world.slots[spark], _unit(world, recipe, job), replaces)


def _fitting(world: World, spark: str) -> None:
    """Refuse what is known not to fit; what is tight, or not known, is for the engine to say."""
    found = assess(world.model, world.room, spark)
    if found.verdict is not Verdict.NO:
        return
    hint = DoesNotFit.hint
    if found.max_context:
        hint = f"There is room for a context of {found.max_context} tokens. {hint}"
    raise DoesNotFit(
        f"{world.model.name} does not fit on {spark}: {found.reason}",
        hint=hint,
        detail={
            "spark": spark,
            "needed_bytes": found.needed_bytes,
            "max_context": found.max_context,
            "terms": [
                {"name": term.name, "bytes": term.bytes, "basis": term.basis.value}
                for term in found.terms
            ],
        },
    )


def _launchable(model: Model) -> Recipe:
    if model.kind not in {Kind.CHAT, Kind.UNKNOWN}:
        raise NotLaunchable(
            f"{model.name} is no chat model ({model.kind}).",
            hint="It can be used by a service; an engine cannot chat with it.",
        )
    if model.recipe is None:
        raise NeedsSetup(f"{model.name} has no launch settings yet.")
    if model.mode is Mode.CLUSTER:
        raise ClusterUnsupported(f"{model.name} needs more than one Spark.")
    return model.recipe


def _choose(world: World, wish: Wish) -> str:
    """Take the Spark asked for, else the first that holds the whole model, else Spark 1."""
    if not world.sparks:
        raise NoHosts("There is no Spark to launch on.")
    if wish.host is not None:
        if wish.host not in world.sparks:
            raise HostUnknown(f"There is no Spark {wish.host!r}.", param="host")
        return wish.host
    whole = (spark for spark in world.sparks if spark in world.model.complete_on)
    return next(whole, world.sparks[0])


def _unit(world: World, recipe: Recipe, job: str) -> Unit:
    model = world.model
    return Unit(
        job=job,
        key=model.key,
        source=model.repo or model.local_path or "",
        container=world.container,
        image=recipe.image or DEFAULT_IMAGE,
        port=next(iter(world.slots.values())).port,
        launch_dir=world.launch_dir,
        args=effective_args(recipe, model.knobs),
        env=dict(recipe.env),
        mods=recipe.mods,
        mount=model.local_path,
    )
