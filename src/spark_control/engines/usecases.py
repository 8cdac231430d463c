"""Watch the engine slot of every Spark; changes are said once on the bus."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.engines.domain import Address, Engine, EngineState, Health
from spark_control.engines.health import Patience, seen
from spark_control.engines.ports import Probe
from spark_control.engines.shapes import render

log = logging.getLogger(__name__)

EVERY_S = 5.0
OFF = frozenset({Health.EJECTED, Health.WEDGED})


@dataclass(kw_only=True, slots=True)
class Engines:
    """What runs in each engine slot, as last seen. `slots` gives the address per Spark now."""

    probe: Probe
    bus: Bus
    clock: Clock
    slots: Callable[[], Mapping[str, Address]]
    patience: Patience = field(default_factory=Patience)
    _seen: dict[str, Engine] = field(init=False, default_factory=dict)
    _begun: int = field(init=False, default=0)
    _kept: dict[str, int] = field(init=False, default_factory=dict)
    """The number of the look that `_seen` holds, by Spark; looks are numbered as they begin."""

    def seen(self) -> list[Engine]:
        """Return the engines as last seen, in the order of the fleet."""
        return [self._seen[name] for name in self.slots() if name in self._seen]

    def serving(self) -> list[Engine]:
        """Return the engines that requests go to: they answer, or did a moment ago."""
        return [engine for engine in self.seen() if engine.state is EngineState.SERVING]

    def loaded(self) -> dict[str, list[str]]:
        """Return the Sparks that serve each model name."""
        found: dict[str, list[str]] = {}
        for engine in self.serving():
            for name in engine.served:
                found.setdefault(name, []).append(engine.spark)
        return found

    async def refresh(self, spark: str) -> Engine | None:
        """Look at one slot now; None when the settings have no such Spark, before or after."""
        address = self.slots().get(spark)
        if address is None:
            return None
        self._begun += 1
        number = self._begun
        look = await self.probe.look(address, timeout_s=self.patience.look_s)
        # Meanwhile the slot may have moved, or a later look may have answered first.
        if self.slots().get(spark) == address and number > self._kept.get(spark, 0):
            self._kept[spark] = number
            before, now = self._seen.get(spark), self.clock.now()
            self._keep(seen(before, spark, address, look, now, self.patience))
        return self._seen.get(spark)

    def judge(self, engine: Engine, *, makes_tokens: bool) -> None:
        """Take what a deep probe found, unless another engine is there by now."""
        now = self._seen.get(engine.spark)
        if now is not None and now.address == engine.address and now.served == engine.served:
            since = None if makes_tokens else now.wedged or self.clock.now()
            self._keep(replace(now, wedged=since))

    def _keep(self, engine: Engine) -> None:
        before = self._seen.get(engine.spark)
        self._seen[engine.spark] = engine
        if before is None or _shown(before) != _shown(engine):
            self.bus.publish("engine", engine.spark, render(engine).model_dump(mode="json"))
            _log(before, engine)

    async def refresh_all(self) -> None:
        """Look at every slot at once; one that fails is logged and holds up no other."""
        slots = self.slots()
        for gone in set(self._seen) - set(slots):
            del self._seen[gone], self._kept[gone]
        await _logged(*(self.refresh(spark) for spark in slots))

    async def watch(self) -> None:
        """Keep looking until cancelled; a round that fails is logged, and the next one comes."""
        while True:
            await _logged(self.refresh_all())
            await self.clock.sleep(EVERY_S)


def _shown(engine: Engine) -> tuple[object, ...]:
    return engine.look, engine.address, engine.trouble_since, engine.health


def _log(before: Engine | None, engine: Engine) -> None:
    """Log who gets no requests any more though it served, and who is back."""
    was = Health.OUT if before is None else before.health
    if was is engine.health:
        return
    if engine.health in OFF:
        log.warning("the engine on %s gets no requests: %s", engine.spark, engine.detail)
    elif was in OFF and engine.health is Health.GOOD:
        log.warning("the engine on %s answers again", engine.spark)


async def _logged(*looks: Coroutine[object, object, object]) -> None:
    """Wait for all of `looks`; log what they raise."""
    for ended in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("a look at the engines failed", exc_info=ended)
        elif isinstance(ended, BaseException):
            raise ended
