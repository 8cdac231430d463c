"""Put what is on the disks and the recipes together into one list with one line per model."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from spark_control.models.domain import (
    NO_KNOBS,
    Catalogue,
    Facts,
    Inventory,
    Kind,
    Menu,
    Mode,
    Model,
    OnDisk,
    Problem,
    Recipe,
    is_key,
)
from spark_control.models.flags import Family, find

_BATCH = Family((("--max-num-batched-tokens", "--max-num-b"),))
_NOT_A_KEY = re.compile(r"[^a-z0-9._-]+")

Copies = Mapping[str, OnDisk]
"""The copies of one model by Spark, in the order of the fleet."""


def build_menu(inventories: Sequence[Inventory], catalogue: Catalogue) -> Menu:
    """Return the menu. The same disks and recipes give the same keys in the same order."""
    held = _held(inventories)
    with_recipe = {recipe.source for recipe in catalogue.recipes}
    models = [
        _with_recipe(recipe, held[recipe.source], catalogue)
        for recipe in catalogue.recipes
        if recipe.source in held
    ]
    bare = sorted(source for source in held if source not in with_recipe)
    keys = inferred_keys(bare, taken={recipe.key for recipe in catalogue.recipes})
    models += [_without_recipe(source, keys[source], held[source]) for source in bare]
    return Menu(
        models=tuple(sorted(models, key=_order)),
        recipes_not_on_disk=tuple(r for r in catalogue.recipes if r.source not in held),
        problems=(*catalogue.problems, *_disk_problems(inventories)),
        knobs=catalogue.knobs,
    )


def _held(inventories: Sequence[Inventory]) -> dict[str, dict[str, OnDisk]]:
    held: dict[str, dict[str, OnDisk]] = {}
    for inventory in inventories:
        for copy in inventory.copies:
            held.setdefault(copy.source, {})[inventory.spark] = copy
    return held


def _disk_problems(inventories: Sequence[Inventory]) -> list[Problem]:
    return [Problem(disk.spark, None, reason) for disk in inventories for reason in disk.problems]


def _order(model: Model) -> tuple[bool, bool, str, str]:
    """Chat models that can be launched first, then by name."""
    return model.kind is not Kind.CHAT, model.needs_setup, model.name.casefold(), model.key


def _with_recipe(recipe: Recipe, copies: Copies, catalogue: Catalogue) -> Model:
    bare = _of_copies(recipe.key, recipe.source, copies)
    return replace(
        bare,
        name=recipe.name,
        repo=recipe.repo,
        local_path=recipe.local_path,
        mode=recipe.mode,
        problems=(*bare.problems, *_recipe_problems(recipe, bare, copies)),
        recipe=recipe,
        knobs=catalogue.knobs.get(recipe.key, NO_KNOBS),
        origin=recipe.origin,
    )


def _without_recipe(source: str, key: str, copies: Copies) -> Model:
    bare = _of_copies(key, source, copies)
    local = any(copy.local for copy in copies.values())
    return replace(
        bare,
        needs_setup=True,
        repo=None if local else source,
        local_path=source if local else None,
    )


def _of_copies(key: str, source: str, copies: Copies) -> Model:
    whole = tuple(spark for spark, copy in copies.items() if copy.complete)
    best = next((copies[spark] for spark in whole), next(iter(copies.values())))
    return Model(
        key=key,
        name=source,
        hosts=tuple(copies),
        complete_on=whole,
        size_bytes=max(copy.size_bytes for copy in copies.values()),
        size_by_host=tuple((spark, copy.size_bytes) for spark, copy in copies.items()),
        problems=tuple(
            f"{spark}: {text}" for spark, copy in copies.items() for text in copy.problems
        ),
        kind=best.kind,
        facts=best.facts,
        weight_bytes=best.weight_bytes,
    )


def _recipe_problems(recipe: Recipe, model: Model, copies: Copies) -> list[str]:
    """Say what would make this recipe fail with these copies."""
    found = []
    if needs_large_batch(model.facts) and not find(recipe.vllm_args, _BATCH):
        found.append(
            "The recipe does not set --max-num-batched-tokens; "
            "a multimodal or hybrid model needs 16384."
        )
    if recipe.mode is Mode.CLUSTER:
        found += _cluster_problems(model.complete_on, copies)
    return found


def needs_large_batch(facts: Facts) -> bool:
    """Tell whether vLLM wants larger batches: an image, or a block of states, is one piece."""
    return facts.multimodal or facts.hybrid


def _cluster_problems(whole: Sequence[str], copies: Copies) -> list[str]:
    if len(whole) < 2:
        where = f"only {whole[0]} holds" if whole else "no Spark holds"
        return [f"A cluster recipe needs a whole copy on two Sparks; {where} one."]
    if len({copies[spark].commit for spark in whole}) > 1:
        return [f"{' and '.join(whole)} hold different revisions of it."]
    return []


def inferred_keys(sources: Iterable[str], *, taken: Iterable[str]) -> dict[str, str]:
    """Return a key for each source: made of its whole name, so that it stays when others come.

    A name that is too long, reserved or taken gets six digits of its own digest.
    """
    used, keys = set(taken), {}
    for source in sources:
        slug = _NOT_A_KEY.sub("-", source.casefold()).strip("-")
        if not is_key(slug) or slug in used:
            digest = hashlib.sha256(source.encode()).hexdigest()[:6]
            slug = f"{slug[:57] or 'model'}-{digest}"
        used.add(slug)
        keys[source] = slug
    return keys
