"""Answers of the program in the container, good and broken."""

import json

import pytest

from spark_control.swap.said import SENTINEL, Said, read_said


def answer(**fields: object) -> str:
    return f"INFO vLLM says things\n\n{SENTINEL}{json.dumps(fields)}\n"


def test_a_pass() -> None:
    table = {"version": "1", "options": [{"flags": ["--a"], "values": "one"}]}
    said = read_said(answer(
        ok=True, checked=True, stage="done", version="0.33.0", warnings=["odd"], table=table,
        unchecked="ranges",
    ))  # fmt: skip
    assert (said.ok, said.checked, said.stage, said.error) == (True, True, "done", None)
    assert (said.version, said.warnings, said.unchecked) == ("0.33.0", ("odd",), "ranges")
    assert said.table is not None
    assert said.raw_table == table


def test_a_refusal() -> None:
    said = read_said(answer(ok=False, checked=True, stage="parse", error="no", warnings=3))
    assert said == Said(checked=True, stage="parse", error="no")


def test_a_table_that_is_none_is_left_out() -> None:
    said = read_said(answer(ok=True, checked=True, table={"options": []}))
    assert (said.ok, said.table, said.raw_table) == (True, None, None)


def test_ok_without_a_check_is_no_pass() -> None:
    assert not read_said(answer(ok=True, checked=False)).ok


def test_the_last_answer_counts() -> None:
    said = read_said(answer(ok=True, checked=True) + answer(ok=False, checked=True))
    assert not said.ok


@pytest.mark.parametrize(("printed", "complained", "error"), [
    ("", "", "no answer"), ("", "docker: no\n space", "there was no answer: docker: no space"),
    ("Traceback", "", "there was no answer: Traceback"),
    (f"{SENTINEL}{{", "", "the answer cannot be read"),
    (f"{SENTINEL}[1]", "", "the answer cannot be read"),
])  # fmt: skip
def test_what_is_no_answer_is_no_refusal(printed: str, complained: str, error: str) -> None:
    assert read_said(printed, complained) == Said(checked=False, error=error)
