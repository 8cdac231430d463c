"""`spark-control requests` against a real HTTP server."""

import json

import pytest
from typer.testing import CliRunner, Result

from spark_control.cli.main import app, globals_first
from spark_control.requests.domain import Slot, millis
from spark_control.requests.series import span_of
from spark_control.requests.shapes import RequestsShape, render, render_models
from tests.contract.cli.server import Canned, error
from tests.unit.cli import samples
from tests.unit.requests.samples import T0, record

SHAPE = RequestsShape(requests=[render(record(1)), render(record(0))], next=None)


def run(canned: Canned, words: str) -> Result:
    return CliRunner().invoke(
        app, globals_first(words.split()), env={"SPARK_CONTROL_URL": canned.url}
    )


def test_a_table_for_a_person(canned: Canned) -> None:
    canned.on("GET /api/requests", SHAPE)
    result = run(canned, "requests --model qwen36 --status 4xx --since 24h --limit 5")
    assert result.exit_code == 0, result.output
    assert "qwen36" in result.stdout
    [asked] = canned.asked("GET /api/requests")
    assert asked.query == {"model": "qwen36", "status": "4xx", "since": "24h", "limit": "5"}


def test_json_for_a_program(canned: Canned) -> None:
    canned.on("GET /api/requests", SHAPE)
    assert json.loads(run(canned, "requests --json").stdout) == SHAPE.model_dump(mode="json")


def test_a_table_for_a_spreadsheet(canned: Canned) -> None:
    canned.on("GET /api/requests", "id,at\r\nrq_1,x\r\n")
    result = run(canned, "requests --csv --client bench")
    assert result.stdout.splitlines() == ["id,at", "rq_1,x"]
    assert canned.asked("GET /api/requests")[0].query["format"] == "csv"


@pytest.mark.parametrize(
    "words", ["requests --csv --json", "requests --csv --follow", "requests -f --until 1h"]
)
def test_what_does_not_go_together(canned: Canned, words: str) -> None:
    assert run(canned, words).exit_code == 2
    assert canned.seen == []


@pytest.mark.parametrize(("words", "shown"), [("--follow", "qwen36"), ("-f --json", '"rq_1"')])
def test_following_ends_with_what_the_server_says(canned: Canned, words: str, shown: str) -> None:
    canned.on("GET /api/requests", SHAPE)
    refused = error("not_signed_in", "This needs the owner token.")
    canned.on("GET /api/events", refused, status=401)
    result = run(canned, f"requests {words}")
    assert result.exit_code == 4
    assert shown in result.stdout


def test_the_next_page_is_named_and_asked_for(canned: Canned) -> None:
    canned.on("GET /api/requests", SHAPE.model_copy(update={"next": "17.rq_0"}))
    first = run(canned, "requests --until 1h")
    assert "--after 17.rq_0" in first.stderr
    assert "--after" not in run(canned, "requests --after 17.rq_0 --json").stdout
    queries = [dict(one.query) for one in canned.asked("GET /api/requests")]
    assert queries == [{"until": "1h", "limit": "20"}, {"after": "17.rq_0", "limit": "20"}]


def test_sums_by_model(canned: Canned) -> None:
    span = span_of(millis(T0), 3600, 3600)
    slot = Slot(0, 7, 2, 0, 101, {58: 7}, {})
    canned.on("GET /api/requests/models", render_models(3600, span, {"qwen36": slot}))
    result = run(canned, "requests stats --window 7d --client bench")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1].split()[:3] == ["qwen36", "7", "2"]
    [asked] = canned.asked("GET /api/requests/models")
    assert asked.query == {"window": "7d", "client": "bench"}
    assert json.loads(run(canned, "requests stats --json").stdout)["models"][0]["requests"] == 7


def test_the_gateway(canned: Canned) -> None:
    canned.on("GET /api/gateway", samples.gateway())
    assert "Not answering since" in run(canned, "gateway").stdout
    shown = json.loads(run(canned, "gateway --json").stdout)
    assert shown == samples.gateway().model_dump(mode="json")
