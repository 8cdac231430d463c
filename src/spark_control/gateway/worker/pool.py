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
    _past: list[Place] = field(init=False, default_factory=list)
    """Places that are not to be used any more, and still run requests."""
    _idle: dict[str, Idle] = field(init=False, default_factory=dict)

    def replace(self, targets: Iterable[Target]) -> None:
        """Take the upstreams there are now; what runs on others is counted until it ends."""
        wanted = {target.base_url: target for target in targets}
        for url, place in list(self._places.items()):
            found = wanted.get(url)
            if found is None or found.token != place.token or found.name != place.name:
                del self._places[url]
                self._past.append(place)
                if url in self._idle:
                    self._idle.pop(url).close(math.inf)
        for url, target in wanted.items():
            if url not in self._places:
                self._places[url] = place_of(target.name, url, target.token, target.service)

    def busy(self) -> dict[str, int]:
        """Return how many requests run, by base URL."""
        if self._past:
            self._past = [place for place in self._past if place.busy]
        counts: dict[str, int] = {}
        for place in (*self._places.values(), *self._past):
            if place.busy:
                counts[place.base_url] = counts.get(place.base_url, 0) + place.busy
        return counts

    def pick(self, choice: Choice, tried: frozenset[str]) -> tuple[Target, Place] | None:
        """Return where to send a request: the least busy that takes connections.

        None when each of them was tried, or has gone since the choice was made.
        """
        targets, places = choice.targets, self._places
        if len(targets) == 1 and not tried:
            place = places.get(targets[0].base_url)
            return None if place is None else (targets[0], place)
        now = self.loop.time()
        found = [
            (target, places[target.base_url]) for target in targets
            if target.base_url not in tried and target.base_url in places
        ]  # fmt: skip
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
