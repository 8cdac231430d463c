"""How a swap looks while it runs and when it has ended."""

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


def outcome(shape: SwapShape, *lines: str) -> str:
    return look(view.outcome(SwapView.of(samples.answer(shape)), lines))


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
    assert look(view.outcome(swap, ())).startswith(": -")


def test_a_long_log_line_does_not_break_the_rail() -> None:
    assert all(len(line) <= 80 for line in rail(samples.swap(), "x" * 500).splitlines())


def test_ready() -> None:
    assert outcome(samples.ready()) == "Ready: smollm2 on spark1 in 12 s"


def test_cancelled() -> None:
    error = {"code": "swap_cancelled", "message": "It was cancelled.", "hint": "Switch again."}
    shown = outcome(samples.failed(state="cancelled", error=error), "a log line")
    assert (
        shown
        == """\
Cancelled: smollm2 on spark1 after 12 s
It was cancelled. (swap_cancelled)
Switch again."""
    )


def test_failed_says_what_to_do_and_shows_the_last_lines() -> None:
    lines = [f"line {n}" for n in range(30)]
    shown = outcome(samples.failed(), *lines).splitlines()
    assert shown[:5] == [
        "Failed: smollm2 on spark1 after 12 s, while loading",
        "The engine ended before it was ready. (engine_died)",
        "The detail and the log hold its last words.",
        "",
        "Last lines of the log (`spark-control logs sw_1` has all):",
    ]
    assert shown[5:] == [f"  line {n}" for n in range(18, 30)]


def test_failed_without_a_reason() -> None:
    bare = samples.failed(error=None, spark=None, elapsed_s=None, phase=None)
    assert outcome(bare) == "Failed: smollm2"


def test_a_line_for_each_phase() -> None:
    phases = [PhaseShape(phase="loading", state="current", seconds=0, usual_s=8.4)]
    swap = SwapView.of(samples.answer(samples.swap(phases=phases)))
    assert view.entered(swap).plain == "        17 s  Loading (usually 8 s)"
    fresh = SwapView.of(samples.answer(samples.swap(phase="checking", elapsed_s=0.1)))
    assert view.entered(fresh).plain == "       0.1 s  Checking"


def test_the_command_to_try_is_whole() -> None:
    plain = view.try_it("smollm2", "http://127.0.0.1:9999/v1", with_token=False).plain
    assert (
        plain
        == """\
Try it:
  curl -N http://127.0.0.1:9999/v1/chat/completions \\
    -H 'Content-Type: application/json' \\
    -d '{"model": "smollm2", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'"""
    )
    signed = view.try_it("it's", "http://h/v1?a", with_token=True).plain
    assert '-H "Authorization: Bearer $SPARK_CONTROL_TOKEN"' in signed
    assert "'http://h/v1?a/chat/completions'" in signed
    assert """"it'"'"'s\"""" in signed
