"""The two processes: streams outlive the control process, and neither leaves the other behind."""

import asyncio
import json
import signal
from pathlib import Path

import httpx

from spark_control.core.clock import RealClock
from spark_control.gateway.adapters.worker_processes import tell, there
from tests.fleet.held_stream import ASKED, CHAT, held_stream, serves_m
from tests.fleet.process import SERVE, answers, serving, start


async def test_a_stream_outlives_the_control_process(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with (
        held_stream(go, tmp_path) as variables,
        serving(*SERVE, cwd=None, **variables) as (process, url),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http,
    ):
        await serves_m(url)
        (worker,) = there(tmp_path / "run")
        async with http.stream("POST", CHAT, json=ASKED) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "data: 1"
            process.kill()
            await process.wait()
            away = await http.get("/api/status")
            assert (away.status_code, away.json()["error"]["code"]) == (503, "control_away")
            assert (await http.get("/v1/models")).status_code == 200
            async with serving(*SERVE, cwd=None, **variables) as (again, found):
                assert found == url
                await answers(url)
                assert there(tmp_path / "run") == [worker]
                go.set()
                assert [line async for line in lines if line] == ["data: [DONE]"]
                again.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(again.wait(), 30) == 0
        assert there(tmp_path / "run") == []


async def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    async with serving(*SERVE, "--workers", "2", DATA_DIR=str(tmp_path)) as (process, url):
        await answers(url)
        before = there(tmp_path / "run")
        assert len(before) == 2
        tell(before[0], signal.SIGKILL)
        async with asyncio.timeout(30):
            while before[0] in (now := there(tmp_path / "run")) or len(now) < 2:
                await RealClock().sleep(0.05)
        assert before[1] in now
        await answers(url)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert there(tmp_path / "run") == []


async def test_a_worker_loads_nothing_that_it_does_not_need() -> None:
    heavy = {
        "asyncssh", "fastapi", "httpcore", "httpx", "pydantic", "rich", "sqlalchemy", "starlette",
        "typer", "uvicorn", "yaml",
    }  # fmt: skip
    program = (
        "import json, sys, spark_control.gateway.worker.__main__\n"
        f"print(json.dumps(sorted({heavy} & set(sys.modules))))"
    )
    process = await start("-P", "-c", program)
    said, errors = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(said) == [], errors.decode()
