"""Take, renew, give back and break the swap lock; each change is said once, its end too."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.errors import StorageTrouble
from spark_control.core.ids import new_token
from spark_control.core.secret import Secret
from spark_control.jobs.ports import Together
from spark_control.swap import lock as rules
from spark_control.swap.domain import Fence
from spark_control.swap.errors import LockWishIncomplete
from spark_control.swap.lock import Claim, Lock, LockWish
from spark_control.swap.lock_shapes import FreeShape, LockShape, render
from spark_control.swap.ports import Change, LockStore, Reading

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How soon it is noticed that a hold ran out, or that another process changed it."""


def _as_it_is(lock: Lock, _now: datetime) -> Lock:
    return lock


@dataclass(kw_only=True, slots=True)
class Locks:
    """The swap lock of this fleet. The store's clock decides; ours only counts on from it."""

    store: LockStore
    bus: Bus
    clock: Clock
    tokens: Callable[[], str] = new_token
    _seen: Reading | None = field(init=False, default=None)
    _seen_at: float = field(init=False, default=0.0)
    _said: object = field(init=False, default=None)

    async def acquire(
        self, holder: str | None, reason: str | None, ttl_s: int | None
    ) -> tuple[Secret, Reading]:
        """Take the lock; the token is known to nobody but the caller.

        Raises LockWishIncomplete, SwapLocked.
        """
        if holder is None or ttl_s is None:
            missing = "holder" if holder is None else "ttl_s"
            raise LockWishIncomplete(f"`{missing}` is missing.", param=missing)
        token, wish = Secret(self.tokens()), LockWish(holder, reason, ttl_s)
        done = await self._change(lambda lock, now: rules.acquire(lock, wish, token, now))
        log.info("swap lock %d taken by %s for %d s", done.lock.fence.number, holder, ttl_s)
        return token, done

    async def renew(self, token: Secret, reason: str | None, ttl_s: int | None) -> Reading:
        """Give the holder a full time from now on. Raises SwapLocked, LockNotHeld."""
        return await self._change(
            lambda lock, now: rules.renew(lock, token, now, ttl_s=ttl_s, reason=reason)
        )

    async def release(self, token: Secret) -> Reading:
        """Give the lock back. Raises SwapLocked, LockNotHeld."""
        done = await self._change(lambda lock, now: rules.release(lock, token, now))
        log.info("swap lock %d given back", done.lock.fence.number)
        return done

    async def break_lock(self, reason: str) -> Reading:
        """Take the lock from its holder; the reason goes to the log. Raises LockNotHeld."""
        was: list[str] = []

        def change(lock: Lock, now: datetime) -> Lock:
            was[:] = [lock.hold.holder] if lock.hold else []
            return rules.broken(lock, now)

        done = await self._change(change)
        log.warning("swap lock of %s broken: %s", was[0], reason)
        return done

    async def admit(self, claim: Claim) -> Fence:
        """Return the fence that a swap is let in under.

        Raises SwapLocked, LockNotHeld, LockLost: see `lock.admit`.
        """
        reading = await self._change(_as_it_is)
        return rules.admit(reading.lock, claim, reading.at)

    async def take_up(self, fence: Fence) -> Fence:
        """Return the fence that a swap let in under `fence` goes on with, in this process.

        The process before may only sleep: from now on no launch of its passes a newer one.
        """
        found: list[Fence] = []

        def change(lock: Lock, _now: datetime) -> Lock:
            after = rules.taken_up(lock, fence)
            found[:] = [fence if after is lock else after.fence]
            return after

        await self._change(change)
        return found[0]

    def consent(self, claim: Claim, fence: Fence) -> Together:
        """Return the check that the swap is still let in under `fence`, for its transaction.

        Raises there what `admit` raises.
        """

        def check(lock: Lock, now: datetime) -> Lock:
            rules.admit(lock, claim, now)
            rules.admit(lock, fence, now)
            return lock

        return self.store.within(check)

    async def look(self) -> Reading:
        """Return the lock as it is now; that is only read once the lock has ever been written."""
        reading = await self.store.look()
        return await self._change(_as_it_is) if reading is None else self._read(reading)

    async def watch(self) -> None:
        """Notice when a hold runs out, until cancelled."""
        while True:
            await self.clock.sleep(LOOK_S)
            with suppress(StorageTrouble):  # the next request that needs it says so
                await self.look()

    def shape(self) -> LockShape | FreeShape:
        """Return the lock as last read, with the time that has passed since then."""
        if self._seen is None:
            return FreeShape()
        passed = timedelta(seconds=self.clock.monotonic() - self._seen_at)
        return render(replace(self._seen, at=self._seen.at + passed))

    async def _change(self, change: Change) -> Reading:
        return self._read(await self.store.change(change))

    def _read(self, reading: Reading) -> Reading:
        self._seen = reading
        self._seen_at = self.clock.monotonic()
        self._tell(reading)
        return reading

    def _tell(self, reading: Reading) -> None:
        """Publish what is new: who holds it, until when, or that nobody does any more."""
        news = reading.lock.held(reading.at)
        if news != self._said:
            self._said = news
            self.bus.publish("lock", "swap", render(reading).model_dump(mode="json"))
