"""Rows of numbers: their spread, their verdict, their look."""

import pytest

from bench.table import Outcome, Table, markdown, plain, quantile, shown, single, spread


def test_a_quantile_is_a_sample() -> None:
    assert [quantile([1, 2, 3, 10], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 3, 10, 10]


def test_p99_needs_enough_samples() -> None:
    assert spread("x", "s", range(99)).p99 is None
    assert spread("x", "s", range(200)).p99 == 198


@pytest.mark.parametrize(
    ("values", "must", "verdict"),
    [
        ([1, 2, 3], None, ""),
        ([1, 2, 3], 3, "held"),
        ([1, 2, 3], 2, "held at p50, not at max"),
        ([1, 2, 3], 1, "MISSED"),
    ],
)
def test_a_promise_is_held_by_the_worst_sample(
    values: list[float], must: float | None, verdict: str
) -> None:
    assert spread("x", "s", values, must=must).verdict == verdict


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0123, "0.012"),
        (1.234, "1.23"),
        (99.9, "99.90"),
        (1234.5, "1234"),
        (-0.5, "-0.500"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert shown(value) == text


def test_both_tables_show_the_same_cells() -> None:
    outcome = Outcome((spread("slow", "s", [1, 2], must=1), single("one", "MB", 120)))
    assert markdown(outcome).splitlines()[2:] == [
        "| slow | 2.00 |  | 2.00 | 2 | s | ≤ 1 | MISSED |",
        "| one | 120 |  |  |  | MB |  |  |",
    ]
    assert [line.split() for line in plain(outcome).splitlines()[1:]] == [
        ["slow", "2.00", "2.00", "2", "s", "≤", "1", "MISSED"],
        ["one", "120", "MB"],
    ]


def test_tables_of_another_form_come_after_the_rows() -> None:
    other = Table(("way", "req/s"), (("ours", "5"),), right=frozenset({1}))
    outcome = Outcome((single("one", "MB", 120),), tables=(other,))
    assert markdown(outcome).split("\n\n")[1] == "| way | req/s |\n| --- | ---: |\n| ours | 5 |"
    assert plain(outcome).split("\n\n")[1] == "way   req/s\nours      5"
    assert markdown(Outcome((), tables=(other,))).startswith("| way |")
