"""Looks at the speech and embedding services now and then, so that one that answers is asked."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.gateway import outside, services
from spark_control.gateway.ports import ServiceLooks
from spark_control.gateway.services import Seen, Service
from spark_control.settings.domain import Settings

log = logging.getLogger(__name__)

EVERY_S = 15.0


@dataclass(kw_only=True, slots=True)
class Services:
    """The services of the settings, as last seen."""

    settings: Callable[[], Settings]
    looks: ServiceLooks
    bus: Bus
    clock: Clock
    _seen: dict[str, Seen] = field(init=False, default_factory=dict)

    def now(self) -> tuple[Service, ...]:
        """Return the services there are, in the order in which they are asked."""
        return services.with_looks(self._configured(), self._seen)

    def rows(self) -> tuple[services.Row, ...]:
        """Return the services that the settings have rows for, used or not."""
        return services.rows(self.settings())

    def looked(self) -> frozenset[str]:
        """Return the base URLs of those that were looked at."""
        return frozenset(self._seen)

    def _configured(self) -> tuple[Service, ...]:
        now = self.settings()
        return services.configured(now, outside.read(now.text("UPSTREAMS")))

    async def look(self) -> None:
        """Look at all of them once, at the same time."""
        asked = {service.base_url: service for service in reversed(self._configured())}
        found = await asyncio.gather(*(self.looks.look(one) for one in asked.values()))
        self._seen = dict(zip(asked, found, strict=True))

    async def follow(self, tell: Callable[[], None]) -> None:
        """Look again and again, and have what has changed told, until cancelled."""
        while True:
            await self.look()
            tell()
            await self.clock.sleep(EVERY_S)

    def wedged(self, name: str, status: int) -> None:
        """Take note that a service failed inside; whoever probes services hears it on the bus."""
        log.warning("the service %s answered with %s", name, status)
        data = {"service": name, "event": "wedge", "status": status}
        self.bus.publish("service", name, data)
