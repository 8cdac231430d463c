"""When a loading engine has ended, and when memory is back."""

from spark_control.swap.domain import Limits, UnitStatus
from spark_control.swap.judge import Pulse, Watch, settled

GIB = 1 << 30
GONE = UnitStatus(container=False, engine=False)
EMPTY = UnitStatus(container=True, engine=False)
ALIVE = UnitStatus(container=True, engine=True)


def test_memory_settles() -> None:
    assert not settled([])
    assert not settled([10 * GIB])
    assert not settled([10 * GIB, 40 * GIB])
    assert settled([10 * GIB, 40 * GIB, 40 * GIB + 1])
    assert settled([40 * GIB, 39 * GIB])


def test_it_is_looked_at_in_its_time() -> None:
    watch = Watch(100.0, Limits(status_every=2))
    assert [watch.due(now) for now in (100, 101, 102, 103, 104)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_an_engine_that_was_there_and_is_not() -> None:
    watch = Watch(0, Limits(appear=20))
    assert not watch.ended(EMPTY, 1)
    assert not watch.ended(ALIVE, 2)
    assert watch.ended(EMPTY, 3)


def test_an_engine_that_never_appears() -> None:
    watch = Watch(0, Limits(appear=20))
    assert not watch.ended(EMPTY, 20)
    assert watch.ended(EMPTY, 21)


def test_an_engine_that_said_why_it_ends_was_there() -> None:
    watch = Watch(0, Limits(appear=20))
    assert not watch.ended(ALIVE, 1, said=True)
    assert watch.ended(EMPTY, 2)
    assert Watch(0, Limits(appear=20)).ended(EMPTY, 1, said=True)


def test_a_container_that_is_gone() -> None:
    assert Watch(0, Limits()).ended(GONE, 0)


def test_a_spark_out_of_reach_gets_some_time() -> None:
    watch = Watch(0, Limits(lost=60))
    assert not watch.lost_too_long(10)
    assert not watch.lost_too_long(69)
    assert watch.lost_too_long(70)
    watch.ended(ALIVE, 71)
    assert not watch.lost_too_long(72)


def test_a_load_has_an_end() -> None:
    watch = Watch(10, Limits(load=5))
    assert not watch.too_long(15)
    assert watch.too_long(15.1)


def test_a_line_is_a_sign_of_life() -> None:
    pulse = Pulse(0, Limits(silent=100))
    assert not pulse.quiet(50)
    assert pulse.quiet(51)
    assert not pulse.stopped(100)
    assert pulse.stopped(101)
    pulse.read(3, 90)
    assert not pulse.stopped(190)
    pulse.read(3, 150)
    assert pulse.stopped(191)


def test_memory_that_moves_is_a_sign_of_life() -> None:
    pulse = Pulse(0, Limits(silent=100))
    pulse.felt(None, 60)
    pulse.felt(50 * GIB, 60)
    pulse.felt(50 * GIB - 1, 70)
    assert pulse.stopped(101)
    pulse.felt(49 * GIB, 110)
    assert not pulse.stopped(111)
    pulse.felt(49 * GIB, 200)
    assert pulse.stopped(211)


def test_memory_that_moves_slowly_moves() -> None:
    pulse = Pulse(0, Limits(silent=100))
    for step in range(11):
        pulse.felt(50 * GIB - step * GIB // 10, 60 + step)
    assert not pulse.stopped(150)
