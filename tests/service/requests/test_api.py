"""`/api/requests` as a client sees it, over a real database."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from spark_control.app import errors
from spark_control.core.bus import Bus
from spark_control.core.sql import Sql, make_engine
from spark_control.jobs.adapters.schema import ensure
from spark_control.requests.adapters.sql import SqlRequests
from spark_control.requests.api import router
from spark_control.requests.usecases import RequestLog
from tests.service.clock import TestClock
from tests.unit.requests.samples import record


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    sql = Sql(make_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    ensure(sql.engine)
    clock = TestClock()
    log = RequestLog(store=SqlRequests(sql), bus=Bus(boot="b"), clock=clock, days=lambda: 30)
    log.take([
        *(record(n) for n in range(5)),
        record(5, status=404, model=None, asked="=cmd()", error="model_not_found"),
        record(6, client="bench", estimated=True, tokens_in=None),
    ])  # fmt: skip
    await log.flush()
    clock.advance(60)
    app = FastAPI()
    errors.install(app)
    app.include_router(router(log))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as opened:
        yield opened
    sql.close()


async def ids(api: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await api.get("/api/requests", params=query)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["requests"]]


async def test_the_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/requests", params={"limit": 5})).json()
    assert [row["id"] for row in answer["requests"]] == ["rq_6", "rq_5", "rq_4", "rq_3", "rq_2"]
    rest = (await client.get("/api/requests", params={"after": answer["next"]})).json()
    assert [row["id"] for row in rest["requests"]] == ["rq_1", "rq_0"]
    assert rest["next"] is None
    row = answer["requests"][0]
    assert (row["at"], row["client"]) == ("2026-01-01T00:00:06.000Z", "bench")
    assert (row["tokens_in"], row["tokens_out"], row["estimated"]) == (None, 101, True)


async def test_filters(client: httpx.AsyncClient) -> None:
    assert await ids(client, status="error") == ["rq_5"]
    assert await ids(client, status="4xx", model="=cmd()") == ["rq_5"]
    assert await ids(client, client="bench") == ["rq_6"]
    assert await ids(client, since="55s") == ["rq_6", "rq_5"]
    assert await ids(client, until="2026-01-01T00:00:01Z") == ["rq_0"]


async def test_a_table_is_harmless(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/requests", params={"format": "csv", "status": "error"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["asked"], row["status"], row["error"]) == ("'=cmd()", "404", "model_not_found")


async def test_series(client: httpx.AsyncClient) -> None:
    answer = (
        await client.get("/api/requests/stats", params={"window": "2m", "step": "1m"})
    ).json()
    assert [point["requests"] for point in answer["points"]] == [0, 7, 0]
    point = answer["points"][1]
    assert (point["errors"], point["tokens_in"], point["tokens_out"]) == (1, 72, 707)
    assert point["ttft_p95_ms"] == pytest.approx(250, rel=0.05)
    assert point["tokens_per_s_p50"] == pytest.approx(50, rel=0.05)
    assert answer["total"]["requests"] == 7
    only = (await client.get("/api/requests/stats", params={"client": "bench"})).json()
    assert only["total"]["requests"] == 1
    assert only["step_s"] == 30


async def test_sums_by_model(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/requests/models", params={"window": "5m"})).json()
    assert answer["window_s"] == 300
    ours, none = answer["models"]
    assert (ours["model"], ours["requests"], ours["errors"]) == ("qwen36", 6, 0)
    assert (ours["tokens_in"], ours["tokens_out"]) == (60, 606)
    assert ours["ttft_p95_ms"] == pytest.approx(250, rel=0.05)
    assert (none["model"], none["requests"], none["errors"]) == (None, 1, 1)
    only = {"window": "5m", "client": "bench"}
    [one] = (await client.get("/api/requests/models", params=only)).json()["models"]
    assert one["requests"] == 1


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("", {"status": "7xx"}, "query_invalid"),
        ("", {"since": "then"}, "query_invalid"),
        ("", {"after": "x"}, "query_invalid"),
        ("", {"limit": "0"}, "body_invalid"),
        ("/stats", {"window": "1y"}, "query_invalid"),
        ("/models", {"window": "x"}, "query_invalid"),
        ("/stats", {"window": "1h", "step": "1s"}, "query_invalid"),
    ],
)
async def test_what_cannot_be_read(
    client: httpx.AsyncClient, path: str, query: dict[str, str], code: str
) -> None:
    answer = await client.get(f"/api/requests{path}", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
