"""How the menu looks."""

import pytest

from spark_control.cli.answer import Answer
from spark_control.cli.render import models as view
from tests.unit.cli import samples
from tests.unit.cli.look import look


def test_the_menu() -> None:
    shown = look(view.render(samples.answer(samples.menu()), recipes=False), width=100)
    assert (
        shown
        == """\
Model        Name             Mode       Size  On              State
smollm2      SmolLM2 135M     Solo     270 MB  spark1, spark2  Loaded on spark1
gemma3-270m  Gemma 3 270M     Solo     550 MB  spark1          Ready to switch
qwen3-235b   Qwen3 235B A22B  Cluster  125 GB  spark1, spark2  Ready, on several Sparks
half         Half a download  Solo      65 GB  spark1 (part)   Incomplete
fresh                         Solo      65 GB  spark1          Needs setup
bge                           Solo     1.2 GB  spark1          Embedding, no chat

1 recipe for models that are on no Spark: --recipes lists them.

! half: spark1: 2 files are missing. (1 more)
! models-overrides.yaml old: has no repo."""
    )


def test_recipes_on_wish() -> None:
    shown = look(view.render(samples.answer(samples.menu()), recipes=True))
    assert "gpt-oss-120b  Solo  openai/gpt-oss-120b  MXFP4, fits one Spark." in shown
    assert "--recipes" not in shown


def test_an_empty_menu() -> None:
    assert look(view.render(Answer(), recipes=False)) == "No models on the Sparks yet."
    shown = look(view.render(Answer({"recipes": [], "problems": [{}]}), recipes=True))
    assert "Every recipe has its model on a Spark." in shown
    assert shown.endswith("! -")


def test_many_recipes() -> None:
    shown = look(view.render(Answer({"recipes": [{}, {}]}), recipes=False))
    assert "2 recipes for models" in shown


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ({"loaded": True, "loaded_on": ["spark1", "spark2"]}, "Loaded on spark1 and spark2"),
        ({"loaded": True, "kind": "embedding"}, "Loaded"),
        ({"kind": "embedding", "needs_setup": True}, "Embedding, no chat"),
        ({"kind": "unknown", "needs_setup": True}, "Needs setup"),
        ({"kind": "chat"}, "Incomplete"),
        ({"complete_on": ["spark1"], "mode": "cluster"}, "Needs two Sparks"),
        ({"complete_on": ["spark1"]}, "Ready to switch"),
    ],
)
def test_what_can_be_done_with_it(model: dict[str, object], state: str) -> None:
    assert view.state_of(Answer(model))[0] == state


def test_a_name_cannot_steer_the_terminal() -> None:
    menu = {"models": [{"key": "k", "name": "\x1b[2J[bold]gone\n"}]}
    assert "[bold]gone" in look(view.render(Answer(menu), recipes=False))
    assert "\x1b" not in look(view.render(Answer(menu), recipes=False))


def test_in_a_narrow_terminal_each_model_has_one_line() -> None:
    long = samples.model("a-long-key-of-thirty-letters-x", hosts=["spark1", "spark2"], loaded=True)
    menu = {"models": [{**long.model_dump(), "loaded_on": ["spark1"]}]}
    shown = look(view.render(Answer(menu), recipes=False, width=80))
    assert shown.splitlines() == [
        "Model                            Size  On                     State",
        "a-long-key-of-thirty-letters-x  65 GB  spark1, spark2 (part)  Loaded on spark1",
    ]
