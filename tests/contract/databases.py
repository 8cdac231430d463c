"""The databases that the suites of stores run on: SQLite, and PostgreSQL where it is there."""

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa

from spark_control.core.sql import make_engine

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@dataclass(frozen=True, slots=True)
class Database:
    """One empty database."""

    url: str

    def engine(self) -> sa.Engine:
        """Return an engine of its own, as another process would have."""
        return make_engine(self.url)


Open = Callable[[Path], AbstractContextManager[Database]]


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """Give a file."""
    yield Database(f"sqlite:///{folder / 'x.db'}")


@contextmanager
def postgres(_folder: Path) -> Iterator[Database]:
    """Give a database of a server of its own, on a socket that only this user reaches."""
    bin_dir = POSTGRES[-1].parent
    # The path of a socket must be short, and the server's user must be able to walk to it.
    with TemporaryDirectory(prefix="sc-pg-", dir="/tmp") as name:  # noqa: S108
        as_server = _as_server(Path(name))
        data = f"{name}/data"
        _do(*as_server, bin_dir / "initdb", "-D", data, "-U", "sc", "-A", "trust", "--no-sync")
        quick = f"-c listen_addresses='' -c unix_socket_directories={name} -c fsync=off"
        _do(*as_server, bin_dir / "pg_ctl", "-D", data, "-w", "-o", quick, "-l", f"{name}/log",
            "start")  # fmt: skip
        try:
            yield Database(f"postgresql+psycopg://sc@/postgres?host={name}")
        finally:
            _do(*as_server, bin_dir / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _as_server(folder: Path) -> tuple[str, ...]:
    """The server refuses to run as root: then it runs as the user of the package."""
    if os.geteuid() != 0:
        return ()
    _do("chown", "postgres", folder)
    return ("runuser", "-u", "postgres", "--")


def _do(*words: str | Path) -> None:
    subprocess.run(  # noqa: S603
        [str(word) for word in words], check=True, cwd="/", stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def databases() -> list[object]:
    """Return a parameter for each database that can be had here."""
    missing = not POSTGRES or importlib.util.find_spec("psycopg") is None
    skip = pytest.mark.skipif(missing, reason="PostgreSQL or its driver is not there")
    return [pytest.param(sqlite, id="sqlite"), pytest.param(postgres, id="postgres", marks=skip)]
