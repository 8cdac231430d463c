"""`spark-control engines` and `models import` against a real HTTP server."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spark_control.cli.main import app, globals_first
from tests.contract.cli.server import Canned, error

OURS: dict[str, object] = {
    "spark": "spark1", "host": "10.88.0.11", "port": 8888, "state": "serving",
    "served": ["qwen36"], "ours": "yes", "kind": "container", "name": "vllm_node", "pid": 7,
    "confirm": "vllm_node", "since": "2026-01-01T10:00:00.000Z", "command": ["vllm", "serve"],
    "restarts": False, "unit": "", "problems": [],
}  # fmt: skip
THEIRS = OURS | {
    "spark": "spark2", "ours": "no", "kind": "process", "name": "llama-server", "pid": 4711,
    "confirm": "4711", "served": ["their/model"], "command": ["llama-server", "-m", "x.gguf"],
    "unit": "llama.service", "problems": ["docker could not be asked"],
}  # fmt: skip
ABSENT = OURS | {
    "spark": "spark3", "state": "absent", "ours": None, "kind": None, "name": "", "pid": None,
    "confirm": "", "since": None, "served": [], "command": [],
}  # fmt: skip
UNSEEN = ABSENT | {"spark": "spark4", "state": "serving", "kind": "unknown", "ours": "no"}
ALL = {"engines": [OURS, THEIRS, ABSENT, UNSEEN]}


def run(canned: Canned, words: str, *, stdin: str | None = None) -> Result:
    return CliRunner().invoke(
        app, globals_first(words.split()), input=stdin, env={"SPARK_CONTROL_URL": canned.url}
    )


@pytest.mark.parametrize("words", ["engines", "engines list"])
def test_the_list(canned: Canned, words: str) -> None:
    canned.on("GET /api/engines", ALL)
    result = run(canned, words)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    since = "2026-01-01 10:00:00"
    assert f"spark1 8888 serving qwen36 ours container vllm_node {since}" in lines
    seen = f"spark2 8888 serving their/model not ours process 4711 (llama-server) {since}"
    assert seen in lines
    assert "spark3 8888 absent - - - -" in lines
    assert "spark4 8888 serving - not ours cannot be told -" in lines
    assert "spark2: docker could not be asked" in lines
    assert "take-over SPARK" in lines[-1]
    assert json.loads(run(canned, f"{words} --json").stdout) == ALL


def test_without_sparks(canned: Canned) -> None:
    canned.on("GET /api/engines", {"engines": []})
    assert "no Spark" in run(canned, "engines").stdout


def test_taking_over(canned: Canned) -> None:
    canned.on("POST /api/engines/spark2/take-over", THEIRS | {"ours": "adopted"})
    result = run(canned, "engines take-over spark2 --lock-token sc_1")
    assert result.stdout.startswith("Taken over: process 4711 (llama-server).")
    seen = canned.asked("POST /api/engines/spark2/take-over")[0]
    assert seen.headers["x-lock-token"] == "sc_1"
    assert json.loads(run(canned, "engines take-over spark2 --json").stdout)["ours"] == "adopted"
    canned.on("POST /api/engines/spark2/take-over", error("swap_locked", "Held."), status=423)
    assert run(canned, "engines take-over spark2").exit_code == 6


def test_stopping_shows_it_and_asks_first(canned: Canned) -> None:
    canned.on("GET /api/engines", ALL).on("POST /api/engines/spark2/stop", ABSENT)
    no = run(canned, "engines stop spark2", stdin="n\n")
    assert (no.exit_code, canned.asked("POST /api/engines/spark2/stop")) == (1, [])
    assert "llama-server -m x.gguf" in no.stderr
    assert "may start it again" in no.stderr
    yes = run(canned, "engines stop spark2", stdin="y\n")
    assert "Stopped 4711 on spark2." in yes.stdout
    assert run(canned, "engines stop spark2 --confirm 4711").exit_code == 0
    bodies = [one.body for one in canned.asked("POST /api/engines/spark2/stop")]
    assert bodies == [{"confirm": "4711"}] * 2


def test_stopping_a_container_says_what_goes(canned: Canned) -> None:
    canned.on("GET /api/engines", ALL)
    assert "container is removed" in run(canned, "engines stop spark1", stdin="n\n").stderr


def test_nothing_to_stop(canned: Canned) -> None:
    canned.on("GET /api/engines", ALL)
    for spark in ("spark3", "spark4", "spark9"):
        assert run(canned, f"engines stop {spark}").exit_code == 5
    assert run(canned, "engines stop spark2 --json").exit_code == 2


IMPORTED = {
    "dry_run": False,
    "imported": [{
        "recipe": {"key": "example", "repo": "org/example", "local_path": None, "mode": "solo"},
        "left_out": [{"field": "build_args", "reason": "It is not used here."}],
    }],
    "refused": [],
}  # fmt: skip
REFUSED = {
    "dry_run": True, "imported": IMPORTED["imported"],
    "refused": [{"name": "Other", "field": "command", "reason": "The command is no `vllm serve`."},
                {"name": "Third", "field": "", "reason": "No."}],
}  # fmt: skip


def test_import(canned: Canned, tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("name: a\n")
    two.write_text("name: b\n")
    canned.on("POST /api/models/import", IMPORTED)
    result = run(canned, f"models import {one}")
    assert result.exit_code == 0
    assert "Imported example (org/example, solo)\n" in result.stdout
    assert "left out: build_args: It is not used here." in result.stdout
    canned.on("POST /api/models/import", IMPORTED, REFUSED)
    some = run(canned, f"models import {one} {two} --dry-run --replace")
    assert some.exit_code == 1
    assert "Would import example" in some.stdout
    assert "! Not imported: Other (command): The command is no `vllm serve`." in some.stdout
    assert "! Not imported: Third: No." in some.stdout
    body = {"text": "name: b\n", "dry_run": True, "replace": True}
    assert canned.asked("POST /api/models/import")[-1].body == body
    canned.on("POST /api/models/import", IMPORTED, REFUSED)
    printed = json.loads(run(canned, f"models import {one} {two} --json").stdout)
    assert (len(printed["imported"]), len(printed["refused"])) == (2, 2)


def test_a_file_that_is_no_text(canned: Canned, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xff\xfe")
    assert run(canned, f"models import {file}").exit_code == 2
    assert canned.seen == []
