"""The gateway in the terminal."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import gateway as view
from tests.unit.cli import samples
from tests.unit.cli.look import look


def test_names_aliases_limits_and_workers() -> None:
    text = look(view.render(samples.answer(samples.gateway())), width=140)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "http://10.88.0.1:9999/v1 3 running, 1 waiting"
    assert "qwen36, Q/qwen spark1 engine Serving 3" in lines
    assert any(line.startswith("- magpie service Not answering since ") for line in lines)
    assert "m0, m1, m2, m3, m4, m5, m6, m7 and 2 more big outside server Not asked yet 0" in lines
    assert "fast qwen36 spark1" in lines
    assert "old gone -" in lines
    assert "qwen36 gone a model has this name and wins" in lines
    assert "Longest wait 60 s" in lines
    assert "process 4711 12 1 4.5 ms" in lines


def test_nothing_said() -> None:
    text = look(view.render(Answer({"places": [{}], "aliases": [{}]})), width=140)
    assert "- running, - waiting" in text
    assert "Not answering" not in text
    assert "No worker has reported yet." in text
    assert look(view.render(Answer({"workers": [{}]}))).splitlines()[-1].split() == [
        "process", "-", "-", "-", "-",
    ]  # fmt: skip
