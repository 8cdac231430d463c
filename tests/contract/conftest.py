"""The databases that stores are tested on."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from spark_control.core.sql import Sql
from spark_control.jobs.adapters.schema import ensure
from tests.contract.databases import MISSING, Database, postgres, postgres_server

WITHOUT = pytest.mark.skipif(MISSING, reason="PostgreSQL or its driver psycopg is not there")


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, Iterator[int]]]:
    """Run one PostgreSQL for all tests, and number its databases."""
    with postgres_server() as url:
        yield url, count()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=WITHOUT)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database."""
    if request.param == "sqlite":
        yield Database(f"sqlite:///{tmp_path / 'x.db'}")
        return
    url, numbers = request.getfixturevalue("server")
    with postgres(url, f"t{next(numbers)}") as found:
        yield found


@pytest.fixture
def sql(database: Database) -> Iterator[Sql]:
    """Give a database with our tables."""
    sql = Sql(database.engine())
    ensure(sql.engine)
    yield sql
    sql.close()
