"""How settings look."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import settings as view
from tests.unit.cli import samples
from tests.unit.cli.look import look


def test_by_group() -> None:
    shown = look(view.render(samples.answer(samples.settings()), everything=False))
    assert (
        shown
        == """\
Name           Value       From
Sparks
  SPARK1_HOST  10.88.0.11  environment

Engine
  VLLM_PORT    8888        default
  ALIASES      blank       default

Limits
  MAX_BODY_MB  64 MB       file

Who gets in
  AUTH_TOKEN   set         default

1 for later versions are left out: --all.

! PORT (environment): 'x' is no whole number.
! Not known here, kept as they are: OLD_NAME"""
    )


def test_all_of_them() -> None:
    shown = look(view.render(samples.answer(samples.settings()), everything=True))
    assert "HF_TOKEN     not set" in shown
    assert "--all" not in shown


def test_one() -> None:
    row = samples.answer(samples.settings())["settings"].items[1]
    assert (
        look(view.one(row))
        == """\
VLLM_PORT
What it is for.

Value    8888
From     default
Default  8888
Counts   at once
"""
    )


def test_when_one_counts() -> None:
    start = samples.answer(samples.setting("BIND", "x", live=False))
    later = samples.answer(samples.setting("HF_TOKEN", None, used=False))
    assert "Counts   at the next start, from the environment" in look(view.one(start))
    assert "Counts   in a later version" in look(view.one(later))


def test_an_answer_that_says_nothing_is_shown_all_the_same() -> None:
    assert look(view.render(Answer(), everything=False)) == "Name  Value  From"
    odd = Answer({"settings": [{}], "problems": [{}]})
    shown = look(view.render(odd, everything=False))
    assert "Other" in shown
    assert "! - (-): -" in shown
    assert look(view.one(Answer())).startswith("-")


def test_after_a_change_only_what_was_changed() -> None:
    answer = samples.answer(samples.settings())
    assert (
        look(view.changed(answer, ["MAX_BODY_MB"]))
        == """\
Name         Value  From
MAX_BODY_MB  64 MB  file"""
    )
    assert look(view.changed(answer, ["PORT"])).endswith(
        "! PORT (environment): 'x' is no whole number."
    )
