"""What every store of records does, over real databases."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from spark_control.core.sql import Sql
from spark_control.jobs.adapters.schema import request_records
from spark_control.requests.adapters.sql import SqlRequests
from spark_control.requests.bins import bin_of
from spark_control.requests.domain import Filter, Outcome, Place, Record, millis
from tests.unit.requests.samples import T0, record

ALL = Filter()


@pytest.fixture
def store(sql: Sql) -> SqlRequests:
    return SqlRequests(sql)


async def ids(store: SqlRequests, wanted: Filter) -> list[str]:
    return [found.id for found in await store.page(wanted, after=None, limit=99)]


async def test_a_record_comes_back_as_it_was(store: SqlRequests) -> None:
    empty = Record(id="rq_9", at_ms=millis(T0), path="/v1/models", status=200, duration_ms=0.125)
    kept = [
        record(2, error="engine_broke", estimated=True, client="Zoë's key 🔑"),
        record(1),
        empty,
    ]
    await store.add(kept)
    assert await store.page(ALL, after=None, limit=9) == kept


async def test_a_batch_may_be_sent_again(store: SqlRequests) -> None:
    await store.add([])
    await store.add([record(1), record(2)])
    await store.add([record(2, status=500), record(3)])
    assert await ids(store, ALL) == ["rq_3", "rq_2", "rq_1"]
    assert await ids(store, Filter(outcome=Outcome.ERROR)) == []


async def test_pages_leave_nothing_out_and_repeat_nothing(store: SqlRequests) -> None:
    await store.add([record(n, at_ms=millis(T0) + n // 3 * 1000) for n in range(10)])
    seen: list[str] = []
    place: Place | None = None
    while page := await store.page(ALL, after=place, limit=4):
        seen += [found.id for found in page]
        place = Place(millis(page[-1].at), page[-1].id)
    assert seen == [f"rq_{n}" for n in reversed(range(10))]


async def test_filters(store: SqlRequests) -> None:
    await store.add([
        record(1), record(2, model="other", asked="other"), record(3, status=404, model=None),
        record(4, status=503), record(5, client="bench"), record(6, error="engine_broke"),
        record(7, status=499, error="client_left"),
    ])  # fmt: skip
    wanted = {
        "rq_2": Filter(model="other"),
        "rq_5": Filter(client="bench"),
        "rq_3": Filter(statuses=(404, 404), model="qwen"),
        "rq_6": Filter(outcome=Outcome.ERROR, statuses=(200, 299)),
        "rq_4": Filter(since=T0 + timedelta(seconds=4), until=T0 + timedelta(seconds=5)),
    }
    for name, chosen in wanted.items():
        assert await ids(store, chosen) == [name]
    assert await ids(store, Filter(outcome=Outcome.OK)) == ["rq_7", "rq_5", "rq_2", "rq_1"]
    assert await ids(store, Filter(model="' OR 1=1 --")) == []


async def test_steps_add_up(store: SqlRequests) -> None:
    await store.add([
        record(0), record(9), record(35, model="other"), record(-1),
        record(10, status=500, tokens_in=None, tokens_out=None, ttft_ms=None),
    ])  # fmt: skip
    first, second, last = await store.slots(ALL, start=T0, step_s=10)
    assert (first.number, first.requests, first.errors) == (0, 2, 0)
    assert (first.tokens_in, first.tokens_out) == (24, 202)
    assert first.ttft == {bin_of(250.0): 2}
    assert first.speed == {bin_of(5000.0): 2}
    assert (second.number, second.errors, second.tokens_out, second.ttft) == (1, 1, 0, {})
    assert (last.number, last.requests) == (3, 1)
    [only] = await store.slots(Filter(model="other"), start=T0, step_s=3600)
    assert only.requests == 1


async def test_old_ones_go_and_too_many_go(store: SqlRequests) -> None:
    await store.add([record(n) for n in range(10)])
    assert await store.prune(before=T0 + timedelta(seconds=3), rows=100, most=2) == 2
    assert await store.prune(before=T0 + timedelta(seconds=3), rows=100, most=2) == 1
    assert await store.prune(before=T0 + timedelta(seconds=3), rows=100, most=2) == 0
    assert await ids(store, ALL) == [f"rq_{n}" for n in (9, 8, 7, 6, 5, 4, 3)]
    assert await store.prune(before=T0, rows=2, most=100) == 5
    assert await ids(store, ALL) == ["rq_9", "rq_8"]


async def test_pages_are_found_by_the_index(sql: Sql, store: SqlRequests) -> None:
    if sql.engine.dialect.name != "sqlite":
        pytest.skip("SQLite tells its plan in few words")
    await store.add([record(1)])
    query = "EXPLAIN QUERY PLAN SELECT * FROM request_records WHERE (at_ms, id) < (5, 'x') "
    order = "ORDER BY at_ms DESC, id DESC LIMIT 5"
    rows = await sql.read(lambda connection: connection.execute(sa.text(query + order)).all())
    assert "ix_request_records_at_ms" in str(rows)
    assert "TEMP B-TREE" not in str(rows)
    assert request_records.name == "request_records"
