"""`GET /api/status`: what is loaded where, and whether it can be reached, in one answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel

from spark_control.core.clock import Clock, iso
from spark_control.engines.shapes import EngineShape
from spark_control.engines.shapes import render as render_engine
from spark_control.engines.usecases import Engines
from spark_control.fleet.shapes import ErrorShape
from spark_control.fleet.usecases import Card, Fleet
from spark_control.settings.usecases import Configuration
from spark_control.swap.groups import Group, occupied
from spark_control.swap.lock_shapes import FreeShape, LockShape
from spark_control.swap.locks import Locks
from spark_control.swap.shapes import SwapShape, of_running
from spark_control.swap.usecases import Swaps


class NoticeShape(BaseModel):
    """Something the operator should know."""

    code: str
    message: str
    hint: str | None = None


class PartShape(BaseModel):
    """The part of an engine over several Sparks that runs on one: `head` answers for all.

    `alive` is null for a Spark that did not say.
    """

    model: str
    head: str
    sparks: list[str]
    alive: bool | None


class SparkStatusShape(BaseModel):
    """One Spark: `reachable` is null until it was asked the first time."""

    name: str
    host: str
    port: int
    user: str
    reachable: bool | None
    checked_at: str | None
    error: ErrorShape | None
    engine: EngineShape | None
    part: PartShape | None


class LoadedShape(BaseModel):
    """A model that is served. `played` tells how the demo plays it; null for a real engine.

    `spark` answers; `sparks` are all that the engine occupies.
    """

    model: str
    names: list[str]
    spark: str
    sparks: list[str]
    played: str | None


class StatusShape(BaseModel):
    """The fleet at a glance."""

    version: str
    demo: bool
    started_at: str
    base_url: str
    sparks: list[SparkStatusShape]
    loaded: list[LoadedShape]
    swap: SwapShape | None
    lock: LockShape | FreeShape = FreeShape()
    notices: list[NoticeShape]


@dataclass(kw_only=True, slots=True)
class Status:
    """Puts the answer together from what is known now; asks no Spark anything."""

    version: str
    demo: bool
    clock: Clock
    fleet: Fleet
    engines: Engines
    swaps: Swaps
    locks: Locks
    configuration: Configuration
    notices: Callable[[], Sequence[NoticeShape]]
    started_at: str

    def now(self, base_url: str) -> StatusShape:
        """Return the status; `base_url` is where the caller reached us."""
        newest = self.swaps.newest
        return StatusShape(
            version=self.version, demo=self.demo, started_at=self.started_at,
            base_url=f"{base_url.rstrip('/')}/v1", sparks=self._sparks(), loaded=self._loaded(),
            swap=of_running(newest, self.clock.now()) if newest else None,
            lock=self.locks.shape(), notices=[*self.notices(), *self._problems()],
        )  # fmt: skip

    def _sparks(self) -> list[SparkStatusShape]:
        engines = {engine.spark: render_engine(engine) for engine in self.engines.seen()}
        ranks = self.swaps.ranks
        return [
            _spark(card, engines.get(card.spark.name), ranks.of(card.spark.name))
            for card in self.fleet.cards()
        ]

    def _loaded(self) -> list[LoadedShape]:
        groups = self.swaps.ranks.groups
        return [
            LoadedShape(model=engine.served[0], names=list(engine.served), spark=engine.spark,
                        sparks=occupied(groups, engine.spark), played=engine.played)
            for engine in self.engines.serving()
        ]  # fmt: skip

    def _broken(self) -> list[NoticeShape]:
        """Return the clusters that lost a part: the first Spark may still look healthy."""
        return [
            NoticeShape(
                code="cluster_broken",
                message=f"{' and '.join(group.missing)} lost the part of {group.model}; "
                f"{group.ranks[0]} cannot answer without it.",
                hint=f"Switch to {group.model} again, or to another model.",
            )
            for group in self.swaps.ranks.groups
            if group.missing and not self._works_on(group)
        ]

    def _works_on(self, group: Group) -> bool:
        """Tell whether a swap is under way there: parts come and go then."""
        running = self.swaps.running
        return running is not None and bool(set(running.plan.sparks) & set(group.ranks))

    def _problems(self) -> list[NoticeShape]:
        rows = [
            NoticeShape(code="setting_not_taken", message=f"{p.name} ({p.source}): {p.reason}")
            for p in self.configuration.problems
        ]
        if unknown := self.configuration.current.unknown:
            text = f"Unknown settings are kept as they are: {', '.join(unknown)}."
            rows.append(NoticeShape(code="settings_unknown", message=text))
        return [*self._broken(), *rows]


def _part(group: Group, spark: str) -> PartShape:
    alive = None if spark in group.unseen else spark not in group.missing
    return PartShape(model=group.model, head=group.ranks[0], sparks=list(group.ranks), alive=alive)


def _spark(card: Card, engine: EngineShape | None, group: Group | None) -> SparkStatusShape:
    spark = card.spark
    return SparkStatusShape(
        name=spark.name, host=spark.host, port=spark.port, user=spark.user,
        reachable=card.reachable, checked_at=iso(card.checked_at) if card.checked_at else None,
        error=ErrorShape.model_validate(card.error.as_dict()) if card.error else None,
        engine=engine, part=None if group is None else _part(group, spark.name),
    )  # fmt: skip


def router(status: Status) -> APIRouter:
    """Return the route of the status."""
    routes = APIRouter(tags=["status"])

    @routes.get("/api/status")
    async def read(request: Request) -> StatusShape:
        """Show what is loaded where, and whether it can be reached."""
        return status.now(str(request.base_url))

    return routes
