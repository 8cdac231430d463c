"""The upstreams of a worker and the connections to them."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from spark_control.core.errors import AppError
from spark_control.engines.errors import EngineUnreachable
from spark_control.gateway.errors import ControlAway, ServiceUnreachable
from spark_control.gateway.route import Choice, Target
from spark_control.gateway.worker.place import Place, place_of
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.upstream import Idle, Upstream


@dataclass(kw_only=True, slots=True)
class Pool:
    """Finds the place for a request, and opens connections."""

    loop: asyncio.AbstractEventLoop
    times: Times
    control: Place
    _places: dict[str, Place] = field(init=False, default_factory=dict)
    _idle: dict[str, Idle] = field(init=False, default_factory=dict)

    def replace(self, targets: Iterable[Target]) -> None:
        """Take the upstreams that there are now; one that runs requests is kept until they end."""
        wanted = {target.base_url: target for target in targets}
        for url, place in list(self._places.items()):
            found = wanted.get(url)
            if found is None or found.token != place.token or found.name != place.name:
                del self._places[url]
                if url in self._idle:
                    self._idle.pop(url).close(math.inf)
        for url, target in wanted.items():
            if url not in self._places:
                self._places[url] = place_of(target.name, url, target.token, target.service)

    def busy(self) -> dict[str, int]:
        """Return how many requests run, by base URL."""
        return {url: place.busy for url, place in self._places.items() if place.busy}

    def pick(self, choice: Choice, tried: frozenset[str]) -> tuple[Target, Place] | None:
        """Return where to send a request: the least busy that takes connections.

        None when each of them was tried.
        """
        targets = choice.targets
        if len(targets) == 1 and not tried:
            return targets[0], self._places[targets[0].base_url]
        now = self.loop.time()
        found = [(t, self._places[t.base_url]) for t in targets if t.base_url not in tried]
        return min(
            found, default=None,
            key=lambda row: (row[1].away_until > now, 0 if row[0].outside else row[1].busy),
        )  # fmt: skip

    def take(self, place: Place) -> Upstream | None:
        """Return an open connection that nobody uses."""
        idle = self._idle.get(place.base_url)
        return None if idle is None else idle.take()

    async def connect(self, place: Place) -> Upstream:
        """Open a connection. Raises EngineUnreachable, ControlAway."""
        idle = self._idle.get(place.base_url)
        if idle is None:
            idle = self._idle[place.base_url] = Idle(self.loop)
        try:
            async with asyncio.timeout(self.times.connect):
                upstream = await self._open(place, idle)
        except (OSError, TimeoutError, ValueError) as error:
            place.away_until = self.loop.time() + self.times.away
            raise away(place) from error
        place.away_until = 0.0
        return upstream

    async def _open(self, place: Place, idle: Idle) -> Upstream:
        def make() -> Upstream:
            return Upstream(place, idle)

        if place.socket:
            return (await self.loop.create_unix_connection(make, place.socket))[1]
        opened = await self.loop.create_connection(make, place.host, place.port, ssl=place.tls)
        return opened[1]

    def tidy(self) -> None:
        """Close connections that nobody has used for a while."""
        before = self.loop.time() - self.times.pool
        for idle in self._idle.values():
            idle.close(before)

    def close(self) -> None:
        """Close all that nobody uses."""
        for idle in self._idle.values():
            idle.close(math.inf)


def away(place: Place) -> AppError:
    """Return why nothing can be sent there."""
    if place.socket:
        return ControlAway("The control process does not answer.", retry_after_s=2)
    if place.service:
        where = f"{place.host}:{place.port}"
        return ServiceUnreachable(f"{place.service} at {where} does not take connections.")
    return EngineUnreachable(f"The engine on {place.name} does not take connections.")
