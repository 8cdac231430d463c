"""The databases that the suites of stores run on: SQLite, and PostgreSQL where it is there."""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from spark_control.core.sql import make_engine

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
MISSING = not POSTGRES or importlib.util.find_spec("psycopg") is None


@dataclass(frozen=True, slots=True)
class Database:
    """One database, empty at first."""

    url: str

    def engine(self) -> sa.Engine:
        """Return an engine of its own, as another process would have."""
        return make_engine(self.url)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server on a socket that only this machine reaches; `{}` in its URL is a database."""
    programs = POSTGRES[-1].parent
    # The path of a socket must be short, and the server's user must be able to walk to it.
    with TemporaryDirectory(prefix="sc-pg-", dir="/tmp") as name:
        server = _as_server(Path(name))
        data = f"{name}/data"
        _do(*server, programs / "initdb", "-D", data, "-U", "sc", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={name} -c fsync=off"
        control = (*server, str(programs / "pg_ctl"), "-D", data)
        _do(*control, "-w", "-o", options, "-l", f"{name}/log", "start")
        try:
            yield f"postgresql+psycopg://sc@/{{}}?host={name}"
        finally:
            _do(*control, "-m", "immediate", "stop")


@contextmanager
def postgres(server: str, name: str) -> Iterator[Database]:
    """Give an empty database of the server."""
    engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    yield Database(server.format(name))


def _as_server(folder: Path) -> tuple[str, ...]:
    """Return the words that run the server: it refuses root, so then as its package's user."""
    if os.geteuid() != 0:
        return ()
    _do("chown", "postgres", folder)
    return ("runuser", "-u", "postgres", "--")


def _do(*words: str | Path) -> None:
    subprocess.run(  # noqa: S603
        [str(word) for word in words], check=True, cwd="/", stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
