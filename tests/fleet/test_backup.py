"""A backup of a running system, and what `restore` does with it and with what only looks so."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from spark_control.app.restore import Wish, restore
from spark_control.core.clock import RealClock
from spark_control.settings.adapters.data_dir import UNFINISHED, InstanceLock, prepare
from spark_control.settings.domain import merge
from spark_control.settings.errors import (
    BackupInvalid,
    DataDirNotEmpty,
    DataDirTaken,
    RestoreCut,
)
from tests.fleet.process import SERVE, answers, serving, start
from tests.fleet.system import System, system

RESTORE = ("-P", "-m", "spark_control.app", "restore")
Files = dict[str, bytes]


async def taken(there: System, target: Path) -> Path:
    answer = await there.http.post("/api/backup", json={})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    target.write_bytes(answer.content)  # noqa: ASYNC240 - a small file
    return target


async def restored(*words: str | Path) -> tuple[int, str]:
    process = await start(*RESTORE, *map(str, words))
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, (out + err).decode()


def content(backup: Path) -> Files:
    with tarfile.open(backup) as tar:
        members = [(member.name, tar.extractfile(member)) for member in tar]
        return {name: file.read() for name, file in members if file is not None}


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a backup with settings, a job, a lock and an SSH key in it."""
    folder = tmp_path_factory.mktemp("backup")

    async def make() -> Path:
        async with system(folder, sparks=1) as there:
            await there.get("/api/models")
            await there.swapped("qwen36")
            answer = await there.http.get("/api/settings")
            body = {"version": answer.json()["version"], "values": {"HF_TOKEN": "hf_secret"}}
            assert (await there.http.put("/api/settings", json=body)).status_code == 200
            await there.http.post("/api/swap/lock", json={"holder": "bench", "ttl_s": 600})
            return await taken(there, folder / "b.tar.gz")

    return asyncio.run(make())


def test_it_holds_what_it_says_and_nothing_of_this_run(backup: Path) -> None:
    files = content(backup)
    said = json.loads(files.pop("manifest.json"))
    assert sorted(files) == sorted(row["name"] for row in said["files"])
    assert {"app_settings.json", "spark-control.db", "known_hosts", "ssh/key"} <= set(files)
    assert not {"instance.lock", "instance-id"} & set(files)
    assert b"hf_secret" in files["app_settings.json"]


async def test_one_backup_is_made_at_a_time(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        async with there.parts.backing_up:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(there.parts.backup(), 0.05)
        with await there.parts.backup() as file:
            assert file.seek(0, 2) > 0


async def test_there_and_back(backup: Path, tmp_path: Path) -> None:
    data = tmp_path / "new"
    code, said = await restored(backup, "--data-dir", data)
    assert (code, said.startswith("Restored ")) == (0, True), said
    files = content(backup)
    for name in ("app_settings.json", "known_hosts", "ssh/key", "spark-control.db"):
        assert (data / name).read_bytes() == files[name]
        assert (data / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in data.glob(".*")) == []
    async with serving(*SERVE, DATA_DIR=str(data)) as (_, url):
        await answers(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            (job,) = (await http.get("/api/jobs")).json()["jobs"]
            assert (job["target"], job["state"]) == ("qwen36", "done")
            lock = (await http.get("/api/swap/lock")).json()
            assert lock["holder"] == "bench"
        code, said = await restored(backup, "--data-dir", data, "--replace")
        assert (code, "Another Spark Control (process " in said) == (1, True), said


def put(backup: Path, data: Path, *, replace: bool = False, **variables: str) -> str:
    """Restore in this process."""
    wish = Wish(file=backup, root=data, replace=replace, started=merge(variables, {}))
    return "\n".join(restore(wish, RealClock()))


def test_a_folder_with_something_in_it_is_kept_aside(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "app_settings.json").write_text("mine")
    (tmp_path / "own").mkdir()
    with pytest.raises(DataDirNotEmpty, match="is not empty"):
        put(backup, tmp_path)
    assert (tmp_path / "app_settings.json").read_text() == "mine"
    assert not (tmp_path / "spark-control.db").exists()
    said = put(backup, tmp_path, replace=True)
    (aside,) = tmp_path.glob("before-restore-*")
    assert f"lies in {aside}." in said
    assert (aside / "app_settings.json").read_text() == "mine"
    assert (aside / "own").is_dir()
    assert b"hf_secret" in (tmp_path / "app_settings.json").read_bytes()


def test_a_file_that_a_setting_puts_elsewhere_is_named(backup: Path, tmp_path: Path) -> None:
    said = put(backup, tmp_path, APP_SETTINGS="/elsewhere.json")
    assert f"APP_SETTINGS names another place: put {tmp_path / 'app_settings.json'} there." in said


def test_a_database_elsewhere_and_a_file_do_not_fit(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupInvalid, match="DATABASE_URL is set"):
        put(backup, tmp_path, DATABASE_URL="postgresql+psycopg://x@/y")


def test_a_restore_that_was_cut_off_keeps_the_start_back(backup: Path, tmp_path: Path) -> None:
    (tmp_path / UNFINISHED).write_text("")
    with pytest.raises(RestoreCut, match="only a part of a backup"):
        prepare(tmp_path)
    with pytest.raises(DataDirNotEmpty):
        put(backup, tmp_path)
    put(backup, tmp_path, replace=True)
    prepare(tmp_path)


def packed(target: Path, files: Files, members: Callable[[tarfile.TarFile], None]) -> Path:
    with tarfile.open(target, "w:gz") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        members(tar)
    return target


def nothing(_tar: tarfile.TarFile) -> None:
    return


def link(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("access.json")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(info)


def outside(tar: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("../outside")
    info.size = 1
    tar.addfile(info, io.BytesIO(b"x"))


def retold(files: Files, /, **more: Any) -> Files:
    said = json.loads(files["manifest.json"]) | more
    return {"manifest.json": json.dumps(said).encode()} | {
        name: body for name, body in files.items() if name != "manifest.json"
    }


def listed(files: Files, name: str) -> Files:
    said = json.loads(files["manifest.json"])
    rows = [*said["files"], {"name": name, "size": 1, "sha256": "0" * 64}]
    return retold(files, files=rows)


def other_database(files: Files) -> Files:
    body = b"not a database" * 100
    said = json.loads(files["manifest.json"])
    rows = [row for row in said["files"] if row["name"] != "spark-control.db"]
    digest = hashlib.sha256(body).hexdigest()
    rows.append({"name": "spark-control.db", "size": len(body), "sha256": digest})
    return retold(files, files=rows) | {"spark-control.db": body}


FALSE: list[tuple[str, Callable[[Files], Files], Callable[[tarfile.TarFile], None]]] = [
    ("is damaged", lambda f: f | {"known_hosts": bytes(len(f["known_hosts"]))}, nothing),
    ("is not as its list says", lambda f: f | {"known_hosts": b"x"}, nothing),
    ("is missing", lambda f: {n: b for n, b in f.items() if n != "known_hosts"}, nothing),
    ("does not begin with a list", lambda f: {"x": b"", **f}, nothing),
    ("is not as its list says", lambda f: f, link),
    ("its list does not name", lambda f: f, outside),
    ("belongs in no data directory", lambda f: listed(f, "../outside"), outside),
    ("does not know", lambda f: retold(f, schema="9999"), nothing),
    ("cannot be read", lambda f: f | {"manifest.json": b"{"}, nothing),
    ("Its database is damaged", other_database, nothing),
]  # fmt: skip


@pytest.mark.parametrize(("why", "change", "members"), FALSE)
def test_what_is_false_changes_nothing(
    backup: Path, tmp_path: Path, why: str, change: Callable[[Files], Files],
    members: Callable[[tarfile.TarFile], None],
) -> None:  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    (data / "app_settings.json").write_text("mine")
    false = packed(tmp_path / "false.tar.gz", change(content(backup)), members)
    with pytest.raises(BackupInvalid, match=why):
        put(false, data, replace=True)
    assert sorted(path.name for path in data.iterdir()) == ["app_settings.json", "instance.lock"]
    assert [path.name for path in tmp_path.iterdir() if "outside" in path.name] == []


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.9])
def test_a_file_that_was_cut_changes_nothing(backup: Path, tmp_path: Path, part: float) -> None:
    whole = backup.read_bytes()
    short = tmp_path / "short.tar.gz"
    short.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BackupInvalid, match=r"damaged or no backup|does not begin"):
        put(short, tmp_path / "data")


PACKED = gzip.compress(b"hello", mtime=0)


@pytest.mark.parametrize("what", [b"", b"hello", PACKED, b"\x1f\x8b" * 99])
def test_what_is_no_backup(tmp_path: Path, what: bytes) -> None:
    (tmp_path / "x").write_bytes(what)
    with pytest.raises(BackupInvalid, match=r"damaged or no backup|does not begin"):
        put(tmp_path / "x", tmp_path / "data")


def test_a_lock_of_another_is_named(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    with pytest.raises(DataDirTaken, match=rf"process {os.getpid()}\) uses"):
        put(Path(__file__), tmp_path)
    lock.release()


async def test_a_copy_of_a_database_in_use_is_whole(tmp_path: Path) -> None:
    """What is only in the write-ahead log yet is in the backup too."""
    async with system(tmp_path, sparks=1) as there:
        job = await there.parts.jobs.create(kind="x", prefix="x", target="t", args={})
        backup = await taken(there, tmp_path / "b.tar.gz")
        assert not list((tmp_path / "data").glob(".backup-*"))
    path = tmp_path / "copy.db"
    path.write_bytes(content(backup)["spark-control.db"])
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT id FROM jobs").fetchall() == [(job.id,)]
