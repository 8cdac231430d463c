"""Reads the log of one loading engine: goes on after a cut, and misses no last line."""

from collections.abc import Callable
from dataclasses import dataclass

from spark_control.core.clock import Clock
from spark_control.core.errors import HostTrouble, SlowUpstream
from spark_control.fleet.ports import Host
from spark_control.swap.domain import Limits
from spark_control.swap.live import Live
from spark_control.swap.parse import bare
from spark_control.swap.ports import Launcher


@dataclass(kw_only=True, slots=True)
class LogReader:
    """One log; each line goes to `write` and to the page once, in its order."""

    launcher: Launcher
    host: Host
    container: str
    write: Callable[[str], None]
    live: Live
    clock: Clock
    limits: Limits
    known: int = 0

    async def follow(self) -> None:
        """Read until cancelled; after a cut from the start again, leaving out what is known."""
        while True:
            try:
                await self._read(follow=True, limit_s=self.limits.load)
            except (HostTrouble, SlowUpstream) as error:
                self.live.take(f"(the log of {self.host.name} was cut: {error.message})")
            await self.clock.sleep(self.limits.status_every)

    async def rest(self) -> None:
        """Read what came after the last line known; call it when `follow` has ended.

        An engine may be ready, or dead, before its lines have come over the other channel.
        """
        try:
            await self._read(follow=False, limit_s=self.limits.command)
        except (HostTrouble, SlowUpstream) as error:
            self.live.take(f"(the end of the log could not be read: {error.message})")

    async def _read(self, *, follow: bool, limit_s: float) -> None:
        place = 0
        async with self.launcher.logs(
            self.host, self.container, follow=follow, timeout_s=limit_s
        ) as lines:
            async for line in lines:
                place += 1
                if place > self.known:
                    self.known = place
                    self._take(line)

    def _take(self, line: str) -> None:
        """Pass a line on; a progress bar that starts with a carriage return leaves empty ones."""
        if bare(line):
            self.write(line)
            self.live.take(line)
