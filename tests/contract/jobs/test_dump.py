"""The rows of a database as lines of text, and back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from spark_control.core.sql import DatabaseTrouble, Sql
from spark_control.jobs.adapters import dump
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.exclusion import SWAP, wants
from spark_control.settings.errors import BackupInvalid

T0 = datetime(2026, 1, 1, tzinfo=UTC)
QUEUED = Job("sw_1", SWAP, "qwen36", T0, {"model": "qwen36"})
ENDED = Job("sw_2", SWAP, "größe", T0).advance(JobState.RUNNING, at=T0).enter("loading", at=T0)


async def test_there_and_back(sql: Sql, tmp_path: Path) -> None:
    store, rows = SqlJobs(sql), tmp_path / "rows"
    assert not dump.has_rows(sql.engine)
    await store.create(QUEUED, wants(SWAP, ["spark1"]), None)
    await store.save(ENDED)
    dump.dump_rows(sql.engine, rows)
    dump.check_rows(rows)
    await store.save(Job("sw_3", SWAP, "later", T0))
    dump.load_rows(sql.engine, rows)
    assert dump.has_rows(sql.engine)
    assert [await store.get(one) for one in ("sw_1", "sw_2", "sw_3")] == [QUEUED, ENDED, None]
    again = tmp_path / "again"
    dump.dump_rows(sql.engine, again)
    assert sorted(again.read_text().splitlines()) == sorted(rows.read_text().splitlines())


@pytest.mark.parametrize("line", [
    "{", "1", "null", "{}", '{"table": "x", "row": {}}', '{"table": "jobs", "row": {"x": 1}}',
    '{"table": "jobs", "row": 1}', '{"table": "jobs", "row": {"created_at": "yesterday"}}',
])  # fmt: skip
def test_rows_that_are_none_of_ours(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows").write_text(f"{line}\n")
    with pytest.raises(BackupInvalid):
        dump.check_rows(tmp_path / "rows")


def test_which_kind_is_kept(sql: Sql, tmp_path: Path) -> None:
    file, rows = tmp_path / "file", tmp_path / "rows"
    dump.keep_database(sql.engine, file, rows)
    if sql.engine.dialect.name == "sqlite":
        dump.check_sqlite(file)
        assert (file.stat().st_mode & 0o777, rows.exists()) == (0o600, False)
    else:
        assert (file.exists(), rows.read_text()) == (False, "")


def test_a_database_that_is_gone_cannot_be_kept(sql: Sql, tmp_path: Path) -> None:
    if sql.engine.dialect.name != "sqlite":
        return
    Path(str(sql.engine.url.database)).unlink()
    with pytest.raises(DatabaseTrouble):
        dump.keep_database(sql.engine, tmp_path / "file", tmp_path / "rows")
