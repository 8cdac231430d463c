"""The swap lock: who may do what with it, decided from one look at it and the time.

At most one hold is there; one that has run out is as good as none. The fence rises whenever the
lock is taken or broken, or a swap is taken up from a process that is believed dead, and never
else, so who was let in under an older number can be told apart, here and on the Spark, however
long it was asleep.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from spark_control.core.secret import Secret, digest, same
from spark_control.swap.domain import Fence
from spark_control.swap.errors import LockLost, LockNotHeld, SwapLocked


class LockState(StrEnum):
    """Where the lock is in its life."""

    FREE = "free"
    HELD = "held"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody's hold on the lock; of the token only the digest is known."""

    holder: str
    reason: str | None
    digest: str
    ttl_s: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock as it was last written."""

    fence: Fence
    hold: Hold | None = None

    def state(self, now: datetime) -> LockState:
        """Tell how the lock is at `now`."""
        if self.hold is None:
            return LockState.FREE
        return LockState.HELD if now < self.hold.until else LockState.EXPIRED

    def held(self, now: datetime) -> Hold | None:
        """Return the hold that counts at `now`."""
        return self.hold if self.state(now) is LockState.HELD else None


@dataclass(frozen=True, slots=True)
class LockWish:
    """What somebody asks the lock for."""

    holder: str
    reason: str | None
    ttl_s: int


Claim = Secret | Fence | None
"""On what grounds a swap is asked for: the token of the lock, the fence that an earlier swap was
let in under, or nothing."""


def acquire(lock: Lock, wish: LockWish, token: Secret, now: datetime) -> Lock:
    """Return the lock in the hands of who asks. Raises SwapLocked while somebody holds it."""
    if (hold := lock.held(now)) is not None:
        raise locked(hold, now)
    until = now + timedelta(seconds=wish.ttl_s)
    mine = Hold(wish.holder, wish.reason, digest(token.reveal()), wish.ttl_s, now, until)
    return Lock(_next(lock.fence), mine)


def renew(
    lock: Lock, token: Secret, now: datetime, *, ttl_s: int | None, reason: str | None
) -> Lock:
    """Return the lock with a full time from now on; what is not given stays.

    Raises SwapLocked for a token that is not the holder's, LockNotHeld when the time has run out.
    """
    hold = _own(lock, token, now)
    lasts = hold.ttl_s if ttl_s is None else ttl_s
    said = hold.reason if reason is None else reason
    until = now + timedelta(seconds=lasts)
    return replace(lock, hold=replace(hold, ttl_s=lasts, reason=said, until=until))


def release(lock: Lock, token: Secret, now: datetime) -> Lock:
    """Return the free lock. Raises what `renew` raises."""
    _own(lock, token, now)
    return replace(lock, hold=None)


def broken(lock: Lock, now: datetime) -> Lock:
    """Return the lock after it was taken from its holder. Raises LockNotHeld."""
    if lock.held(now) is None:
        raise LockNotHeld("Nobody holds the swap lock.", hint="There is nothing to break.")
    return Lock(_next(lock.fence))


def taken_up(lock: Lock, fence: Fence) -> Lock:
    """Return the lock after a swap that was let in under `fence` went to another process.

    The hold stays. Nothing changes when that swap has lost its consent already.
    """
    return replace(lock, fence=_next(fence)) if lock.fence == fence else lock


def admit(lock: Lock, claim: Claim, now: datetime) -> Fence:
    """Return the fence that a swap is let in under.

    Raises SwapLocked, LockNotHeld for a token whose time has run out, and LockLost for a fence
    that is not the newest any more.
    """
    if isinstance(claim, Fence):
        if claim != lock.fence:
            raise _lost(lock, now)
    elif claim:
        _own(lock, claim, now)
    elif (hold := lock.held(now)) is not None:
        raise locked(hold, now)
    return lock.fence


def locked(hold: Hold, now: datetime) -> SwapLocked:
    """Return the refusal that names the holder and the end of the hold."""
    left = max(1, round((hold.until - now).total_seconds()))
    return SwapLocked(f"{_told(hold)}.", detail=_detail(hold), retry_after_s=left)


def _lost(lock: Lock, now: datetime) -> LockLost:
    hold = lock.held(now)
    if hold is None:
        return LockLost("The swap lock was taken or broken since this swap was asked for.")
    return LockLost(f"{_told(hold)}, since after this swap was asked for.", detail=_detail(hold))


def _own(lock: Lock, token: Secret, now: datetime) -> Hold:
    hold = lock.held(now)
    if hold is None:
        raise LockNotHeld("Nobody holds the swap lock; the token given is of an earlier hold.")
    if not same(hold.digest, digest(token.reveal())):
        raise locked(hold, now)
    return hold


def _next(fence: Fence) -> Fence:
    return replace(fence, number=fence.number + 1)


def _told(hold: Hold) -> str:
    why = f" ({hold.reason})" if hold.reason else ""
    return f"{hold.holder} holds the swap lock{why} until {hold.until:%Y-%m-%d %H:%M:%S} UTC"


def _detail(hold: Hold) -> dict[str, object]:
    until = hold.until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"holder": hold.holder, "reason": hold.reason, "expires_at": until}
