"""How the swap lock looks."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import lock as view
from spark_control.cli.render import status as status_view
from tests.unit.cli import samples
from tests.unit.cli.look import look


def shown(lock: object) -> str:
    return view.render(Answer(lock)).plain


def test_free_and_held() -> None:
    assert shown({"holder": None}) == shown({}) == "The swap lock is free."
    assert shown(samples.lock()) == (
        "The swap lock is held by bench until 2026-01-02 13:00:00 UTC (1 h 0 min left): measuring"
    )
    assert shown({"holder": "a\x1b[31m\nb"}) == "The swap lock is held by a b"


def test_on_the_status_only_while_it_is_held() -> None:
    def page(**changes: object) -> str:
        status = Answer(samples.status(**changes))
        return look(status_view.render(status, Answer(), "http://h"), width=120)

    assert "swap lock" not in page()
    assert "! The swap lock is held by bench until" in page(lock=samples.lock())
