"""What a query for records may say."""

from datetime import UTC, datetime, timedelta

import pytest

from spark_control.requests import parse
from spark_control.requests.domain import Filter, Outcome, Place
from spark_control.requests.errors import QueryInvalid
from tests.unit.requests.samples import T0


def test_statuses() -> None:
    assert parse.statuses("OK") == (Outcome.OK, None)
    assert parse.statuses("error") == (Outcome.ERROR, None)
    assert parse.statuses(" 4xx ") == (None, (400, 499))
    assert parse.statuses("404") == (None, (404, 404))
    for text in ("", "6xx", "40", "4040", "fine"):
        with pytest.raises(QueryInvalid):
            parse.statuses(text)


def test_moments() -> None:
    assert parse.moment("24h", T0, "since") == T0 - timedelta(days=1)
    assert parse.moment("2026-01-01T01:00:00+01:00", T0, "since") == T0
    assert parse.moment("2026-01-01", T0, "since") == T0
    for text in ("", "yesterday", "0001-01-01T00:00:00+23:00", "9h9"):
        with pytest.raises(QueryInvalid):
            parse.moment(text, T0, "since")


def test_spans() -> None:
    assert [parse.span(text, "x") for text in ("90s", "15m", "2H", "7d")] == [
        90,
        900,
        7200,
        604800,
    ]
    for text in ("0s", "5", "-5m", "99999d", "1w", "9" * 99 + "d"):
        with pytest.raises(QueryInvalid):
            parse.span(text, "window")


def test_steps() -> None:
    assert parse.step_of(3600, None) == 30
    assert parse.step_of(86400, None) == 900
    assert parse.step_of(3650 * 86400, None) == 3650 * 720
    assert parse.step_of(3600, "1m") == 60
    with pytest.raises(QueryInvalid):
        parse.step_of(3600, "1s")


def test_a_whole_query() -> None:
    asked = {"model": "", "client": None, "status": None, "since": None, "until": None}
    assert parse.chosen(T0, **asked) == Filter()
    found = parse.chosen(
        T0, model="m", client="c", status="5xx", since="1m", until="2026-01-01T00:00:00"
    )
    assert found == Filter(
        model="m", client="c", statuses=(500, 599), since=T0 - timedelta(minutes=1),
        until=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_places() -> None:
    place = Place(1767225600000, "rq_1-a")
    assert parse.place(parse.shown(place)) == place
    for text in ("", "1", "1.", ".a", "1.a b", "x.y"):
        with pytest.raises(QueryInvalid):
            parse.place(text)
