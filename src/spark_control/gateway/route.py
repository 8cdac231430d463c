"""Which engine answers a request: by model name, over all engines that serve now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spark_control.engines.domain import Engine
from spark_control.gateway.errors import ModelNotFound, ModelNotLoaded, NothingLoaded

DEFAULT = "default"
SOON_S = 10


@dataclass(frozen=True, slots=True)
class Coming:
    """A swap that runs: to which model, in which phase, and how long it still takes if known."""

    model: str
    spark: str
    phase: str
    eta_s: float | None
    leaving: bool
    """The engine there now takes no new requests: it is drained or stopped."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to choose from. `menu` names the key of every key and repo on disk."""

    engines: Sequence[Engine]
    aliases: Mapping[str, str] = field(default_factory=dict)
    busy: Mapping[str, int] = field(default_factory=dict)
    menu: Mapping[str, str] = field(default_factory=dict)
    coming: Coming | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine, and the name it knows the model by when the body must be renamed."""

    engine: Engine
    rename: str | None


def key_of(engine: Engine) -> str:
    """Return the name by which we list what an engine serves: engines are started key first."""
    return engine.served[0]


def choose(name: str | None, scene: Scene) -> Choice | None:
    """Return the engine for `name`, or None when no engine serves it now.

    A key or repo goes to the least busy engine that serves it; `default` or no name to the first
    engine of the fleet; an alias to the model it stands for, unless a key has that name.
    """
    engines = [engine for engine in scene.engines if not _leaves(engine, scene)]
    if found := _least_busy([engine for engine in engines if name in engine.served], scene):
        return Choice(found, None)
    if name is None or name == DEFAULT:
        return Choice(engines[0], key_of(engines[0])) if engines else None
    target = scene.aliases.get(name) if name not in scene.menu else None
    meant = [engine for engine in engines if target is not None and target in engine.served]
    found = _least_busy(meant, scene)
    return Choice(found, key_of(found)) if found else None


def _leaves(engine: Engine, scene: Scene) -> bool:
    coming = scene.coming
    return coming is not None and coming.leaving and coming.spark == engine.spark


def _least_busy(engines: Sequence[Engine], scene: Scene) -> Engine | None:
    return min(engines, key=lambda e: scene.busy.get(e.address.base_url, 0), default=None)


def refuse(name: str | None, scene: Scene) -> ModelNotFound | ModelNotLoaded | NothingLoaded:
    """Return why `name` is not served, with what is there and when it may come."""
    loaded = [key_of(engine) for engine in scene.engines if not _leaves(engine, scene)]
    target = scene.menu.get(scene.aliases.get(name or "", name or ""))
    detail: dict[str, object] = {"loaded": loaded}
    coming = scene.coming
    if coming is not None and (target in {coming.model, None} or name in {None, DEFAULT}):
        detail |= {"swap": {"model": coming.model, "phase": coming.phase, "eta_s": coming.eta_s}}
    if name is None or name == DEFAULT:
        return NothingLoaded(
            _sentence("No model is loaded.", coming), retry_after_s=_wait(coming), detail=detail
        )
    if target is None:
        there = ", ".join(loaded) or "none"
        return ModelNotFound(
            f"There is no model {name!r}. Loaded: {there}.", param="model", detail=detail
        )
    on_its_way = coming if coming is not None and coming.model == target else None
    return ModelNotLoaded(
        _sentence(f"{target} is not loaded. Loaded: {', '.join(loaded) or 'none'}.", on_its_way),
        param="model",
        retry_after_s=_wait(on_its_way),
        detail=detail,
    )


def _sentence(text: str, coming: Coming | None) -> str:
    if coming is None:
        return text
    eta = "" if coming.eta_s is None else f", about {coming.eta_s:.0f} s left"
    return f"{text} A swap to {coming.model} runs ({coming.phase}{eta})."


def _wait(coming: Coming | None) -> int | None:
    if coming is None:
        return None
    return SOON_S if coming.eta_s is None else max(1, round(coming.eta_s))
