"""Decide a swap from one snapshot of the world; no step is taken here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spark_control.engines.domain import Address, Engine, EngineState
from spark_control.fleet.errors import HostUnknown, NoHosts
from spark_control.models.assess import assess, cluster_size
from spark_control.models.demand import PAIR
from spark_control.models.domain import NO_ROOM, Kind, Mode, Model, Recipe, Room
from spark_control.models.fit import Verdict
from spark_control.models.knobs import effective_args
from spark_control.swap.domain import Plan, Seat, Unit
from spark_control.swap.errors import (
    ClusterTooSmall,
    DoesNotFit,
    ModelIncomplete,
    NeedsSetup,
    NotLaunchable,
)
from spark_control.swap.groups import Group, with_partners

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
    groups: Sequence[Group] = ()


def plan_swap(world: World, wish: Wish, *, job: str) -> Plan:
    """Return the plan for `wish`.

    Raises NoHosts, HostUnknown, NotLaunchable, NeedsSetup, ClusterTooSmall, ModelIncomplete,
    DoesNotFit.
    """
    recipe = _launchable(world.model)
    head = _choose(world, wish)
    ranks = _ranks(world, head) if world.model.mode is Mode.CLUSTER else (head,)
    for spark in ranks:
        _whole(world.model, spark)
        _fitting(world, spark)
    ends = [spark for spark in with_partners(world.groups, ranks) if spark in world.slots]
    gone = _serving(world, (*ranks, *ends))
    unit = _unit(world, recipe, job)
    if len(ranks) > 1:
        unit = replace(unit, ranks=ranks)
    return Plan(
        head, world.slots[head], unit, tuple(engine.served[0] for engine in gone),
        workers=tuple(Seat(spark, world.slots[spark]) for spark in ranks[1:]),
        ends=tuple(Seat(spark, world.slots[spark]) for spark in ends),
        back_to=gone[0].spark if gone else "",
    )  # fmt: skip


def _serving(world: World, sparks: Sequence[str]) -> list[Engine]:
    """Return the engines on `sparks` that answer now, those of the first Spark first."""
    there = [one for one in world.engines if one.state is EngineState.SERVING and one.served]
    return [one for spark in sparks for one in there if one.spark == spark]


def _whole(model: Model, spark: str) -> None:
    if spark not in model.hosts:
        raise ModelIncomplete(
            f"No copy of {model.name} was seen on {spark}.",
            hint=f"Download it there, and see that {spark} is on.",
            detail={"spark": spark, "problems": list(model.problems)},
        )
    if spark not in model.complete_on:
        raise ModelIncomplete(
            f"{model.name} is not whole on {spark}.",
            detail={"spark": spark, "problems": list(model.problems)},
        )


def _ranks(world: World, head: str) -> tuple[str, ...]:
    """Return the Sparks of a cluster: the head, then those that hold the model, in their order.

    Where too few hold it, the next ones are named all the same, so that they are asked for it.
    """
    if len(world.sparks) < PAIR:
        raise ClusterTooSmall(f"{world.model.name} runs on {PAIR} Sparks, and there is one.")
    others = [spark for spark in world.sparks if spark != head]
    others.sort(key=lambda spark: spark not in world.model.complete_on)
    return (head, *others[: cluster_size(world.model) - 1])


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
