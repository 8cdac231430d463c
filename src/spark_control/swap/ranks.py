"""Which Sparks run one engine together, as last seen; the first of them alone answers requests."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from spark_control.core.clock import Clock
from spark_control.core.errors import AppError
from spark_control.core.tasks import Tasks
from spark_control.fleet.ports import Host
from spark_control.swap.domain import UnitStatus
from spark_control.swap.groups import Group, group_of, groups_of
from spark_control.swap.ports import Launcher

log = logging.getLogger(__name__)

EVERY_S = 15.0
LIMIT_S = 3.0
"""A Spark that does not answer holds up nobody for longer; what was seen of it before counts."""


@dataclass(kw_only=True, slots=True)
class Ranks:
    """Looks at the containers of all Sparks. `told` hears of the groups whenever they change."""

    launcher: Launcher
    hosts: Callable[[], Sequence[Host]]
    container: Callable[[], str]
    clock: Clock
    tasks: Tasks
    told: Callable[[Sequence[Group]], None] = lambda _: None
    limit_s: float = LIMIT_S
    _seen: dict[str, UnitStatus] = field(init=False, default_factory=dict)
    _looks: dict[str, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _groups: tuple[Group, ...] = field(init=False, default=())

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups as last seen."""
        return self._groups

    def of(self, spark: str) -> Group | None:
        """Return the group that `spark` has a part in, or None."""
        return group_of(self._groups, spark)

    async def look(self) -> tuple[Group, ...]:
        """Look at every Spark now and return the groups; one that is late goes on by itself."""
        hosts = self.hosts()
        for gone in set(self._seen) - {host.name for host in hosts}:
            del self._seen[gone]
        if len(hosts) > 1:
            looks = [self._start(host) for host in hosts]
            with suppress(TimeoutError):
                async with asyncio.timeout(self.limit_s):
                    await asyncio.wait(looks)
        return self._judge()

    def _start(self, host: Host) -> asyncio.Task[None]:
        """Start a look at one Spark. A look that hangs is waited for by nobody and not doubled."""
        known = self._looks.get(host.name)
        if known is None or known.done():
            known = self.tasks.spawn(self._look(host), name=f"parts on {host.name}")
            self._looks[host.name] = known
        return known

    async def _look(self, host: Host) -> None:
        container = self.container()
        try:
            status = await self.launcher.status(host, container, inside=False)
            if len(status.ranks) > 1:
                status = await self.launcher.status(host, container)
        except AppError as error:
            log.debug("the container of %s: %s", host.name, error.message)
            return
        self._seen[host.name] = status

    def _judge(self) -> tuple[Group, ...]:
        found = groups_of(self._seen)
        if found != self._groups:
            self._groups = found
            self.told(found)
        return found

    async def watch(self) -> None:
        """Keep looking until cancelled."""
        while True:
            await self.look()
            await self.clock.sleep(EVERY_S)
