"""A table that any spreadsheet may open."""

import csv
import io

import pytest

from spark_control.requests.csv_rows import NAMES, head, lines
from tests.unit.requests.samples import record


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_value_in_its_column() -> None:
    [row] = read(head() + lines([record(error=None)]))
    assert list(row) == list(NAMES)
    assert row["at"] == "2026-01-01T00:00:00.000Z"
    assert row["streamed"] == "yes"
    assert row["estimated"] == "no"
    assert row["error"] == ""
    assert row["ttft_ms"] == "250.000"
    assert row["tokens_per_s"] == "50.000"
    assert row["status"] == "200"


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(name: str) -> None:
    [row] = read(head() + lines([record(asked=name)]))
    assert row["asked"] == f"'{name}"


def test_quotes_and_commas_stay_in_their_cell() -> None:
    [row] = read(head() + lines([record(asked='a,"b"\nc')]))
    assert row["asked"] == 'a,"b"\nc'
