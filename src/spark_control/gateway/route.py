"""Which engine answers a request: by model name, over all that serve now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from typing_extensions import override

from spark_control.gateway.errors import ModelNotFound, ModelNotLoaded, NothingLoaded

DEFAULT = "default"
SOON_S = 10


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An engine, or a server of `UPSTREAMS`. `served` begins with the name we list it under."""

    name: str
    """The Spark it runs on, or the name of the server."""
    base_url: str
    served: tuple[str, ...]
    owner: str = ""
    seen_at: int = 0
    outside: bool = False
    """A server of `UPSTREAMS`; it is asked for what no engine serves."""
    token: str = ""
    redact: bool = False
    service: str = ""
    """What a speech or embedding service is called in a sentence; blank for what runs models."""

    @property
    def key(self) -> str:
        """Return the name by which we list what it serves: engines are started key first."""
        return self.served[0]

    @override
    def __repr__(self) -> str:
        return f"Target({self.name}, {self.base_url})"  # never the token


class Coming(msgspec.Struct, frozen=True):
    """A swap that runs: to which model, in which phase, and how long it still takes if known."""

    model: str
    sparks: tuple[str, ...]
    phase: str
    eta_s: float | None
    leaving: bool
    """The engines there now take no new requests: they are drained or stopped."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to choose from. `menu` names the key of every key and repo on disk."""

    targets: Sequence[Target]
    aliases: Mapping[str, str] = field(default_factory=dict)
    menu: Mapping[str, str] = field(default_factory=dict)
    coming: Coming | None = None

    @property
    def staying(self) -> list[Target]:
        """Return those that take new requests."""
        return [target for target in self.targets if not _leaves(target, self.coming)]


@dataclass(frozen=True, slots=True)
class Choice:
    """Who can answer, equal among each other; `rename`: the name they know the model by."""

    targets: tuple[Target, ...]
    rename: str | None = None


@dataclass(slots=True)
class Routes:
    """A scene made ready for many questions."""

    scene: Scene
    _by_name: dict[str | None, Choice] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = self._by_name
        engines = [target for target in self.scene.staying if not target.outside]
        outside = [target for target in self.scene.targets if target.outside]
        for tier in (engines, outside):  # engines win; of the servers the first that has it
            for name in dict.fromkeys(name for target in tier for name in target.served):
                having = tuple(target for target in tier if name in target.served)
                names.setdefault(name, Choice(having))
        if engines:
            key = engines[0].key
            names[None] = Choice(names[key].targets, key)
            names.setdefault(DEFAULT, names[None])
        for alias, meant in self.scene.aliases.items():
            if alias not in names and alias not in self.scene.menu and meant in names:
                targets = names[meant].targets
                names[alias] = Choice(targets, targets[0].key if meant == DEFAULT else meant)
        if DEFAULT in self.scene.aliases and DEFAULT in names:
            names.setdefault(None, names[DEFAULT])

    def find(self, name: str | None) -> Choice | None:
        """Return who answers for `name`, or None when nobody does now.

        A key or repo goes to the engines that serve it; `default` or no name to those that serve
        what the first engine of the fleet does; an alias to the model it stands for, unless a
        key has that name. Nothing goes to an outside server that nobody named.
        """
        return self._by_name.get(name)


def models(targets: Iterable[Target]) -> list[dict[str, object]]:
    """Return the rows of `GET /v1/models`."""
    rows: dict[str, dict[str, object]] = {}
    for target in targets:
        for name in target.served if target.outside else target.served[:1]:
            row = {"id": name, "object": "model", "created": target.seen_at,
                   "owned_by": target.owner}  # fmt: skip
            rows.setdefault(name, row)
    return list(rows.values())


def _leaves(target: Target, coming: Coming | None) -> bool:
    return (
        coming is not None
        and coming.leaving
        and not target.outside
        and target.name in coming.sparks
    )


def refuse(name: str | None, scene: Scene) -> ModelNotFound | ModelNotLoaded | NothingLoaded:
    """Return why `name` is not served, with what is there and when it may come."""
    loaded = [target.key for target in scene.staying]
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
            f"There is no model {name[:200]!r}. Loaded: {there}.", param="model", detail=detail
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
