"""When an engine that answers looks is asked for a real token, and what the answer means.

A token costs the engine work, so it is asked for on suspicion only, and seldom. Who is merely busy
must never be taken for wedged: while its own counters move it makes tokens for somebody.
"""

from dataclasses import dataclass, replace

EVERY_S = 60.0
AGAIN_S = 30.0
"""Who makes no tokens is asked that often until it makes one."""
STUCK_S = 60.0
"""So long it has had requests, and none of them ended well."""
MOST_ERRORS = 3
MOST_FAILED = 2


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against one engine. Times are of a monotonic clock."""

    errors: int = 0
    """Requests in a row that it failed."""
    busy_since: float | None = None
    """Since when it has had requests without one that ended well."""
    asked_at: float | None = None
    failed: int = 0
    """Deep probes in a row that got no token."""

    def busy(self, running: int, now: float) -> "Doubt":
        """Take how many requests run there now."""
        if not running:
            return replace(self, busy_since=None)
        return self if self.busy_since is not None else replace(self, busy_since=now)

    def ended(self, now: float, *, failed: int) -> "Doubt":
        """Take that requests there have ended: so many failed, or zero when one did not."""
        if failed:
            return replace(self, errors=self.errors + failed)
        since = None if self.busy_since is None else now
        return replace(self, errors=0, failed=0, busy_since=since)

    def due(self, now: float, *, wedged: bool) -> bool:
        """Tell whether it is to be asked for a token now."""
        passed = float("inf") if self.asked_at is None else now - self.asked_at
        if wedged:
            return passed >= AGAIN_S
        stuck = self.busy_since is not None and now - self.busy_since >= STUCK_S
        return passed >= EVERY_S and (self.failed > 0 or stuck or self.errors >= MOST_ERRORS)

    def asked(self, now: float, *, failed: bool) -> "Doubt":
        """Take what a deep probe found; one that found it alive begins anew."""
        if failed:
            return replace(self, asked_at=now, failed=self.failed + 1)
        since = None if self.busy_since is None else now
        return Doubt(asked_at=now, busy_since=since)

    @property
    def wedged(self) -> bool:
        """Tell whether it makes no tokens."""
        return self.failed >= MOST_FAILED


def alive(before: float | None, after: float | None, running: int) -> bool:
    """Tell whether an engine that made no token in time may be busy with those of others.

    `before` and `after` are its own counter of tokens, None where it tells none.
    """
    if before is None or after is None:
        return running > 0
    return after != before
