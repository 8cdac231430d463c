"""Which engine answers, and what is said when none does."""

import pytest

from spark_control.gateway.errors import ModelNotFound, ModelNotLoaded, NothingLoaded
from spark_control.gateway.route import Choice, Coming, Routes, Scene, Target, models, refuse


def engine(n: int, *served: str) -> Target:
    return Target(name=f"spark{n}", base_url=f"http://10.88.0.1{n}:8888", served=served)


def server(name: str, *served: str) -> Target:
    return Target(name=name, base_url=f"http://{name}", served=served, outside=True, owner=name)


QWEN = engine(1, "qwen36", "Qwen/Qwen3.6")
GEMMA = engine(2, "gemma4", "google/gemma-4")
TWIN = engine(3, "qwen36", "Qwen/Qwen3.6")
FAR = server("far", "gemma4", "far-model")
MENU = {"qwen36": "qwen36", "Qwen/Qwen3.6": "qwen36", "gemma4": "gemma4", "big": "big"}
COMING = Coming("big", ("spark1",), "loading", 41.6, leaving=True)


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("gemma4", Choice((GEMMA,))),
        ("google/gemma-4", Choice((GEMMA,))),
        ("default", Choice((QWEN,), "qwen36")),
        (None, Choice((QWEN,), "qwen36")),
        ("gpt-4", Choice((GEMMA,), "google/gemma-4")),
        ("any", Choice((QWEN,), "qwen36")),
        ("broken-alias", None),
        ("nope", None),
    ],
)
def test_names(name: str | None, choice: Choice | None) -> None:
    aliases = {"gpt-4": "google/gemma-4", "broken-alias": "nope", "any": "default"}
    assert Routes(Scene([QWEN, GEMMA], aliases, MENU)).find(name) == choice


def test_an_alias_never_shadows_a_key() -> None:
    assert Routes(Scene([QWEN], {"big": "qwen36"}, MENU)).find("big") is None
    assert Routes(Scene([QWEN, GEMMA], {"qwen36": "gemma4"})).find("qwen36") == Choice((QWEN,))


def test_replicas() -> None:
    routes = Routes(Scene([QWEN, GEMMA, TWIN], {"any": "default"}))
    assert routes.find("qwen36") == Choice((QWEN, TWIN))
    for name in ("default", None, "any"):
        assert routes.find(name) == Choice((QWEN, TWIN), "qwen36")


def test_nothing_goes_outside_that_nobody_sent_there() -> None:
    assert Routes(Scene([FAR])).find(None) is None
    assert Routes(Scene([FAR])).find("default") is None
    assert Routes(Scene([server("odd", "default")])).find(None) is None
    odd = engine(4, "big", "default")
    assert Routes(Scene([odd])).find(None) == Choice((odd,), "big")
    sent = {"default": "far-model"}
    for name in ("default", None):
        assert Routes(Scene([FAR], sent)).find(name) == Choice((FAR,), "far-model")
        assert Routes(Scene([FAR, QWEN], sent)).find(name) == Choice((QWEN,), "qwen36")


def test_engines_win_over_outside_servers() -> None:
    routes = Routes(Scene([FAR, QWEN, GEMMA]))
    assert routes.find("gemma4") == Choice((GEMMA,))
    assert routes.find("far-model") == Choice((FAR,))
    assert "far" in repr(FAR)


def test_what_is_listed() -> None:
    rows = models([QWEN, TWIN, FAR])
    assert [(row["id"], row["owned_by"]) for row in rows] == [
        ("qwen36", ""), ("gemma4", "far"), ("far-model", "far"),
    ]  # fmt: skip


def test_an_engine_that_leaves_gets_nothing_new() -> None:
    assert Routes(Scene([QWEN], coming=COMING)).find("qwen36") is None
    routes = Routes(Scene([QWEN, GEMMA, FAR], coming=COMING))
    assert routes.find(None) == Choice((GEMMA,), "gemma4")


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
    unknown_eta = Coming("big", ("spark1",), "checking", None, leaving=False)
    error = refuse("big", Scene([], menu=MENU, coming=unknown_eta))
    assert isinstance(error, ModelNotLoaded)
    assert error.retry_after_s == 10
    assert error.message == ("big is not loaded. Loaded: none. A swap to big runs (checking).")
    assert error.detail["swap"] == {"model": "big", "phase": "checking", "eta_s": None}


def test_another_model_on_its_way_promises_nothing() -> None:
    error = refuse("gemma4", Scene([], menu=MENU, coming=COMING))
    assert (error.retry_after_s, "swap" in error.detail) == (None, False)
