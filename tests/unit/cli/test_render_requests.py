"""How requests look."""

from spark_control.cli.answer import Answer
from spark_control.cli.render import requests as view
from spark_control.requests.shapes import RequestsShape, render
from tests.unit.cli import samples
from tests.unit.cli.look import look
from tests.unit.requests.samples import record


def shown(*rows: object) -> Answer:
    return samples.answer(RequestsShape.model_validate({"requests": rows, "next": None}))


def test_requests() -> None:
    found = shown(
        render(record(1, estimated=True, tokens_in=None)),
        render(record(2, status=404, model=None, error="model_not_found", streamed=False,
                      tokens_in=None, tokens_out=None, duration_ms=1.5)),
        render(record(3, tokens_out=None, asked="\x1b[31mred", model=None)),
    )  # fmt: skip
    lines = look(view.render(found), width=120).splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "Model   Client      Status               First   Took   Tokens    Tokens/s",
        "qwen36  10.88.0.50  200                  250 ms  2.2 s  - → ~101  50.0",
        "qwen    10.88.0.50  404 model_not_found  -       2 ms   -         -",
        "red     10.88.0.50  200                  250 ms  2.2 s  12 → -    -",
    ]


def test_lines_of_one_after_the_other_stand_under_each_other() -> None:
    row = samples.answer(render(record(1)))
    heads, line = look(view.heads(), width=140), look(view.line(row), width=140)
    for word, cell in (("Model", "qwen36"), ("Client", "10.88.0.50"), ("Tokens/s", "50.0")):
        assert heads.index(word) == line.index(cell)


def test_none_yet_and_nothing_said() -> None:
    assert look(view.render(shown())).startswith("No requests yet.")
    lines = look(view.render(Answer({"requests": [{}]})), width=120).splitlines()
    assert lines[1].split() == ["-"] * 8


def test_sums_by_model() -> None:
    rows = [
        {"model": "qwen36", "requests": 7, "errors": 2, "ttft_p50_ms": 240.0, "ttft_p95_ms": 1500,
         "tokens_per_s_p50": 51.26, "tokens_in": 0, "tokens_out": 101},
        {"model": None, "requests": 1, "errors": 1},
    ]  # fmt: skip
    lines = look(view.sums(Answer({"models": rows}), "1h"), width=120).splitlines()
    assert lines[1].split() == ["qwen36", "7", "2", "240", "ms", "1.5", "s", "51.3", "-", "101"]
    assert lines[2].split() == ["(no", "engine)", "1", "1", "-", "-", "-", "-", "-"]
    assert look(view.sums(Answer({}), "7d")) == "No requests in the last 7d."
