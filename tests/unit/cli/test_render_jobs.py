"""How jobs look."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import jobs as view
from tests.unit.cli import samples
from tests.unit.cli.look import look


def test_jobs() -> None:
    found = samples.jobs(
        samples.job(id="sw_3", state="running", phase="loading", ended_at=None),
        samples.job(id="sw_2", state="failed", error=samples.FAILED),
        samples.job(),
        samples.job(id="sw_0", state="queued", phase=None, started_at=None, ended_at=None),
    )
    assert (
        look(view.render(samples.answer(found), samples.NOW))
        == """\
Job   Kind  For      State                 Took       Started
sw_3  swap  smollm2  Running, loading      3 min 0 s  3 min ago
sw_2  swap  smollm2  Failed (engine_died)  12 s       3 min ago
sw_1  swap  smollm2  Done                  12 s       3 min ago
sw_0  swap  smollm2  Queued                -          3 min ago"""
    )


def test_none_yet() -> None:
    shown = look(view.render(samples.answer(samples.jobs()), samples.NOW))
    assert shown == "No jobs yet. `spark-control swap MODEL` starts one."


def test_an_answer_that_says_nothing_is_shown_all_the_same() -> None:
    shown = look(view.render(Answer({"jobs": [{}]}), samples.NOW))
    assert shown.splitlines()[1].split() == ["-"] * 6
