"""What the workers are told: who serves which model, who may come in, and what is on its way."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.engines.domain import Engine
from spark_control.engines.usecases import Engines
from spark_control.gateway import endpoints, outside, overview
from spark_control.gateway.looks import Services
from spark_control.gateway.outside import Said
from spark_control.gateway.ports import Link, OutsideModels
from spark_control.gateway.route import Coming, Routes, Scene, Target
from spark_control.gateway.wire import Bounds, Pass, State
from spark_control.models.domain import Menu
from spark_control.models.usecases import Models
from spark_control.settings.domain import Settings
from spark_control.swap.domain import Phase
from spark_control.swap.eta import remaining_seconds
from spark_control.swap.usecases import Swaps

log = logging.getLogger(__name__)

OUTSIDE_EVERY_S = 30.0
MENU_EVERY_S = 10.0


@dataclass(kw_only=True, slots=True)
class Gateway:
    """The one URL over all engines, as the control process sees it."""

    engines: Engines
    models: Models
    swaps: Swaps
    settings: Callable[[], Settings]
    door: Callable[[], Pass]
    link: Link
    outside: OutsideModels
    services: Services
    bus: Bus
    clock: Clock
    _menu: dict[str, str] = field(init=False, default_factory=dict)
    _told: State | None = field(init=False, default=None)
    _said: dict[str, Said] = field(init=False, default_factory=dict)
    """What outside servers said when they were asked, by base URL."""
    _version: int = field(init=False, default=0)
    _since: overview.Since = field(init=False, default_factory=overview.Since)

    def begin(self) -> None:
        """Tell what is known at the start, and be there for questions."""
        self.link.on_sync(self.look)
        self.tell()

    async def follow(self) -> None:
        """Tell every change at once, until cancelled."""
        changes = self.bus.subscribe("engine", "swap", "settings")
        try:
            async for _ in changes:
                self.tell()
        finally:
            self.bus.unsubscribe(changes)

    async def follow_settings(self) -> None:
        """Look at the servers that new settings name, until cancelled; some may be slow."""
        changes = self.bus.subscribe("settings")
        try:
            async for _ in changes:
                await self.services.look()
                self.tell()
                await self.ask_outside()
        finally:
            self.bus.unsubscribe(changes)

    async def follow_menu(self) -> None:
        """Keep the names of the menu fresh, until cancelled."""
        while True:
            self._keep(await self.models.known())
            self.tell()
            await self.clock.sleep(MENU_EVERY_S)

    async def follow_outside(self) -> None:
        """Ask outside servers now and then what they have, until cancelled."""
        while True:
            await self.ask_outside()
            await self.clock.sleep(OUTSIDE_EVERY_S)

    async def ask_outside(self) -> None:
        """Ask all at once what they have; also those whose models the settings state."""
        asked = outside.read(self.settings().text("UPSTREAMS"))
        found = await asyncio.gather(*(self.outside.list(server) for server in asked))
        self._said = {
            server.base_url: outside.heard(self._said.get(server.base_url), models)
            for server, models in zip(asked, found, strict=True)
        }
        self.tell()

    async def look(self) -> None:
        """Look at the menu anew: somebody asked for a model that nobody seems to serve."""
        try:
            self._keep(await self.models.menu())
        except AppError as error:
            log.warning("the menu cannot be read: %s", error.message)
        self.tell(again=True)

    def endpoints(self) -> list[endpoints.Endpoint]:
        """Return every endpoint there is, also those that are switched off."""
        now, seen = self.settings(), self.services
        return [
            *endpoints.engines(self.engines.slots().items(), self.engines.seen(), now),
            *endpoints.services(seen.rows(), seen.now(), seen.looked(), now),
            *endpoints.outside(outside.read(now.text("UPSTREAMS")), self._said),
        ]

    def places(self) -> list[overview.Place]:
        """Return every place that answers requests, how it is, and since when."""
        coming = self._coming()
        leaving = frozenset(coming.sparks if coming is not None and coming.leaving else ())
        found = overview.places(self.endpoints(), self.engines.seen(), leaving)
        return self._since.note(found, self.clock.now())

    def aliases(self) -> list[overview.Alias]:
        """Return the aliases and where they lead now."""
        now, own = self._state(), self.settings().pairs("ALIASES")
        routes = Routes(Scene(now.targets, now.aliases, now.menu, now.coming))
        return [alias for alias in overview.aliases(routes) if alias.name in own]

    async def settle(self) -> None:
        """Return once every worker decides by what is true now."""
        self.tell()
        await self.link.settled()

    def tell(self, *, again: bool = False) -> None:
        """Tell the workers what has changed; `again` also when only the time left has."""
        _ = self.places()  # notes since when each is as it is
        state = self._state()
        if self._told is not None and not again and _alike(state, self._told):
            return
        self._version += 1
        self._told = msgspec.structs.replace(state, version=self._version)
        self.link.publish(self._told)

    def _keep(self, menu: Menu) -> None:
        self._menu = {
            name: model.key
            for model in menu.models
            for name in (model.key, model.repo or model.key)
        }

    def _state(self) -> State:
        now = self.settings()
        targets = self._targets(now)
        alone = not self.engines.slots()
        aliases = outside.aliases(now.pairs("ALIASES"), targets, alone=alone)
        return State(
            version=self._version, targets=targets, aliases=aliases,
            menu=self._menu, coming=self._coming(), door=self.door(),
            bounds=Bounds(
                body_bytes=now.number("MAX_BODY_MB") * 1_000_000,
                in_flight=now.number("ENGINE_IN_FLIGHT"), queue=now.number("QUEUE_LENGTH"),
                wait_s=float(now.number("QUEUE_WAIT_S")), share=now.number("QUEUE_SHARE") / 100,
                upload_bytes=now.number("MAX_UPLOAD_MB") * 1_000_000,
                audio_in_flight=now.number("AUDIO_IN_FLIGHT"),
            ),
            services=self.services.now(),
        )  # fmt: skip

    def _targets(self, now: Settings) -> tuple[Target, ...]:
        engines = [_target(engine) for engine in self.engines.serving()]
        known = {target.base_url for target in engines}
        servers = outside.read(now.text("UPSTREAMS"))
        for server in outside.ordered(servers, self._said):
            models = outside.has(server, self._said)
            found = outside.target(server, models)
            if models and found.base_url not in known:
                engines.append(found)
                known.add(found.base_url)
        return tuple(engines)

    def _coming(self) -> Coming | None:
        running = self.swaps.running
        if running is None:
            return None
        job = running.job
        leaving = job.phase is not None and job.phase != Phase.CHECKING
        eta = remaining_seconds(job, running.usual, self.clock.now())
        return Coming(job.target, running.plan.sparks, job.phase or "queued", eta, leaving)


def _target(engine: Engine) -> Target:
    return Target(
        name=engine.spark, base_url=engine.address.base_url, served=engine.served,
        owner=engine.look.owner, seen_at=int(engine.seen_at.timestamp()),
    )  # fmt: skip


def _alike(state: State, told: State) -> bool:
    """Tell whether the two decide alike; how long a swap still takes is told when asked."""
    return _plain(state) == _plain(told)


def _plain(state: State) -> State:
    coming, replace = state.coming, msgspec.structs.replace
    return replace(
        state, version=0,
        targets=tuple(replace(target, seen_at=0) for target in state.targets),
        coming=None if coming is None else replace(coming, eta_s=None),
    )  # fmt: skip
