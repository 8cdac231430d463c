"""One answer to "does it fit" for everyone who asks: the API, the menu, the page and the swap."""

from dataclasses import replace

from spark_control.models.demand import PAIR, demand_of
from spark_control.models.domain import Model, Recipe, Room
from spark_control.models.fit import Fit, fit
from spark_control.models.infer import propose
from spark_control.models.knobs import effective_args
from spark_control.models.measured import load_key


def assess(
    model: Model, room: Room, spark: str, *, context: int | None = None, sequences: int = 1
) -> Fit:
    """Return whether `model` fits on `spark` as the next swap would launch it.

    A model without a recipe is judged by the settings that would be proposed. `context` takes
    the place of the launch's own.
    """
    memory = room.memory.get(spark)
    recipe = model.recipe or propose(model, memory).recipe
    args = effective_args(recipe, model.knobs)
    demand = demand_of(model, recipe, args, sparks=cluster_size(model))
    demand = replace(demand, sequences=max(1, sequences))
    if context is not None:
        longest = max(context, demand.longest or 0)
        demand = replace(demand, context=context, longest=longest)
    return fit(demand, memory, room.measured)


def cluster_size(model: Model) -> int:
    """Return over how many Sparks a cluster launch divides `model`.

    All that hold it whole, as far as its attention heads can be dealt out evenly; never one.
    """
    heads = model.facts.layers.heads if model.facts.layers is not None else 0
    for count in range(len(model.complete_on), PAIR, -1):
        if heads % count == 0 if heads else count & (count - 1) == 0:
            return count
    return PAIR


def usual_spark(model: Model, room: Room) -> str:
    """Return the Spark that a swap takes when nobody names one."""
    return next(iter((*model.complete_on, *model.hosts, *room.memory)), "")


def loads(model: Model, recipe: Recipe | None = None) -> str:
    """Return the name under which loads of this model, launched like this, are remembered."""
    used = recipe or model.recipe
    if used is None:
        return ""
    return load_key(model.key, used.image, effective_args(used, model.knobs))
