"""A database that is locked, full, read-only or damaged, and a wall clock that jumps."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from typing_extensions import override

from spark_control.app.compose import compose
from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab.faults import Fault
from spark_control.lab.world import Lab
from tests.fleet.process import SERVE, answers, serving, start
from tests.fleet.system import QUICK, System, boot_of, served, system

HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
LOCK = {"holder": "bench", "ttl_s": 600}


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    """Let another process hold the database for as long as this is open."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 30) == b"held\n"
    try:
        yield
    finally:
        await child.communicate(b"")


def on_connect(there: System, pragma: str) -> None:
    """Let every connection from now on begin with a pragma."""

    def run(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}").close()

    sa.event.listen(there.parts.sql.engine, "connect", run)
    there.parts.sql.engine.dispose()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def until_phase(there: System, job: str, phase: str) -> None:
    async with asyncio.timeout(20):
        while (await there.get(f"/api/swap/{job}"))["phase"] != phase:
            await RealClock().sleep(0.02)


async def test_a_database_that_another_process_holds(tmp_path: Path) -> None:
    """The swap ends truthfully, and its end is stored once the database is free."""
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        on_connect(there, "busy_timeout=100")
        await there.lab.set_fault("spark1", Fault.NEVER_READY)
        job = await there.swap("qwen36")
        await until_phase(there, job["id"], "loading")
        async with held(tmp_path / "data" / "spark-control.db"):
            refused = await there.http.post("/api/swap/lock", json=LOCK)
            assert code(refused) == (507, "database_trouble")
            assert (await there.get("/api/swap/lock"))["holder"] is None  # reads never wait
            await there.lab.clear_fault("spark1", Fault.NEVER_READY)
            ended = await there.ended(job)
            assert (ended["state"], ended["error"]["code"]) == ("failed", "database_trouble")
            shown = await there.get(f"/api/jobs/{job['id']}")
            assert (shown["state"], shown["steps"][-1]["state"]) == ("failed", "failed")
        await there.lab.clear_fault("spark1", Fault.NEVER_READY)
        again = await there.swapped("qwen36")
        assert again["state"] == "ready", again
        stored = await there.parts.jobs.store.get(job["id"])
        assert stored is not None
        assert stored.state == "failed"


async def test_a_database_that_can_only_be_read(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.get("/api/models")
        on_connect(there, "query_only=ON")
        refused = await there.http.post("/api/swap", json={"model": "qwen36"})
        assert code(refused) == (507, "database_trouble")
        assert (await there.get("/api/jobs"))["jobs"] == []
        await there.get("/api/status")


async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """No file of the process may grow any more; later it may again."""
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, hard))
            refused = await http.post("/api/swap/lock", json=LOCK)
            assert code(refused) == (507, "database_trouble")
            assert (await http.get("/api/status")).status_code == 200
            full = await http.post("/api/backup", json={})
            assert code(full)[0] == 507
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            assert (await http.post("/api/swap/lock", json=LOCK)).status_code == 201
        left = await asyncio.to_thread(lambda: list(tmp_path.glob(".backup-*")))
        assert left == []


def cut(path: Path) -> None:
    """Keep the head of the file and spoil the rest."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def other(path: Path) -> None:
    path.write_bytes(b"this is no database" * 500)


@pytest.mark.parametrize("damage", [cut, other])
async def test_a_damaged_database_keeps_the_start_back(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "spark-control.db"
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        process.terminate()
        await process.wait()
    with closing(sqlite3.connect(path)) as there:
        there.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    damage(path)
    again = await start(*SERVE, DATA_DIR=str(tmp_path))
    _, said = await asyncio.wait_for(again.communicate(), 30)
    assert (again.returncode, b"Traceback" in said) == (1, False), said.decode()
    assert b"The database could not be used." in said
    assert b"backup" in said


async def test_a_folder_nobody_can_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("/sys/kernel/spark-control", str(tmp_path / "file")):
        process = await start(*SERVE, DATA_DIR=folder)
        _, said = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, b"cannot be written" in said) == (1, True), said.decode()


class Jumping(RealClock):
    """A clock whose time of day is an hour off at every second look, once it jumps."""

    def __init__(self) -> None:
        self.jumps, self._looks = False, 0

    @override
    def now(self) -> datetime:
        self._looks += 1
        off = timedelta(hours=1) if self.jumps and self._looks % 2 else timedelta()
        return super().now() - off


async def test_a_wall_clock_that_jumps_back_and_forth(tmp_path: Path) -> None:
    key, clock = ensure_key(tmp_path / "data" / "ssh" / "key"), Jumping()
    async with Lab(tmp_path / "lab", authorized_keys=[key], sparks=1, clock=RealClock()) as lab:
        parts = compose(boot_of(lab, tmp_path / "data", {}), clock=clock, limits=QUICK)
        async with (
            served(parts) as url,
            httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
        ):
            there = System(lab, parts, http, url)
            await there.get("/api/models")
            clock.jumps = True
            ended = await there.swapped("qwen36")
            assert ended["state"] == "ready", ended
            assert all(phase["seconds"] >= 0 for phase in ended["phases"])
            assert ended["elapsed_s"] >= 0
            lock = (await http.post("/api/swap/lock", json=LOCK)).json()
            assert 590 < lock["expires_in_s"] <= 600  # by the clock of the database
