"""`spark-control backup` and `restore`: the file, who may read it, what goes wrong."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from spark_control.cli.main import app
from tests.contract.cli.server import Canned, error


def run(canned: Canned, *words: str) -> Result:
    return CliRunner().invoke(app, words, env={"SPARK_CONTROL_URL": canned.url})


def test_the_file_is_its_owners_alone(canned: Canned, tmp_path: Path) -> None:
    canned.on("POST /api/backup", "the backup")
    file = tmp_path / "b.tar.gz"
    result = run(canned, "backup", str(file))
    assert (result.exit_code, "10 bytes" in result.output) == (0, True), result.output
    assert file.read_text() == "the backup"
    assert file.stat().st_mode & 0o777 == 0o600
    assert canned.asked("POST /api/backup")[0].body == {}
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar.gz"]


def test_a_file_that_is_there_stays_unless_forced(canned: Canned, tmp_path: Path) -> None:
    canned.on("POST /api/backup", "new")
    file = tmp_path / "b.tar.gz"
    file.write_text("old")
    refused = run(canned, "backup", str(file))
    assert (refused.exit_code, file.read_text()) == (6, "old")
    assert canned.seen == []
    result = run(canned, "--json", "backup", str(file), "--force")
    assert json.loads(result.output) == {"file": str(file), "bytes": 3}
    assert file.read_text() == "new"


def test_what_the_server_refuses_leaves_no_file(canned: Canned, tmp_path: Path) -> None:
    body = error("backup_failed", "The backup could not be written: No space left on device.")
    canned.on("POST /api/backup", body, status=507)
    result = run(canned, "backup", str(tmp_path / "b"))
    assert (result.exit_code, "No space left" in result.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(canned: Canned, tmp_path: Path) -> None:
    canned.on("POST /api/backup", "x")
    result = run(canned, "backup", str(tmp_path / "no" / "b"))
    assert (result.exit_code, "cannot be written" in result.output) == (1, True)


def test_a_restore_wants_a_file_that_is_there(canned: Canned, tmp_path: Path) -> None:
    result = run(canned, "restore", str(tmp_path / "none"))
    assert (result.exit_code, "does not exist" in result.output) == (2, True)
