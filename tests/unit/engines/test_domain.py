"""What an engine is, from what its port said."""

from datetime import UTC, datetime

import pytest

from spark_control.engines.domain import Address, Engine, EngineState, Look


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
