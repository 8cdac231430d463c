"""When an engine is asked for a token, and what makes it wedged."""

import pytest

from spark_control.engines.deep import AGAIN_S, EVERY_S, STUCK_S, Doubt, alive


def test_without_suspicion_it_is_never_asked() -> None:
    assert not Doubt().due(1e9, wedged=False)
    assert not Doubt(errors=2).due(1e9, wedged=False)
    assert not Doubt().busy(3, 0.0).due(STUCK_S - 1, wedged=False)


def test_errors_in_a_row() -> None:
    doubt = Doubt().ended(1.0, failed=2).ended(2.0, failed=1)
    assert doubt.due(2.0, wedged=False)
    assert not doubt.ended(3.0, failed=0).due(3.0, wedged=False)


def test_requests_of_which_none_ends() -> None:
    doubt = Doubt().busy(1, 0.0).busy(4, 50.0)
    assert doubt.due(STUCK_S, wedged=False)
    assert not doubt.ended(50.0, failed=0).due(STUCK_S, wedged=False)
    assert not doubt.busy(0, 55.0).due(STUCK_S, wedged=False)
    assert Doubt().ended(50.0, failed=0) == Doubt()


def test_it_is_asked_seldom_and_twice() -> None:
    doubt = Doubt(errors=3).asked(10.0, failed=True)
    assert not doubt.wedged
    assert not doubt.due(10.0 + EVERY_S - 1, wedged=False)
    assert doubt.due(10.0 + EVERY_S, wedged=False)
    assert not doubt.ended(20.0, failed=0).due(10.0 + EVERY_S, wedged=False)
    assert doubt.asked(80.0, failed=True).wedged


def test_a_wedged_one_is_asked_until_it_makes_a_token() -> None:
    doubt = Doubt(failed=2, asked_at=0.0, busy_since=0.0)
    assert not doubt.due(AGAIN_S - 1, wedged=True)
    assert doubt.due(AGAIN_S, wedged=True)
    assert Doubt().due(0.0, wedged=True)
    assert doubt.asked(30.0, failed=False) == Doubt(asked_at=30.0, busy_since=30.0)
    assert Doubt(errors=3).asked(30.0, failed=False) == Doubt(asked_at=30.0)


@pytest.mark.parametrize(
    ("before", "after", "running", "lives"),
    [
        (5.0, 6.0, 1, True), (5.0, 5.0, 1, False), (5.0, 0.0, 0, True), (None, None, 0, False),
        (None, None, 2, True), (5.0, None, 2, True), (None, 5.0, 0, False),
    ],
)  # fmt: skip
def test_who_is_busy_is_not_wedged(
    before: float | None, after: float | None, running: int, *, lives: bool
) -> None:
    assert alive(before, after, running) is lives
