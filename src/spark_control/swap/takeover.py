"""Show whose engines run, and take over or stop those that somebody else started."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.engines.domain import TAKEN, Engine
from spark_control.engines.usecases import Engines
from spark_control.fleet.errors import HostUnknown
from spark_control.fleet.ports import Host
from spark_control.jobs.exclusion import ENGINE_STOP, TAKE_OVER
from spark_control.settings.domain import Settings
from spark_control.swap.adoption import forget
from spark_control.swap.errors import (
    ConfirmationWrong,
    EngineAbsent,
    EngineNotTold,
    EngineOurs,
    EngineProtected,
)
from spark_control.swap.foreign import Holder, Kind, Ours, judge
from spark_control.swap.foreign_ports import Adopted, Holders
from spark_control.swap.lock import Claim
from spark_control.swap.usecases import Errand, Swaps

log = logging.getLogger(__name__)

KEEP_S = 10.0
"""How long what was seen of a Spark counts, for as long as its engine looks the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """The engine of one Spark. `ours` and `holder` are None where nothing is known of it."""

    engine: Engine
    holder: Holder | None = None
    ours: Ours | None = None
    problem: str = ""


@dataclass(kw_only=True, slots=True)
class Takeover:
    """The engines of this fleet, and what the operator may do with foreign ones."""

    engines: Engines
    swaps: Swaps
    holders: Holders
    adopted: Adopted
    host: Callable[[str], Host]
    settings: Callable[[], Settings]
    clock: Clock
    stop_s: float = 45.0
    _seen: dict[str, tuple[float, Row]] = field(init=False, default_factory=dict)

    async def rows(self, *, fresh: bool = False) -> list[Row]:
        """Return a row for each Spark whose engine slot was looked at, all asked at once."""
        if fresh:
            await self.engines.refresh_all()
        return await asyncio.gather(
            *(self._row(engine, fresh=fresh) for engine in self.engines.seen())
        )

    async def _row(self, engine: Engine, *, fresh: bool) -> Row:
        if engine.state not in TAKEN:
            return Row(engine)
        at, before = self._seen.get(engine.spark, (0.0, None))
        young = self.clock.monotonic() - at < KEEP_S
        if before is not None and before.engine.look == engine.look and young and not fresh:
            return self._judged(engine, before.holder)
        try:
            row = self._judged(engine, await self._holder(engine))
        except AppError as error:
            return Row(engine, problem=error.message)
        self._seen[engine.spark] = self.clock.monotonic(), row
        return row

    async def _holder(self, engine: Engine) -> Holder | None:
        return await self.holders.find(self.host(engine.spark), engine.address)

    def _judged(self, engine: Engine, holder: Holder | None) -> Row:
        if holder is None:
            # It answers, and nothing listens on the Spark itself: another machine answers for it.
            return Row(engine, problem="Nothing on the Spark itself listens on that port.")
        container = self.settings().text("VLLM_CONTAINER")
        return Row(engine, holder, judge(holder, container, self.adopted.get(engine.spark)))

    async def take_over(self, spark: str, claim: Claim) -> Row:
        """Let swaps replace the foreign engine from now on, also after a restart.

        Taking over what is ours already changes nothing. Raises HostUnknown, EngineAbsent,
        EngineNotTold, EngineProtected, AdoptionUnkept, and what `Swaps.between` raises.
        """
        row, holder = await self._there(spark)
        if row.ours is not Ours.NO:
            return row
        _endable(spark, holder)
        async with self.swaps.between(claim, _errand(TAKE_OVER, spark, holder)):
            row, now = await self._there(spark)
            _same(spark, holder, now)
            await self.adopted.put(spark, now.id)
            log.warning("%s on %s was taken over", now.title, spark)
            return self._judged(row.engine, now)

    async def stop(self, spark: str, confirm: str, claim: Claim) -> Row:
        """End the foreign engine and return what is there then.

        Raises as `take_over` does, and EngineOurs, ConfirmationWrong, StopFailed, DockerRefused.
        """
        row, holder = await self._there(spark)
        if row.ours is Ours.YES:
            raise EngineOurs(f"{spark} runs an engine of Spark Control.")
        if not holder.mark or confirm.strip() != holder.mark:
            raise ConfirmationWrong(
                f"{spark} runs {holder.title}; the confirmation names something else.",
                param="confirm",
            )
        _endable(spark, holder)
        async with self.swaps.between(claim, _errand(ENGINE_STOP, spark, holder)):
            row, now = await self._there(spark)
            _same(spark, holder, now)
            await self.holders.end(self.host(spark), now, timeout_s=self.stop_s)
            log.warning("%s on %s was stopped", now.title, spark)
            if self.adopted.get(spark) is not None:
                await forget(self.adopted, spark)
        self._seen.pop(spark, None)
        after = await self.engines.refresh(spark)
        return Row(row.engine) if after is None else await self._row(after, fresh=True)

    async def _there(self, spark: str) -> tuple[Row, Holder]:
        """Look at the engine now and at what it is. Raises as `take_over` does."""
        engine = await self.engines.refresh(spark)
        if engine is None:
            raise HostUnknown(f"There is no Spark {spark[:80]!r}.", param="spark")
        holder = await self._holder(engine)
        if holder is None:
            raise EngineAbsent(f"Nothing listens on port {engine.address.port} of {spark}.")
        if holder.kind is Kind.UNKNOWN:
            why = "; ".join(holder.problems) or "it cannot be seen"
            raise EngineNotTold(f"What listens on {spark} cannot be told: {why}.")
        return self._judged(engine, holder), holder


def _errand(kind: str, spark: str, holder: Holder) -> Errand:
    return Errand(kind=kind, spark=spark, target=(holder.name or holder.title)[:100])


def _same(spark: str, meant: Holder, now: Holder) -> None:
    """Raise EngineAbsent when another engine has come in its place."""
    if now.id != meant.id:
        raise EngineAbsent(f"On {spark}, {meant.title} has ended; {now.title} is there now.")


def _endable(spark: str, holder: Holder) -> None:
    """Raise EngineProtected for a process that our user may not end."""
    if not holder.endable:
        raise EngineProtected(
            f"On {spark}, {holder.title} belongs to another user.", hint=holder.by_hand(spark)
        )
