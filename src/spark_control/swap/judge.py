"""Judge what is seen of a loading engine: has it ended, is memory back, is the Spark lost."""

from collections.abc import Sequence

from spark_control.swap.domain import Limits, UnitStatus

SETTLED = 256 * 1024 * 1024


def settled(readings: Sequence[int]) -> bool:
    """Tell whether memory has stopped coming back: the last two readings (bytes) are the same."""
    return len(readings) >= 2 and readings[-1] - readings[-2] < SETTLED


class Watch:
    """Remembers what was seen of one loading engine. Times are seconds of a monotonic clock."""

    def __init__(self, began: float, limits: Limits) -> None:
        self._began = began
        self._limits = limits
        self._next = began
        self._appeared = False
        self._lost_since: float | None = None

    def due(self, now: float) -> bool:
        """Tell whether it is time to look at the container, and set the next time."""
        if now < self._next:
            return False
        self._next = now + self._limits.status_every
        return True

    def too_long(self, now: float) -> bool:
        """Tell whether the load has taken longer than a load may take."""
        return now - self._began > self._limits.load

    def lost_too_long(self, now: float) -> bool:
        """Note that the Spark could not be asked; True once that lasts longer than allowed."""
        if self._lost_since is None:
            self._lost_since = now
        return now - self._lost_since >= self._limits.lost

    def ended(self, status: UnitStatus, now: float, *, said: bool = False) -> bool:
        """Tell whether the engine has ended: it was there and is not, or it never appeared.

        One that `said` why it ends was there, though it was too quick to be seen.
        """
        self._lost_since = None
        self._appeared = self._appeared or status.engine or said
        late = now - self._began > self._limits.appear
        return not status.container or (not status.engine and (self._appeared or late))


class Pulse:
    """Remembers the last sign of life of one loading engine: a new line, or memory that moves.

    A cold compilation may be silent for many minutes, so the time allowed is long.
    """

    def __init__(self, began: float, limits: Limits) -> None:
        self._last = began
        self._allowed = limits.silent
        self._lines = 0
        self._memory: int | None = None

    def read(self, lines: int, now: float) -> None:
        """Note how many lines the log has."""
        if lines != self._lines:
            self._lines, self._last, self._memory = lines, now, None

    def quiet(self, now: float) -> bool:
        """Tell whether the log has been silent for so long that other signs are worth a look."""
        return now - self._last > self._allowed / 2

    def felt(self, memory: int | None, now: float) -> None:
        """Note the bytes of memory that are free, where the Spark says."""
        if memory is None:
            return
        if self._memory is not None and abs(memory - self._memory) >= SETTLED:
            self._last = now
            self._memory = None
        self._memory = memory if self._memory is None else self._memory

    def stopped(self, now: float) -> bool:
        """Tell whether there has been no sign for longer than allowed."""
        return now - self._last > self._allowed
