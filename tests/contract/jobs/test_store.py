"""What every job store does, over real databases, and how a database is brought up to date."""

import importlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from spark_control.core.sql import DatabaseTrouble, Sql, database_errors, make_engine
from spark_control.jobs.adapters import schema
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.errors import DatabaseNewer
from spark_control.jobs.ports import Asked
from tests.contract.databases import Database

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def job(n: int, target: str = "qwen36", kind: str = "swap") -> Job:
    return Job(f"sw_{n}", kind, target, T0 + timedelta(seconds=n), {"model": target, "host": None})


def ran(done: Job, state: JobState = JobState.DONE) -> Job:
    running = done.advance(JobState.RUNNING, at=T0).enter("loading", at=T0)
    error = {"code": "x", "message": "y"} if state is JobState.FAILED else None
    return running.advance(state, at=T0 + timedelta(seconds=5), error=error)


@pytest.fixture
def store(sql: Sql) -> SqlJobs:
    return SqlJobs(sql)


async def test_a_job_comes_back_as_it_was_saved(store: SqlJobs) -> None:
    for saved in (job(1), ran(job(2)), ran(job(3), JobState.FAILED)):
        await store.save(saved)
        assert await store.get(saved.id) == saved
    assert await store.get("sw_9") is None


async def test_saving_again_replaces(store: SqlJobs) -> None:
    await store.save(job(1))
    await store.save(ran(job(1)))
    assert await store.get("sw_1") == ran(job(1))


async def test_lists(store: SqlJobs) -> None:
    for saved in (
        job(1),
        ran(job(2)),
        ran(job(3), JobState.FAILED),
        ran(job(4)),
        job(5, kind="x"),
    ):
        await store.save(saved)
    newest = await store.newest(Asked(limit=3))
    assert [found.id for found in newest] == ["sw_5", "sw_4", "sw_3"]
    assert [found.id for found in await store.newest(Asked(kind="x", limit=3))] == ["sw_5"]
    assert [found.id for found in await store.unfinished()] == ["sw_1", "sw_5"]
    finished = await store.finished(kind="swap", target="qwen36", limit=9)
    assert [found.id for found in finished] == ["sw_4", "sw_2"]
    assert await store.finished(kind="swap", target="other", limit=9) == []


async def test_writes_are_taken_one_after_the_other(sql: Sql) -> None:
    def add(connection: sa.Connection) -> int:
        connection.execute(sa.insert(schema.jobs).values(
            id=f"j{_count(connection)}", kind="k", target="t", state="queued", args={},
            created_at=T0))  # fmt: skip
        return _count(connection)

    import asyncio

    counts = await asyncio.gather(*(sql.write(add) for _ in range(20)))
    assert counts == list(range(1, 21))


def _count(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(schema.jobs)).scalar_one()


async def test_trouble_of_the_database_is_ours(sql: Sql) -> None:
    def bad(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT * FROM nowhere"))

    with pytest.raises(DatabaseTrouble):
        await sql.read(bad)


def _tables(engine: sa.Engine) -> dict[str, object]:
    inspector = sa.inspect(engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
            sorted((i["name"], tuple(i["column_names"])) for i in inspector.get_indexes(name)),
            inspector.get_pk_constraint(name)["constrained_columns"],
        )
        for name in inspector.get_table_names()
    }


def test_migrations_and_a_new_database_give_the_same(database: Database, tmp_path: Path) -> None:
    engine = database.engine()
    schema.upgrade(engine)
    migrated = _tables(engine)
    with engine.begin() as connection:
        for name in [*reversed([table.name for table in schema.metadata.sorted_tables])]:
            connection.execute(sa.text(f"DROP TABLE {name}"))
        connection.execute(sa.text("DROP TABLE alembic_version"))
    schema.ensure(engine)
    assert _tables(engine) == migrated
    assert list(tmp_path.glob("*.before-*")) == []
    engine.dispose()


def of_0001(engine: sa.Engine) -> None:
    """Make a database as version 0001 left it, with a job in it."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    first = importlib.import_module("spark_control.jobs.adapters.migrations.versions.v0001_jobs")
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            first.upgrade()
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0001')"))
        connection.execute(sa.insert(schema.jobs).values(
            id="sw_1", kind="swap", target="qwen36", state="queued", args={"model": "qwen36"},
            created_at=T0))  # fmt: skip


def tables_in(path: Path) -> set[str]:
    engine = make_engine(f"sqlite:///{path}")
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names


async def test_an_older_database_is_brought_up_to_date(database: Database) -> None:
    engine = database.engine()
    of_0001(engine)
    schema.ensure(engine)
    sql = Sql(engine)
    found = await SqlJobs(sql).get("sw_1")
    assert found == replace(job(1), args={"model": "qwen36"}, created_at=T0)
    assert "swap_lock" in sa.inspect(engine).get_table_names()
    schema.ensure(engine)
    sql.close()


def test_a_copy_of_the_file_is_made_before(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'spark-control.db'}")
    of_0001(engine)
    copy = tmp_path / f"spark-control.db.before-{schema.HEAD}"
    copy.write_text("of an earlier try")
    schema.ensure(engine)
    engine.dispose()
    assert tables_in(copy) == {"jobs", "job_phases", "alembic_version"}
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "swap_lock" in tables_in(tmp_path / "spark-control.db")
    # The copy is a whole database: put in the place of the file it is brought up to date again.
    again = make_engine(f"sqlite:///{copy}")
    schema.ensure(again)
    again.dispose()


def test_an_update_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spark-control.db"
    engine = make_engine(f"sqlite:///{path}")
    of_0001(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TRIGGER stop BEFORE UPDATE ON alembic_version"
                                   " BEGIN SELECT RAISE(ABORT, 'stop'); END"))  # fmt: skip
    with pytest.raises(DatabaseTrouble), database_errors():
        schema.ensure(engine)
    engine.dispose()
    assert tables_in(path) == {"jobs", "job_phases", "alembic_version"}


def test_without_a_copy_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "spark-control.db"
    engine = make_engine(f"sqlite:///{path}")
    of_0001(engine)
    (tmp_path / f"spark-control.db.before-{schema.HEAD}").mkdir()
    with pytest.raises(DatabaseTrouble, match="could not be copied"):
        schema.ensure(engine)
    engine.dispose()
    assert tables_in(path) == {"jobs", "job_phases", "alembic_version"}


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    schema.ensure(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNewer):
        schema.ensure(engine)
    engine.dispose()
