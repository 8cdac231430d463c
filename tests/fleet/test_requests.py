"""Records and numbers over the whole app: what a worker sends is listed, told and counted."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from spark_control.core.clock import RealClock
from spark_control.requests.domain import Record, millis
from tests.fleet.system import System, system
from tests.unit.requests.samples import record

NOW = RealClock().now()
SERIES = "/api/requests/stats?window=10m&step=1m"


def ended(n: int, **more: object) -> Record:
    """Return the record of a request that has ended just now."""
    return record(n, at_ms=millis(NOW + timedelta(milliseconds=n)), **more)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[System]:
    async with system(tmp_path, sparks=1) as made:
        yield made


async def told(lines: AsyncIterator[str], topic: str) -> dict[str, Any]:
    """Wait for the next event of `topic`."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == topic:
            found: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return found
    raise AssertionError(f"the stream ended without {topic}")


async def test_what_ended_is_told_listed_and_counted(running: System) -> None:
    async with running.http.stream("GET", "/api/events") as stream:
        lines = stream.aiter_lines()
        await told(lines, "snapshot")
        running.parts.accounting.requests.take([ended(1), ended(2, status=502)])
        event = await told(lines, "requests")
    assert event["data"]["count"] == 2
    listed = await running.get("/api/requests")
    assert [row["id"] for row in listed["requests"]] == ["rq_2", "rq_1"]
    table = await running.http.get("/api/requests", params={"format": "csv"})
    assert len(table.text.splitlines()) == 3
    page = await running.http.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    names = {family.name: family for family in text_string_to_metric_families(page.text)}
    counted = names["spark_control_gateway_requests"].samples
    assert {row.labels["status"] for row in counted if row.name.endswith("_total")} == {
        "200",
        "502",
    }


async def test_records_outlive_a_restart(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as made:
        made.parts.accounting.requests.take([ended(1), record(2)])
    async with system(tmp_path, sparks=1) as made:
        found = await made.get("/api/requests")
        # The other one is older than `REQUESTS_DAYS`: it goes at the start.
        assert "rq_1" in [row["id"] for row in found["requests"]]


async def test_engines_numbers_carry_spark_and_model(running: System) -> None:
    done = await running.swapped("qwen36")
    assert done["state"] == "ready"
    page = (await running.http.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    [running_now] = families["vllm:num_requests_running"].samples
    assert running_now.labels["model"] == "qwen36"
    spark = running_now.labels["host"]
    assert families["spark_control_host_up"].samples[0].labels == {"host": spark}
    phases = {
        row.labels["phase"]
        for row in families["spark_control_swap_duration_seconds"].samples
        if row.name.endswith("_count") and row.labels["result"] == "done"
    }
    assert {"loading", "verifying", "all"} <= phases
    async with asyncio.timeout(10):
        while not (busy := (await running.get(SERIES))["gpu_busy"]):
            await RealClock().sleep(0.1)
    assert [ratio for ratio in busy[spark] if ratio is not None]


async def test_the_door_is_before_it(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, AUTH="token", AUTH_TOKEN="sixteen characters") as made:
        for path in ("/metrics", "/api/requests", "/api/requests/stats"):
            assert (await made.http.get(path)).status_code == 401
            key = {"Authorization": "Bearer sixteen characters"}
            assert (await made.http.get(path, headers=key)).status_code == 200


async def recorded(running: System, count: int) -> list[dict[str, Any]]:
    """Wait until so many records are there; return them, the oldest first."""
    async with asyncio.timeout(10):
        while len(rows := (await running.get("/api/requests"))["requests"]) < count:
            await RealClock().sleep(0.05)
    found: list[dict[str, Any]] = rows[::-1]
    return found


async def test_each_request_leaves_one_record_without_its_words(running: System) -> None:
    await running.swapped("qwen36")
    secret = "xyzzy words of a person"
    words = [{"role": "user", "content": secret}]
    plain = await running.chat("default", messages=words)
    streamed = await running.chat("qwen36", messages=words, stream=True)
    refused = await running.chat("no-such-model", messages=words)
    assert (plain.status_code, streamed.status_code, refused.status_code) == (200, 200, 404)
    rows = await recorded(running, 3)
    assert [row["status"] for row in rows] == [200, 200, 404]
    assert [row["asked"] for row in rows] == ["default", "qwen36", "no-such-model"]
    assert [row["model"] for row in rows] == ["qwen36", "qwen36", None]
    assert [row["error"] for row in rows] == [None, None, "model_not_found"]
    assert [row["streamed"] for row in rows] == [False, True, False]
    assert [row["path"] for row in rows] == ["/v1/chat/completions"] * 3
    assert {row["client"] for row in rows} == {"127.0.0.1"}
    usage = plain.json()["usage"]
    assert rows[0]["tokens_in"] == usage["prompt_tokens"]
    assert rows[0]["tokens_out"] == usage["completion_tokens"]
    assert rows[0]["estimated"] is False
    assert rows[1]["tokens_out"] > 0
    assert rows[1]["bytes_out"] == len(streamed.content)
    assert 0 < rows[1]["ttft_ms"] <= rows[1]["duration_ms"]
    assert len({row["id"] for row in rows}) == 3
    page = (await running.http.get("/metrics")).text
    assert 'spark_control_gateway_requests_total{model="none"' in page
    data = running.parts.boot.data.root
    assert all(b"xyzzy" not in path.read_bytes() for path in data.rglob("*") if path.is_file())


async def test_what_reaches_no_engine_is_recorded_and_counted_too(running: System) -> None:
    """The control process answers one of them itself."""
    paths = ("/v1/models", "/v1/models/none", "/v1/chat/completions", "/v1/nothing")
    answers = [await running.http.get(path) for path in paths]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200, 404, 405, 404]
    rows = await recorded(running, 4)
    assert [row["status"] for row in rows] == statuses
    routes = ["/v1/models", "/v1/models", "/v1/chat/completions", "other"]
    assert [row["path"] for row in rows] == routes
    errors = [None, "model_not_found", "method_wrong", None]
    assert [row["error"] for row in rows] == errors
    assert [row["asked"] for row in rows] == [None, "none", None, None]
    page = (await running.http.get("/metrics")).text
    for route, status in zip(routes, statuses, strict=True):
        labels = f'{{model="none",route="{route}",status="{status}"}}'
        assert f"spark_control_gateway_requests_total{labels} 1.0" in page
