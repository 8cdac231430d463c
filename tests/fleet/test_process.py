"""The serving process: what it loads, how it ends, what it refuses to start on."""

import asyncio
import json
import signal
from pathlib import Path

import httpx

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


async def test_the_server_loads_nothing_that_it_does_not_need() -> None:
    heavy = {"alembic", "typer", "rich", "numpy", "onnxruntime", "httpx", "xllamacpp"}
    program = (
        "import json, sys, spark_control.app.__main__\n"
        f"print(json.dumps(sorted({heavy} & set(sys.modules))))"
    )
    process = await start("-P", "-c", program)
    said, errors = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(said) == [], errors.decode()
