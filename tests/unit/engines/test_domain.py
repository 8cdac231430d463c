"""What an engine is, from what its port said."""

from datetime import UTC, datetime

import pytest

from spark_control.engines.domain import Address, Engine, EngineState, Failing, Health, Look


def engine(look: Look) -> Engine:
    return Engine("spark1", Address("10.88.0.11", 8888), look, datetime(2026, 1, 1, tzinfo=UTC))


def test_where_it_listens() -> None:
    assert Address("10.88.0.11", 8888).base_url == "http://10.88.0.11:8888"
    assert Address("fd00::1", 8888).base_url == "http://[fd00::1]:8888"


@pytest.mark.parametrize(
    ("owner", "played"),
    [
        ("vllm", None), ("", None), ("spark-control-lab-scripted", "scripted"),
        ("spark-control-lab-", ""), ("not spark-control-lab-scripted", None),
    ],
)  # fmt: skip
def test_who_plays_it(owner: str, played: str | None) -> None:
    assert engine(Look(EngineState.SERVING, ("key",), owner)).played == played


def test_what_it_answers_to() -> None:
    serving = engine(Look(EngineState.SERVING, ("key", "org/name")))
    assert (serving.state, serving.served) == (EngineState.SERVING, ("key", "org/name"))
    assert (serving.serves("key"), serving.serves("other")) == (True, False)
    assert not engine(Look(EngineState.LOADING, ("key",))).serves("key")


AT, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
GOOD, SILENT = Look(EngineState.SERVING, ("key",)), Look(EngineState.SILENT, detail="slow")
FAILING = Failing(2, LATER, "late")


@pytest.mark.parametrize(
    ("look", "failing", "wedged", "health", "since", "detail"),
    [
        (GOOD, None, None, Health.GOOD, None, ""),
        (SILENT, None, None, Health.OUT, None, "slow"),
        (GOOD, FAILING, None, Health.DOUBTED, LATER, "late"),
        (SILENT, FAILING, None, Health.EJECTED, LATER, "late"),
        (GOOD, FAILING, AT, Health.WEDGED, AT, "it lists its model and makes no tokens"),
    ],
)
def test_whether_requests_go_there(
    look: Look, failing: Failing | None, wedged: datetime | None,
    health: Health, since: datetime | None, detail: str,
) -> None:  # fmt: skip
    found = Engine("spark1", Address("10.88.0.11", 1), look, AT, failing=failing, wedged=wedged)
    assert (found.health, found.trouble_since, found.detail) == (health, since, detail)
    assert (found.state is EngineState.WEDGED) is (wedged is not None)
