"""How a swap looks while it runs."""

import pytest

from spark_control.cli.answer import Answer
from spark_control.cli.render import swap as view
from spark_control.cli.render.swap import SwapView
from spark_control.swap.shapes import PhaseShape, SwapShape
from tests.unit.cli import samples
from tests.unit.cli.look import look


def rail(shape: SwapShape, *lines: str, since: float = 0.0, lost: bool = False) -> str:
    swap = SwapView.of(samples.answer(shape))
    return look(view.rail(swap, lines, since=since, lost=lost))


def test_a_swap_that_loads() -> None:
    shown = rail(samples.swap(), "old", "one", "two", "", "\x1b[31mthree", since=1.2)
    assert (
        shown
        == """\
Switching to smollm2 on spark1, in place of gemma3-270m

  ✓  Checking   1.5 s
  ✓  Draining   1.5 s
  ✓  Stopping   1.5 s
  ✓  Launching  1.5 s
  ⠴  Loading    2.7 s  ━━━━━━━━━━━╸          58 %  Weights 3 of 5
  ○  Verifying  ~2 s

  18 s elapsed, about 7 s left
  one
  two
  three"""
    )


def test_no_percentage_and_no_estimate_are_made_up() -> None:
    shown = rail(samples.swap(progress=None, eta_s=None, activity="Compiling"))
    assert "%" not in shown
    assert "━" not in shown
    assert "Compiling" in shown
    assert shown.endswith("17 s elapsed, no estimate yet")


@pytest.mark.parametrize(
    ("since", "lost", "words"),
    [(8.0, False, "longer than usual"), (1.0, True, "Connection lost, trying again")],
)
def test_what_is_said_of_time(*, since: float, lost: bool, words: str) -> None:
    assert rail(samples.swap(), since=since, lost=lost).endswith(words)


def test_before_the_start_nothing_is_known() -> None:
    new = samples.swap(state="queued", phase=None, spark=None, replaces=[], progress=None,
                       activity=None, eta_s=None, elapsed_s=None, phases=[])  # fmt: skip
    assert rail(new) == "Switching to smollm2\n\n\n\n  no estimate yet"


def test_a_stopped_phase_and_nothing_of_time_after_the_end() -> None:
    shown = rail(samples.failed(), "a line")
    assert "✗  Loading    1.5 s" in shown
    assert "a line" not in shown
    assert "elapsed" not in shown


def test_an_answer_that_says_nothing_is_shown_all_the_same() -> None:
    swap = SwapView.of(Answer({"phases": [{}, 3]}))
    assert "○  -" in look(view.rail(swap, (), since=0, lost=False))


def test_a_long_log_line_does_not_break_the_rail() -> None:
    assert all(len(line) <= 80 for line in rail(samples.swap(), "x" * 500).splitlines())


def test_a_line_for_each_phase() -> None:
    phases = [PhaseShape(phase="loading", state="current", seconds=0, usual_s=8.4)]
    swap = SwapView.of(samples.answer(samples.swap(phases=phases)))
    assert view.entered(swap).plain == "        17 s  Loading (usually 8 s)"
    fresh = SwapView.of(samples.answer(samples.swap(phase="checking", elapsed_s=0.1)))
    assert view.entered(fresh).plain == "       0.1 s  Checking"
