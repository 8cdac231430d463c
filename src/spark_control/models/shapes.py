"""The menu on the wire."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from spark_control.core.clock import iso
from spark_control.models.domain import (
    NO_KNOBS,
    Knobs,
    Menu,
    Model,
    Problem,
    Recipe,
)
from spark_control.models.fit_shapes import FitBriefShape, brief
from spark_control.models.fits import Fits
from spark_control.models.knobs import effective_knobs

Loaded = Mapping[str, Iterable[str]]
"""The Sparks whose engine answers to a name, by name."""


class KnobsShape(BaseModel):
    """The knobs as the next swap launches them; null where the engine decides."""

    max_model_len: int | None
    gpu_memory_utilization: float | None
    fastsafetensors: bool | None
    prefix_caching: bool | None
    kv_cache_fp8: bool | None


class ModelShape(BaseModel):
    """One line of the menu. `url` is the model's page, null for a folder.

    `fit` is that of the Spark a swap would take; null for what is no chat model.
    """

    key: str
    name: str
    repo: str | None
    local_path: str | None
    url: str | None
    mode: str
    hosts: list[str]
    complete_on: list[str]
    size_bytes: int
    size_by_host: dict[str, int]
    loaded: bool
    loaded_on: list[str]
    needs_setup: bool
    effective_knobs: KnobsShape
    origin: str
    kind: str
    architecture: str | None
    quantization: str | None
    context: int | None
    problems: list[str]
    notes: str
    fit: FitBriefShape | None = None


class RecipeShape(BaseModel):
    """A recipe whose weights are on no Spark."""

    key: str
    name: str
    repo: str | None
    local_path: str | None
    url: str | None
    mode: str
    vllm_args: list[str]
    env: dict[str, str]
    image: str | None
    mods: list[str]
    notes: str
    origin: str
    effective_knobs: KnobsShape


class ProblemShape(BaseModel):
    """Something that was skipped: in which file or on which Spark, which entry, and why."""

    source: str
    entry: str | None
    reason: str


class MenuShape(BaseModel):
    """The menu. `read_at` is the time of the oldest look in it, null before the first."""

    models: list[ModelShape]
    recipes: list[RecipeShape]
    problems: list[ProblemShape]
    read_at: str | None


def render(menu: Menu, loaded: Loaded, fits: Fits | None = None) -> MenuShape:
    """Return the menu as the API shows it; `fits` remembers what was worked out before."""
    fits = fits or Fits()
    fits.keep_only(menu.models)
    keys = keys_by_source(menu.models)
    return MenuShape(
        models=[_model(model, loaded_on(model, keys, loaded), fits) for model in menu.models],
        recipes=[
            render_recipe(recipe, menu.knobs.get(recipe.key, NO_KNOBS))
            for recipe in menu.recipes_not_on_disk
        ],
        problems=[_problem(problem) for problem in menu.problems],
        read_at=None if menu.read_at is None else iso(menu.read_at),
    )


def keys_by_source(menu: Iterable[Model]) -> dict[str, list[str]]:
    """Return the keys of the recipes for each repo or folder."""
    keys: dict[str, list[str]] = {}
    for model in menu:
        keys.setdefault(model.source, []).append(model.key)
    return keys


def loaded_on(model: Model, keys: Mapping[str, Iterable[str]], loaded: Loaded) -> list[str]:
    """Return the Sparks that serve this model; `keys` are those of `keys_by_source`.

    Engines answer to key and repo. Where two recipes share a repo, only the key tells them apart.
    """
    by_key = set(loaded.get(model.key, ()))
    rivals = (key for key in keys.get(model.source, ()) if key != model.key)
    theirs = {spark for key in rivals for spark in loaded.get(key, ())}
    return sorted(by_key | (set(loaded.get(model.source, ())) - theirs))


def _url(repo: str | None) -> str | None:
    return None if repo is None else f"https://huggingface.co/{repo}"


def _knobs(knobs: Knobs) -> KnobsShape:
    return KnobsShape(
        max_model_len=knobs.max_model_len,
        gpu_memory_utilization=knobs.gpu_memory_utilization,
        fastsafetensors=knobs.fastsafetensors,
        prefix_caching=knobs.prefix_caching,
        kv_cache_fp8=knobs.kv_cache_fp8,
    )


def _model(model: Model, sparks: list[str], fits: Fits) -> ModelShape:
    return ModelShape(
        key=model.key, name=model.name, repo=model.repo, local_path=model.local_path,
        url=_url(model.repo), mode=model.mode, hosts=list(model.hosts),
        complete_on=list(model.complete_on), size_bytes=model.size_bytes,
        size_by_host=dict(model.size_by_host), loaded=bool(sparks), loaded_on=sparks,
        needs_setup=model.needs_setup, origin=model.origin, kind=model.kind,
        effective_knobs=_knobs(effective_knobs(model.recipe, model.knobs)),
        architecture=model.facts.architecture, quantization=model.facts.quantization,
        context=model.facts.context, problems=list(model.problems),
        notes=model.recipe.notes if model.recipe else "", fit=_fit(model, fits),
    )  # fmt: skip


def _fit(model: Model, fits: Fits) -> FitBriefShape | None:
    found = fits.of(model)
    return None if found is None else brief(found)


def render_recipe(recipe: Recipe, knobs: Knobs = NO_KNOBS) -> RecipeShape:
    """Return one recipe as the API shows it."""
    return RecipeShape(
        key=recipe.key, name=recipe.name, repo=recipe.repo, local_path=recipe.local_path,
        url=_url(recipe.repo), mode=recipe.mode, vllm_args=list(recipe.vllm_args),
        env=dict(recipe.env), image=recipe.image, mods=list(recipe.mods), notes=recipe.notes,
        origin=recipe.origin, effective_knobs=_knobs(effective_knobs(recipe, knobs)),
    )  # fmt: skip


def _problem(problem: Problem) -> ProblemShape:
    return ProblemShape(source=problem.source, entry=problem.entry, reason=problem.reason)
