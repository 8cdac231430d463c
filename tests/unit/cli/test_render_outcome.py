"""How a swap looks when it has ended."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import outcome as view
from spark_control.cli.render.swap import SwapView
from spark_control.swap.shapes import SwapShape
from tests.unit.cli import samples
from tests.unit.cli.look import look


def outcome(shape: SwapShape, *lines: str) -> str:
    return look(view.render(SwapView.of(samples.answer(shape)), lines))


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


def test_an_answer_that_says_nothing_is_shown_all_the_same() -> None:
    assert look(view.render(SwapView.of(Answer()), ())) == "Ended: -"


def test_a_known_cause_comes_first_and_the_log_after() -> None:
    cause = {"code": "memory_taken", "title": "Memory is taken", "remedy": "Free it.", "line": "x"}
    error = {
        "code": "engine_died", "message": "It ended. 103 GiB were wanted.", "hint": "Free it.",
        "detail": {"cause": cause},
    }  # fmt: skip
    shown = outcome(samples.failed(error=error), "a log line").splitlines()
    assert shown[1:4] == [
        "Memory is taken",
        "It ended. 103 GiB were wanted. (engine_died)",
        "Free it.",
    ]
    assert "Last lines of the log" in shown[5]


def test_a_part_that_died_elsewhere_shows_its_own_last_lines() -> None:
    error = {"code": "rank_died", "message": "The part of big on spark2 ended.", "hint": "Look.",
             "detail": {"spark": "spark2", "log": ["its last words"]}}  # fmt: skip
    shown = outcome(samples.failed(error=error, sparks=["spark1", "spark2"]), "of the first one")
    assert shown.splitlines()[0].startswith("Failed: smollm2 on spark1 and spark2")
    assert "`spark-control logs sw_1 --spark spark2` has all" in shown
    assert "its last words" in shown
    assert "of the first one" not in shown
