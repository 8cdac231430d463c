"""What looks make of an engine: every move, and how long a silent one is put up with."""

from datetime import UTC, datetime, timedelta

import pytest

from spark_control.engines.domain import Address, Engine, EngineState, Failing, Health, Look
from spark_control.engines.health import MOVES, Patience, Sight, seen

AT = datetime(2026, 1, 1, tzinfo=UTC)
HERE, THERE = Address("10.88.0.11", 8888), Address("10.88.0.12", 8888)
GOOD = Look(EngineState.SERVING, ("key", "org/name"), "vllm")
OTHER = Look(EngineState.SERVING, ("other",), "vllm")
SILENT = Look(EngineState.SILENT, detail="no answer within 3 s")
AWAY = Look(EngineState.UNKNOWN, detail="the address does not answer")
CLOSED = Look(EngineState.ABSENT)
LOADING = Look(EngineState.LOADING, detail="/health says 503")


def course(*looks: tuple[float, Look], first: Engine | None = None) -> list[Health]:
    """Return the health after each look, at its second."""
    engine, found = first, []
    for second, look in looks:
        at = AT + timedelta(seconds=second)
        engine = seen(engine, "spark1", HERE, look, at, Patience())
        found.append(engine.health)
    return found


def wedged() -> Engine:
    return Engine("spark1", HERE, GOOD, AT, wedged=AT)


def test_every_health_has_a_move_for_every_sight() -> None:
    assert set(MOVES) == {(health, sight) for health in Health for sight in Sight}
    assert {MOVES[health, Sight.LEFT] for health in Health} == {Health.OUT}


@pytest.mark.parametrize(
    ("looks", "healths"),
    [
        ([(0, GOOD), (8, SILENT), (16, GOOD)], "good doubted good"),
        ([(0, GOOD), (8, SILENT), (16, SILENT), (24, AWAY)], "good doubted doubted ejected"),
        ([(0, GOOD), (1, SILENT), (2, SILENT), (3, SILENT), (11, SILENT)],
         "good doubted doubted doubted ejected"),
        ([(0, GOOD), (1, SILENT), (20, SILENT), (21, SILENT)], "good doubted doubted ejected"),
        ([(0, GOOD), (9, SILENT), (18, SILENT), (27, SILENT), (36, SILENT), (45, GOOD)],
         "good doubted doubted ejected ejected good"),
        ([(0, GOOD), (5, CLOSED), (10, SILENT), (15, GOOD)], "good out out good"),
        ([(0, GOOD), (5, SILENT), (10, LOADING), (15, LOADING)], "good doubted out out"),
        ([(0, SILENT), (20, SILENT), (40, SILENT), (60, GOOD)], "out out out good"),
        ([(0, GOOD), (9, SILENT), (18, SILENT), (27, SILENT), (36, CLOSED)],
         "good doubted doubted ejected out"),
    ],
)  # fmt: skip
def test_looks(looks: list[tuple[float, Look]], healths: str) -> None:
    assert course(*looks) == [Health(name) for name in healths.split()]


def test_who_is_doubted_keeps_what_it_serves_and_who_is_ejected_does_not() -> None:
    before = Engine("spark1", HERE, GOOD, AT)
    later = AT + timedelta(seconds=5)
    doubted = seen(before, "spark1", HERE, SILENT, later, Patience())
    assert (doubted.state, doubted.served) == (EngineState.SERVING, ("key", "org/name"))
    assert (doubted.failing, doubted.detail) == (Failing(1, later, SILENT.detail), SILENT.detail)
    assert doubted.trouble_since == later
    ejected = seen(doubted, "spark1", HERE, AWAY, later, Patience(looks=2, seconds=0))
    assert (ejected.state, ejected.served) == (EngineState.UNKNOWN, ())
    assert (ejected.trouble_since, ejected.detail) == (later, AWAY.detail)
    gone = seen(ejected, "spark1", HERE, CLOSED, later, Patience())
    assert (gone.trouble_since, gone.detail) == (None, "")


def test_no_patience_ejects_at_the_first() -> None:
    before = Engine("spark1", HERE, GOOD, AT)
    hasty = Patience(looks=1, seconds=0)
    assert seen(before, "spark1", HERE, SILENT, AT, hasty).health is Health.EJECTED


def test_a_wedged_engine_stays_so_for_looks() -> None:
    assert course((1, GOOD), (2, SILENT), (20, SILENT), (40, SILENT), (50, GOOD),
                  first=wedged()) == [Health.WEDGED] * 5  # fmt: skip
    assert course((1, CLOSED), (2, GOOD), first=wedged()) == [Health.OUT, Health.GOOD]
    assert course((1, OTHER), first=wedged()) == [Health.GOOD]
    assert (wedged().state, wedged().trouble_since) == (EngineState.WEDGED, AT)
    assert wedged().detail == "it lists its model and makes no tokens"
    silent = seen(wedged(), "spark1", HERE, SILENT, AT, Patience())
    assert silent.served == ("key", "org/name")


def test_another_address_is_another_engine() -> None:
    before = Engine("spark1", THERE, GOOD, AT)
    assert seen(before, "spark1", HERE, SILENT, AT, Patience()).health is Health.OUT
