"""Watch the engine slot of every Spark; changes are said once on the bus."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.engines.domain import Address, Engine, EngineState
from spark_control.engines.ports import Probe
from spark_control.engines.shapes import render

log = logging.getLogger(__name__)

EVERY_S = 5.0
LOOK_TIMEOUT_S = 3.0


@dataclass(kw_only=True, slots=True)
class Engines:
    """What runs in each engine slot, as last seen. `slots` gives the address per Spark now."""

    probe: Probe
    bus: Bus
    clock: Clock
    slots: Callable[[], Mapping[str, Address]]
    _seen: dict[str, Engine] = field(init=False, default_factory=dict)
    _begun: int = field(init=False, default=0)
    _kept: dict[str, int] = field(init=False, default_factory=dict)
    """The number of the look that `_seen` holds, by Spark; looks are numbered as they begin."""

    def seen(self) -> list[Engine]:
        """Return the engines as last seen, in the order of the fleet."""
        return [self._seen[name] for name in self.slots() if name in self._seen]

    def serving(self) -> list[Engine]:
        """Return the engines that answer now."""
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
        look = await self.probe.look(address, timeout_s=LOOK_TIMEOUT_S)
        # Meanwhile the slot may have moved, or a later look may have answered first.
        if self.slots().get(spark) == address and number > self._kept.get(spark, 0):
            self._kept[spark] = number
            self._keep(Engine(spark, address, look, self.clock.now()))
        return self._seen.get(spark)

    def _keep(self, engine: Engine) -> None:
        before = self._seen.get(engine.spark)
        self._seen[engine.spark] = engine
        if before is None or (before.look, before.address) != (engine.look, engine.address):
            self.bus.publish("engine", engine.spark, render(engine).model_dump(mode="json"))

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


async def _logged(*looks: Coroutine[object, object, object]) -> None:
    """Wait for all of `looks`; log what they raise."""
    for ended in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("a look at the engines failed", exc_info=ended)
        elif isinstance(ended, BaseException):
            raise ended
