"""`python -m spark_control.lab`: one line when ready, and nothing left however it ends."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from spark_control.lab.errors import LabBusy
from spark_control.lab.world import Lab
from tests.contract.lab.near import KEY, PUBLIC, survivors, until

QUICK = ("--engine", "scripted", "--pace", "0", "--only-models", "smollm2", "--sparks", "1")
PROGRAM = (sys.executable, "-m", "spark_control.lab")


@asynccontextmanager
async def started(state: Path, *words: str) -> AsyncIterator[tuple[Process, dict[str, object]]]:
    key = state.with_suffix(".pub")
    key.write_text(PUBLIC)
    given = ("--state-dir", str(state), "--authorized-key", str(key), *QUICK, *words)
    source = str(Path(__file__).parents[3] / "src")
    lab = await asyncio.create_subprocess_exec(
        *PROGRAM, *given, stdin=PIPE, stdout=PIPE, env={"PYTHONPATH": source}
    )
    assert lab.stdout is not None
    try:
        line = await asyncio.wait_for(lab.stdout.readline(), 20)
        yield lab, json.loads(line)
    finally:
        if lab.returncode is None:
            lab.kill()
        await lab.communicate()


async def with_engine(told: dict[str, object]) -> None:
    """Start a container that would live for ever."""
    sparks = told["sparks"]
    assert isinstance(sparks, list)
    one = sparks[0]
    known = asyncssh.import_known_hosts(f"[{one['host']}]:{one['port']} {one['host_key']}\n")
    async with await asyncssh.connect(
        one["host"], one["port"], config=None, client_keys=[KEY], known_hosts=known
    ) as connection:
        done = await connection.run("docker run -d vllm-node sleep infinity")
        assert done.exit_status == 0


async def test_it_says_where_its_sparks_are_and_ends_when_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with started(state) as (lab, told):
        assert told["engine"] == "scripted"
        assert told["notes"] == []
        await with_engine(told)
        assert survivors(state)
        lab.terminate()
        assert await asyncio.wait_for(lab.wait(), 10) == 0
    assert survivors(state) == []


async def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with started(state, "--with-parent") as (lab, told):
        await with_engine(told)
        assert lab.stdin is not None
        lab.stdin.close()
        assert await asyncio.wait_for(lab.wait(), 10) == 0
    assert survivors(state) == []


async def test_killed_it_leaves_no_engine(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with started(state) as (lab, told):
        await with_engine(told)
        lab.send_signal(signal.SIGKILL)
        await lab.wait()
        await until(lambda: survivors(state) == [])


async def test_the_next_lab_cleans_up_and_keeps_the_host_key(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Lab(state, authorized_keys=[PUBLIC], sparks=1, models=[]) as lab:
        kept = lab.sparks[0].host_key
        with pytest.raises(LabBusy):
            async with Lab(state, authorized_keys=[PUBLIC], sparks=1, models=[]):
                pass
    stray = await asyncio.create_subprocess_exec(
        "sleep", "1000", env={"SPARK_LAB": f"{state.resolve()}/spark1/"}
    )
    async with Lab(state, authorized_keys=[PUBLIC], sparks=1, models=[]) as lab:
        assert lab.sparks[0].host_key == kept
        assert await asyncio.wait_for(stray.wait(), 5) == -signal.SIGKILL


async def test_two_labs_have_addresses_of_their_own(tmp_path: Path) -> None:
    async with (
        Lab(tmp_path / "a", authorized_keys=[PUBLIC], models=[]) as one,
        Lab(tmp_path / "b", authorized_keys=[PUBLIC], models=[]) as two,
    ):
        hosts = [spark.host for lab in (one, two) for spark in lab.sparks]
    assert len(set(hosts)) == 4


async def test_sixty_four_sparks(tmp_path: Path) -> None:
    async with Lab(tmp_path, authorized_keys=[PUBLIC], sparks=64, models=[]) as lab:
        assert len({spark.host for spark in lab.sparks}) == 64
        assert len({spark.host_key for spark in lab.sparks}) == 64


async def run(*words: str) -> tuple[int | None, str, str]:
    source = str(Path(__file__).parents[3] / "src")
    done = await asyncio.create_subprocess_exec(
        *PROGRAM, *words, stdout=PIPE, stderr=PIPE, env={"PYTHONPATH": source}
    )
    out, err = await asyncio.wait_for(done.communicate(), 20)
    return done.returncode, out.decode(), err.decode()


async def test_help_on_faults_and_wrong_words(tmp_path: Path) -> None:
    status, out, _ = await run("--fault", "help")
    assert (status, "never-ready" in out) == (0, True)
    status, _, err = await run("--state-dir", str(tmp_path))
    assert (status, "--authorized-key" in err) == (2, True)
    key = tmp_path / "key.pub"
    key.write_text(PUBLIC)
    given = ("--state-dir", str(tmp_path / "s"), "--authorized-key", str(key))
    status, _, err = await run(*given, "--fault", "gremlins@spark1")
    assert (status, "`--fault help` lists the faults" in err) == (1, True)
