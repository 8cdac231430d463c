"""The serving process: what it loads, how it ends, what it refuses to start on."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from spark_control.app.demo import end
from spark_control.app.serve import Starting
from spark_control.core.errors import AppError, StorageTrouble
from tests.fleet.process import SERVE, answers, serving, start


async def test_sigterm_ends_endless_streams_and_the_process(tmp_path: Path) -> None:
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        async with (
            httpx.AsyncClient(trust_env=False, timeout=20) as http,
            http.stream("GET", f"{url}/api/events") as events,
        ):
            lines = events.aiter_lines()
            assert await anext(lines) == "event: snapshot"
            process.send_signal(signal.SIGTERM)
            async for _ in lines:
                pass
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_one_instance_per_data_directory(tmp_path: Path) -> None:
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        second = await start(*SERVE, DATA_DIR=str(tmp_path))
        _, said = await asyncio.wait_for(second.communicate(), 20)
        assert second.returncode == 1
        assert f"(process {process.pid}) uses {tmp_path}" in said.decode()
        assert "Traceback" not in said.decode()


async def test_kill_lets_the_data_directory_go(tmp_path: Path) -> None:
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        process.kill()
        await process.wait()
    async with serving(*SERVE, DATA_DIR=str(tmp_path)) as (_, url):
        await answers(url)


async def test_what_cannot_be_started_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "spark-control.db").write_bytes(b"this is no database" * 99)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "access.json").write_text("{")
    for data, words in (
        ("file/below", "cannot be written"),
        ("bad", "database could not be used"),
        ("keys", "access.json cannot be read"),
    ):
        process = await start(*SERVE, DATA_DIR=str(tmp_path / data))
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1, data
        assert words in said.decode()
        assert "Traceback" not in said.decode()


async def ended(*words: str, cwd: Path, **variables: str) -> tuple[int | None, str]:
    """Return how a start ended that was to be refused, and what it said."""
    process = await start(*words, cwd=cwd, **variables)
    out, said = await asyncio.wait_for(process.communicate(), 20)
    assert b"listens on" not in out
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "a b"), "--host: 'a b' is not a host name or address."),
        (("--port", "70000"), "--port: '70000' is not a whole number from 0 to 65535."),
        (("--data-dir", ""), "--data-dir: '' is not a path"),
    ],
)
@pytest.mark.parametrize("verb", ["serve", "demo"])
async def test_a_word_that_does_not_fit(
    tmp_path: Path, verb: str, words: tuple[str, ...], said: str
) -> None:
    line = ("-P", "-m", "spark_control.app", verb, *words)
    status, printed = await ended(*line, cwd=tmp_path, DATA_DIR=str(tmp_path / "data"))
    assert status == 2
    assert said in printed
    assert "Traceback" not in printed
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE_URL": "hunter2"}, "DATABASE_URL is not an address of a database."),
        ({"DATABASE_URL": "postgresql://a:hunter2@b:x/c"}, "DATABASE_URL is not an address"),
        ({"DATABASE_URL": "nosuch://a:hunter2@b/c"}, "DATABASE_URL names a kind of database"),
        ({"DATABASE_URL": "mysql+pymysql://a:hunter2@b/c"}, "needs the Python package 'pymysql'"),
        ({"BIND": "0.0.0.0", "AUTH_TOKEN": "hunter2"}, "AUTH_TOKEN has fewer than 16"),
    ],
)
async def test_a_start_refused_tells_no_secret(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    status, printed = await ended(*SERVE, cwd=tmp_path, DATA_DIR=str(tmp_path), **variables)
    assert status == 1
    assert said in printed
    assert "Traceback" not in printed
    assert "hunter2" not in printed


async def test_files_are_private_in_a_relative_data_directory(tmp_path: Path) -> None:
    async with serving(*SERVE, "--data-dir", "mine", cwd=tmp_path) as (_, url):
        await answers(url)
        paths = [tmp_path / "mine", *(tmp_path / "mine").rglob("*")]
        assert tmp_path / "mine" / "spark-control.db" in paths
        assert [path for path in paths if path.stat().st_mode & 0o077] == []


async def test_a_relative_data_directory_of_the_environment_is_not_taken_and_said(
    tmp_path: Path,
) -> None:
    """It would move with the folder that a start happens in."""
    variables = {"DATA_DIR": "mine", "XDG_DATA_HOME": str(tmp_path / "xdg")}
    async with serving(*SERVE, cwd=tmp_path, **variables) as (process, url):
        await answers(url)
        async with httpx.AsyncClient(trust_env=False) as http:
            rows = (await http.get(f"{url}/api/status")).json()["notices"]
            (problem,) = (await http.get(f"{url}/api/settings")).json()["problems"]
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 10)
    (told,) = [row["message"] for row in rows if row["code"] == "data_dir_ignored"]
    assert str(tmp_path / "xdg" / "spark-control") in told
    assert problem["name"] == "DATA_DIR"
    assert b"setting DATA_DIR" in log
    assert not (tmp_path / "mine").exists()


async def test_an_install_taken_over_says_so(tmp_path: Path) -> None:
    (tmp_path / "connectivity.json").write_text("[]")
    async with serving(*SERVE, DATA_DIR=str(tmp_path), AUTH="token") as (process, url):
        await answers(url)
        process.send_signal(signal.SIGTERM)
        said, _ = await asyncio.wait_for(process.communicate(), 10)
        assert "Apps may use /v1 without a token" in said.decode()


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (None, ["hello", "lifespan.startup.complete", "lifespan.shutdown.complete"]),
        (StorageTrouble("The disk is full."), ["lifespan.startup.failed"]),
    ],
)
async def test_hello_comes_after_the_start(trouble: AppError | None, told: list[str]) -> None:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if trouble is not None:
            raise trouble
        yield

    said: list[str] = []
    asked = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Message:
        return {"type": next(asked)}

    async def send(message: Message) -> None:
        said.append(message["type"])
        assert "message" not in message

    app = Starting(Starlette(lifespan=lifespan), lambda: said.append("hello"))
    await app({"type": "lifespan", "state": {}}, receive, send)
    assert said == told
    assert app.failed is trouble
    assert app.up is (trouble is None)


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with serving(*SERVE, DATA_DIR=str(tmp_path / "a")) as (_, url):
        await answers(url)
        port = url.rpartition(":")[2]
        words = (*SERVE[:-1], port)
        second = await start(*words, DATA_DIR=str(tmp_path / "b"))
        _, said = await asyncio.wait_for(second.communicate(), 20)
        assert second.returncode == 1
        assert f"127.0.0.1:{port} cannot be used" in said.decode()


def holding(folder: Path, text: str) -> list[Path]:
    """Return the files below `folder` that hold `text`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


async def test_an_owner_token_is_shown_once_and_nowhere_else(tmp_path: Path) -> None:
    words = (*SERVE, "--host", "127.0.0.1")
    token = ""
    async with serving(*words, DATA_DIR=str(tmp_path), AUTH="token") as (process, url):
        assert process.stdout is not None
        while not token.startswith("sc_"):
            token = (await asyncio.wait_for(process.stdout.readline(), 10)).decode().strip()
        await answers(url)
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{url}/api/status")).status_code == 401
            signed = {"Authorization": f"Bearer {token}"}
            assert (await http.get(f"{url}/api/status", headers=signed)).status_code == 200
            settings = (await http.get(f"{url}/api/settings", headers=signed)).text
            assert token not in settings
        process.send_signal(signal.SIGTERM)
        rest, errors = await asyncio.wait_for(process.communicate(), 10)
        assert token not in (rest + errors).decode()
    assert holding(tmp_path, token) == []
    async with serving(*words, DATA_DIR=str(tmp_path), AUTH="token") as (process, url):
        await answers(url)
        process.send_signal(signal.SIGTERM)
        rest, _errors = await asyncio.wait_for(process.communicate(), 10)
        assert "sc_" not in rest.decode()
        assert "The owner token is asked for." in rest.decode()


def test_a_lab_that_hangs_is_killed() -> None:
    deaf = (sys.executable, "-c", "import signal; print(1, flush=True); signal.pause()")
    with subprocess.Popen(deaf, stdin=-1, stdout=-1) as lab:  # noqa: S603 - our own words
        assert lab.stdout is not None
        assert lab.stdout.readline() == b"1\n"
        end(lab, within_s=0.01)
        assert lab.returncode == -signal.SIGKILL


# Runs a program of ours as `-m` does, and tells which processes it starts.
COUNTING = """
import runpy, sys
def hook(event, args):
    if event.startswith(("subprocess.", "os.system", "os.posix_spawn", "os.fork", "os.exec")):
        print(f"started: {args}", file=sys.stderr, flush=True)
sys.addaudithook(hook)
module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


async def test_a_start_starts_no_other_process(tmp_path: Path) -> None:
    """Looking for shared libraries would start a compiler."""
    words = ("-P", "-c", COUNTING, *SERVE[2:])
    async with serving(*words, DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert "started" not in errors.decode()
    lab = await start("-P", "-c", COUNTING, "spark_control.lab", "--fault", "help")
    _, errors = await asyncio.wait_for(lab.communicate(), 10)
    assert (lab.returncode, errors) == (0, b"")


async def test_the_server_loads_nothing_that_it_does_not_need() -> None:
    heavy = {"alembic", "typer", "rich", "numpy", "onnxruntime", "httpx", "xllamacpp"}
    program = (
        "import json, sys, spark_control.app.__main__\n"
        f"print(json.dumps(sorted({heavy} & set(sys.modules))))"
    )
    process = await start("-P", "-c", program)
    said, errors = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(said) == [], errors.decode()
