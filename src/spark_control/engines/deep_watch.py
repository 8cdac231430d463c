"""Asks engines that are suspected of making no tokens for one, and takes their requests away."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from spark_control.core.clock import Clock
from spark_control.engines.deep import Doubt, alive
from spark_control.engines.domain import Address, Engine, Health
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from spark_control.engines.ports import Load, Probe, Pulse
from spark_control.engines.usecases import Engines

ROUND_S = 5.0
TOKEN_S = 30.0
ASKED = frozenset({Health.GOOD, Health.WEDGED})


@dataclass(kw_only=True, slots=True)
class DeepProbes:
    """What is suspected of which engine."""

    engines: Engines
    probe: Probe
    pulse: Pulse
    load: Load
    clock: Clock
    token_s: float = TOKEN_S
    _doubts: dict[tuple[str, Address], Doubt] = field(init=False, default_factory=dict)

    def ended(self, failed: Mapping[str, int]) -> None:
        """Take, by Spark, how many requests in a row its engine has failed; zero: it did well."""
        now = self.clock.monotonic()
        for key, doubt in self._doubts.items():
            if key[0] in failed:
                self._doubts[key] = doubt.ended(now, failed=failed[key[0]])

    async def follow(self) -> None:
        """Look at the suspicions again and again, until cancelled."""
        while True:
            await self.round()
            await self.clock.sleep(ROUND_S)

    async def round(self) -> None:
        """Ask those that are due, all at once."""
        now, before = self.clock.monotonic(), self._doubts
        self._doubts = {}
        due = []
        for engine in self.engines.seen():
            key = engine.spark, engine.address
            if engine.health not in ASKED or not engine.served:
                continue
            running = self.load.in_flight(engine.address)
            doubt = self._doubts[key] = before.get(key, Doubt()).busy(running, now)
            if doubt.due(now, wedged=engine.health is Health.WEDGED):
                due.append(engine)
        await asyncio.gather(*(self._ask(engine) for engine in due))

    async def _ask(self, engine: Engine) -> None:
        failed = not await self._lives(engine)
        key = engine.spark, engine.address
        doubt = self._doubts.get(key, Doubt()).asked(self.clock.monotonic(), failed=failed)
        self._doubts[key] = doubt
        if not failed or doubt.wedged:
            self.engines.judge(engine, makes_tokens=not failed)

    async def _lives(self, engine: Engine) -> bool:
        """Tell whether it makes tokens, or whether nothing can be said against it."""
        address, key = engine.address, engine.served[0]
        before = await self.pulse.tokens(address)
        try:
            await self.probe.token(address, key, timeout_s=self.token_s)
        except EngineSlow:
            after = await self.pulse.tokens(address)
            wedged = engine.health is Health.WEDGED
            running = 0 if wedged else self.load.in_flight(address)
            return alive(before, after, running)
        except EngineBroke as error:
            status = error.detail.get("status")
            return isinstance(status, int) and status < 500  # it may not chat: others it can do
        except EngineUnreachable:
            return engine.health is not Health.WEDGED  # looks see to that
        return True
