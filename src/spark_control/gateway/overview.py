"""Where each model name goes, for a person: every place, how it is, and what runs there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from spark_control.engines.domain import Engine, EngineState
from spark_control.gateway.endpoints import ENGINE, QDRANT, Endpoint
from spark_control.gateway.route import DEFAULT, Routes
from spark_control.gateway.services import KNOWN


class Kind(StrEnum):
    """What answers there."""

    ENGINE = "engine"
    SERVICE = "service"
    OUTSIDE = "outside"


class Standing(StrEnum):
    """How a place is, as last seen."""

    SERVING = "serving"
    LEAVING = "leaving"
    """A swap ends it: it takes no new requests."""
    LOADING = "loading"
    IDLE = "idle"
    """No engine runs there."""
    SILENT = "silent"
    """It does not answer."""
    WEDGED = "wedged"
    """It lists its model and makes no tokens."""
    OFF = "off"
    """The settings switch it off."""
    UNKNOWN = "unknown"
    """Nobody has asked it."""


_ENGINE = {
    EngineState.ABSENT: Standing.IDLE,
    EngineState.LOADING: Standing.LOADING,
    EngineState.SERVING: Standing.SERVING,
    EngineState.SILENT: Standing.SILENT,
    EngineState.UNKNOWN: Standing.SILENT,
    EngineState.WEDGED: Standing.WEDGED,
}
_UP = {True: Standing.SERVING, False: Standing.SILENT, None: Standing.UNKNOWN}
_SERVICES = frozenset(known.name for known in KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place that answers requests. `since`: it is so at least since then."""

    name: str
    kind: Kind
    capability: str
    base_url: str
    models: tuple[str, ...]
    standing: Standing
    running: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name of `ALIASES`. `to`: the places that answer for it now; `shadowed`: a model has it."""

    name: str
    model: str
    to: tuple[str, ...]
    shadowed: bool


def places(
    found: Iterable[Endpoint], seen: Iterable[Engine], leaving: frozenset[str]
) -> list[Place]:
    """Return the places; `leaving`: Sparks whose engine takes no new requests."""
    engines = {engine.spark: engine for engine in seen}
    return [
        Place(
            name=one.name, kind=_kind(one), capability=one.capability, base_url=one.base_url,
            models=one.models, standing=_standing(one, engines.get(one.name), leaving),
            since=_trouble(one, engines.get(one.name)),
        )
        for one in found if one.service != QDRANT
    ]  # fmt: skip


def _kind(one: Endpoint) -> Kind:
    if one.service == ENGINE:
        return Kind.ENGINE
    return Kind.SERVICE if one.service in _SERVICES else Kind.OUTSIDE


def _standing(one: Endpoint, engine: Engine | None, leaving: frozenset[str]) -> Standing:
    if one.service != ENGINE:
        return Standing.OFF if one.disabled else _UP[one.up]
    if engine is None:
        return Standing.UNKNOWN
    if engine.state is EngineState.SERVING and one.name in leaving:
        return Standing.LEAVING
    return _ENGINE[engine.state]


def _trouble(one: Endpoint, engine: Engine | None) -> datetime | None:
    """Return since when an engine is known not to answer, or makes no tokens."""
    if one.service != ENGINE or engine is None or engine.state is EngineState.SERVING:
        return None
    return engine.trouble_since


def running(found: Iterable[Place], counts: Mapping[str, int]) -> list[Place]:
    """Return the places with how many requests run there; `counts` is by base URL."""
    return [
        replace(
            one,
            running=counts.get(one.base_url, counts.get(one.base_url.removesuffix("/v1"), 0)),
        )
        for one in found
    ]


def aliases(routes: Routes) -> list[Alias]:
    """Return the aliases and where they lead now."""
    scene = routes.scene
    served = {DEFAULT, *scene.menu, *(name for one in scene.targets for name in one.served)}
    rows = []
    for name, model in scene.aliases.items():
        shadowed = name in served
        choice = None if shadowed else routes.find(name)
        to = tuple(one.name for one in choice.targets) if choice else ()
        rows.append(Alias(name=name, model=model, to=to, shadowed=shadowed))
    return rows


@dataclass(slots=True)
class Since:
    """Remembers since when each place is as it is; what knows it itself is believed."""

    _of: dict[tuple[Kind, str], tuple[Standing, datetime]] = field(default_factory=dict)

    def note(self, found: Sequence[Place], now: datetime) -> list[Place]:
        """Take the places as they are now, and return them with their times."""
        before = self._of
        self._of = {}
        rows = []
        for one in found:
            key = (one.kind, one.name)
            standing, at = before.get(key, (None, now))
            since = at if standing is one.standing else now
            self._of[key] = (one.standing, since)
            rows.append(replace(one, since=one.since or since))
        return rows
