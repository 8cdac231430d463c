"""Watch the engine slot of every Spark; changes are said once on the bus."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.engines.domain import Address, Engine, EngineState
from spark_control.engines.ports import Probe
from spark_control.engines.shapes import render

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

    async def refresh(self, spark: str) -> Engine:
        """Look at one slot now."""
        address = self.slots()[spark]
        look = await self.probe.look(address, timeout_s=LOOK_TIMEOUT_S)
        engine = Engine(spark, address, look, self.clock.now())
        before = self._seen.get(spark)
        self._seen[spark] = engine
        if before is None or (before.look, before.address) != (look, address):
            self.bus.publish("engine", spark, render(engine).model_dump(mode="json"))
        return engine

    async def refresh_all(self) -> None:
        """Look at every slot at once."""
        slots = self.slots()
        for gone in set(self._seen) - set(slots):
            del self._seen[gone]
        await asyncio.gather(*(self.refresh(spark) for spark in slots))

    async def watch(self) -> None:
        """Keep looking until cancelled."""
        while True:
            await self.refresh_all()
            await self.clock.sleep(EVERY_S)
