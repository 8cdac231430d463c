"""Which engine answers, and what is said when none does."""

from datetime import UTC, datetime

import pytest

from spark_control.engines.domain import Address, Engine, EngineState, Look
from spark_control.gateway.errors import ModelNotFound, ModelNotLoaded, NothingLoaded
from spark_control.gateway.route import Choice, Coming, Scene, choose, refuse


def engine(n: int, *served: str) -> Engine:
    address = Address(f"10.88.0.1{n}", 8888)
    look = Look(EngineState.SERVING, served)
    return Engine(f"spark{n}", address, look, datetime(2026, 1, 1, tzinfo=UTC))


QWEN = engine(1, "qwen36", "Qwen/Qwen3.6")
GEMMA = engine(2, "gemma4", "google/gemma-4")
TWIN = engine(3, "qwen36", "Qwen/Qwen3.6")
MENU = {"qwen36": "qwen36", "Qwen/Qwen3.6": "qwen36", "gemma4": "gemma4", "big": "big"}
COMING = Coming("big", "spark1", "loading", 41.6, leaving=True)


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("gemma4", Choice(GEMMA, None)),
        ("google/gemma-4", Choice(GEMMA, None)),
        ("default", Choice(QWEN, "qwen36")),
        (None, Choice(QWEN, "qwen36")),
        ("gpt-4", Choice(GEMMA, "gemma4")),
        ("broken-alias", None),
        ("nope", None),
    ],
)
def test_names(name: str | None, choice: Choice | None) -> None:
    aliases = {"gpt-4": "google/gemma-4", "broken-alias": "nope"}
    assert choose(name, Scene([QWEN, GEMMA], aliases, menu=MENU)) == choice


def test_an_alias_never_shadows_a_key() -> None:
    assert choose("big", Scene([QWEN], {"big": "qwen36"}, menu=MENU)) is None


def test_the_least_busy_of_two() -> None:
    busy = {QWEN.address.base_url: 2, TWIN.address.base_url: 1}
    assert choose("qwen36", Scene([QWEN, TWIN], busy=busy)) == Choice(TWIN, None)


def test_an_engine_that_leaves_gets_nothing_new() -> None:
    assert choose("qwen36", Scene([QWEN], coming=COMING)) is None
    assert choose(None, Scene([QWEN], coming=COMING)) is None
    assert choose("gemma4", Scene([QWEN, GEMMA], coming=COMING)) == Choice(GEMMA, None)


def test_nothing_loaded() -> None:
    error = refuse(None, Scene([]))
    assert isinstance(error, NothingLoaded)
    assert (error.message, error.retry_after_s) == ("No model is loaded.", None)
    error = refuse("default", Scene([QWEN], coming=COMING))
    assert isinstance(error, NothingLoaded)
    assert error.retry_after_s == 42
    assert "A swap to big runs (loading, about 42 s left)." in error.message


def test_an_unknown_name_lists_what_is_there() -> None:
    error = refuse("nope", Scene([QWEN, GEMMA], menu=MENU))
    assert isinstance(error, ModelNotFound)
    assert error.message == "There is no model 'nope'. Loaded: qwen36, gemma4."
    assert refuse("nope", Scene([])).message.endswith("Loaded: none.")


def test_on_the_menu_and_not_loaded() -> None:
    error = refuse("big", Scene([QWEN], menu=MENU))
    assert isinstance(error, ModelNotLoaded)
    assert (error.message, error.retry_after_s) == ("big is not loaded. Loaded: qwen36.", None)


def test_on_its_way() -> None:
    unknown_eta = Coming("big", "spark1", "checking", None, leaving=False)
    error = refuse("big", Scene([], menu=MENU, coming=unknown_eta))
    assert isinstance(error, ModelNotLoaded)
    assert error.retry_after_s == 10
    assert error.message == ("big is not loaded. Loaded: none. A swap to big runs (checking).")
    assert error.detail["swap"] == {"model": "big", "phase": "checking", "eta_s": None}


def test_another_model_on_its_way_promises_nothing() -> None:
    error = refuse("gemma4", Scene([], menu=MENU, coming=COMING))
    assert (error.retry_after_s, "swap" in error.detail) == (None, False)
