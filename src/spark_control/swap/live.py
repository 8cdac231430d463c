"""A swap while it runs: its newest lines and progress in memory, and a way to wait for more."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from spark_control.models.domain import Measured
from spark_control.models.measured import with_line
from spark_control.swap.domain import Progress
from spark_control.swap.parse import bare, progress_of

LINES = 500


@dataclass(kw_only=True, slots=True)
class Live:
    """What the page shows of a running swap. `revision` rises with every change."""

    progress: Progress | None = None
    measured: Measured = field(default_factory=Measured)
    patience: float = 0.0
    """Seconds that this model may at least take to load: it took long before."""
    touched: bool = False
    cancelling: bool = False
    ending: bool = False
    """It is being cleaned up; it cannot be cancelled any more."""
    lines: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=LINES))
    count: int = 0
    revision: int = 0
    ended: bool = False
    moved: Callable[[], None] = lambda: None
    """Called when the log tells of progress; lines alone go to those who follow the log."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, line: str) -> None:
        """Add a log line and what it says of progress."""
        self.count += 1
        self.lines.append((self.count, bare(line)))
        before, self.progress = self.progress, progress_of(line) or self.progress
        self.measured = with_line(self.measured, line)
        self.notify()
        if self.progress != before:
            self.moved()

    def notify(self) -> None:
        """Wake everyone who waits for a change."""
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, revision: int) -> None:
        """Return as soon as there is something newer than `revision`."""
        while self.revision == revision:
            await self._changed.wait()

    def tail(self, count: int) -> list[str]:
        """Return the newest `count` lines."""
        return [line for _, line in list(self.lines)[-count:]]

    def after(self, number: int) -> list[tuple[int, str]]:
        """Return the lines after line `number` that are still held, with their numbers."""
        return [(n, line) for n, line in self.lines if n > number]
