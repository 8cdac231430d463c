"""The rules of the swap lock, and that no order of events breaks them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from spark_control.core.secret import Secret, digest
from spark_control.swap.domain import Fence
from spark_control.swap.errors import LockLost, LockNotHeld, SwapLocked
from spark_control.swap.lock import (
    Hold,
    Lock,
    LockState,
    LockWish,
    acquire,
    admit,
    broken,
    release,
    renew,
    taken_up,
)

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINE, OTHER = Secret("mine"), Secret("other")
FREE = Lock(Fence("r", 3))
WISH = LockWish("bench", "nightly run", 60)
HELD = acquire(FREE, WISH, MINE, T0)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_taking_it_keeps_only_the_digest_of_the_token() -> None:
    hold = Hold("bench", "nightly run", digest("mine"), 60, T0, at(60))
    assert Lock(Fence("r", 4), hold) == HELD
    assert "mine" not in repr(HELD)


def test_its_life() -> None:
    assert FREE.state(T0) is LockState.FREE
    assert [HELD.state(at(s)) for s in (0, 59.9, 60)] == [
        LockState.HELD, LockState.HELD, LockState.EXPIRED,
    ]  # fmt: skip
    assert HELD.held(at(60)) is None


def test_a_held_lock_is_refused_with_holder_reason_and_end() -> None:
    for claim in (None, OTHER, Secret("")):
        with pytest.raises(SwapLocked) as refused:
            admit(HELD, claim, at(15))
        said = "bench holds the swap lock (nightly run) until 2026-01-01 12:01:00 UTC."
        assert refused.value.message == said
        assert refused.value.detail == {
            "holder": "bench", "reason": "nightly run", "expires_at": "2026-01-01T12:01:00.000Z",
        }  # fmt: skip
        assert refused.value.retry_after_s == 45
    plain = acquire(FREE, LockWish("bench", None, 60), MINE, T0)
    with pytest.raises(SwapLocked, match=r"^bench holds the swap lock until"):
        acquire(plain, WISH, OTHER, at(1))


def test_who_is_let_in() -> None:
    assert admit(FREE, None, T0) == FREE.fence
    assert admit(HELD, MINE, at(59)) == HELD.fence
    assert admit(HELD, None, at(60)) == HELD.fence
    with pytest.raises(LockNotHeld):
        admit(HELD, MINE, at(60))


def test_a_swap_goes_on_unless_somebody_took_or_broke_the_lock() -> None:
    assert admit(FREE, FREE.fence, T0) == FREE.fence
    assert admit(HELD, HELD.fence, at(99)) == HELD.fence
    given_back = release(HELD, MINE, at(1))
    assert admit(given_back, HELD.fence, at(1)) == HELD.fence
    with pytest.raises(LockLost, match=r"^bench holds the swap lock .* after this swap"):
        admit(HELD, FREE.fence, at(1))
    with pytest.raises(LockLost, match="taken or broken"):
        admit(broken(HELD, at(1)), HELD.fence, at(1))


def test_renewing() -> None:
    longer = renew(HELD, MINE, at(50), ttl_s=None, reason=None)
    assert longer.hold is not None
    assert (longer.hold.until, longer.hold.reason) == (at(110), "nightly run")
    assert (longer.fence, longer.hold.since) == (HELD.fence, T0)
    changed = renew(HELD, MINE, at(50), ttl_s=10, reason="still at it")
    assert changed.hold is not None
    assert (changed.hold.until, changed.hold.reason) == (at(60), "still at it")
    with pytest.raises(SwapLocked):
        renew(HELD, OTHER, at(1), ttl_s=None, reason=None)
    with pytest.raises(LockNotHeld):
        renew(HELD, MINE, at(60), ttl_s=None, reason=None)


def test_giving_it_back() -> None:
    assert release(HELD, MINE, at(1)) == Lock(HELD.fence)
    with pytest.raises(SwapLocked):
        release(HELD, OTHER, at(1))
    with pytest.raises(LockNotHeld):
        release(FREE, MINE, at(1))


def test_breaking() -> None:
    assert broken(HELD, at(1)) == Lock(Fence("r", 5))
    for lock, now in ((FREE, T0), (HELD, at(60))):
        with pytest.raises(LockNotHeld):
            broken(lock, now)


def test_a_swap_that_is_taken_up_raises_the_fence_and_leaves_the_hold() -> None:
    risen = taken_up(HELD, HELD.fence)
    assert risen == Lock(Fence("r", 5), HELD.hold)
    assert taken_up(risen, HELD.fence) is risen
    with pytest.raises(LockLost):
        admit(risen, HELD.fence, at(1))
    assert admit(risen, MINE, at(1)) == risen.fence


TOKENS = st.sampled_from(["a", "b", "c"])


class Life(RuleBasedStateMachine):
    """Three people, one lock, any order. `holder` and `until` are kept by simpler means."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.lock = T0, Lock(Fence("r", 0))
        self.holder: str | None = None
        self.until = T0
        self.fences = [0]

    @property
    def owner(self) -> str | None:
        return self.holder if self.now < self.until else None

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(who=TOKENS, ttl=st.integers(5, 60))
    def takes(self, who: str, ttl: int) -> None:
        if self.owner is not None:
            with pytest.raises(SwapLocked):
                acquire(self.lock, LockWish(who, None, ttl), Secret(who), self.now)
            return
        self.lock = acquire(self.lock, LockWish(who, None, ttl), Secret(who), self.now)
        self.holder, self.until = who, self.now + timedelta(seconds=ttl)
        self.fences.append(self.lock.fence.number)

    @rule(who=TOKENS, ttl=st.integers(5, 60))
    def renews(self, who: str, ttl: int) -> None:
        if self.owner != who:
            with pytest.raises((SwapLocked, LockNotHeld)):
                renew(self.lock, Secret(who), self.now, ttl_s=ttl, reason=None)
            return
        self.lock = renew(self.lock, Secret(who), self.now, ttl_s=ttl, reason=None)
        self.until = self.now + timedelta(seconds=ttl)

    @rule(who=TOKENS)
    def gives_back(self, who: str) -> None:
        if self.owner != who:
            with pytest.raises((SwapLocked, LockNotHeld)):
                release(self.lock, Secret(who), self.now)
            return
        self.lock = release(self.lock, Secret(who), self.now)
        self.holder = None

    @precondition(lambda self: self.owner is not None)
    @rule()
    def is_broken(self) -> None:
        self.lock = broken(self.lock, self.now)
        self.holder = None
        self.fences.append(self.lock.fence.number)

    @invariant()
    def one_holder_at_most(self) -> None:
        hold = self.lock.held(self.now)
        assert (hold.holder if hold else None) == self.owner

    @invariant()
    def fences_only_rise(self) -> None:
        assert self.fences == sorted(set(self.fences))
        assert self.lock.fence.number == self.fences[-1]

    @invariant()
    def only_the_holder_swaps_while_it_is_held(self) -> None:
        let_in = {who for who in (None, "a", "b", "c") if self.lets_in(who)}
        assert let_in == ({None} if self.owner is None else {self.owner})

    def lets_in(self, who: str | None) -> bool:
        try:
            admit(self.lock, Secret(who) if who else None, self.now)
        except (SwapLocked, LockNotHeld):
            return False
        return True


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
