"""The swap lock from the API down to the Spark."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from spark_control.core.secret import Secret, digest
from spark_control.core.shell import Command
from spark_control.jobs.adapters.schema import swap_lock
from spark_control.lab.faults import Fault
from tests.fleet.system import System, system

BENCH = {"holder": "nightly-bench", "reason": "measuring", "ttl_s": 600}


async def lock(
    there: System, method: str, body: Mapping[str, object] | None = None, *, token: str = ""
) -> httpx.Response:
    headers = {"X-Lock-Token": token} if token else {}
    return await there.http.request(method, "/api/swap/lock", headers=headers, json=body)


async def break_lock(there: System, **body: str) -> httpx.Response:
    return await there.http.post("/api/swap/lock/break", json=body)


async def ask(there: System, model: str, token: str = "") -> httpx.Response:
    headers = {"X-Lock-Token": token} if token else {}
    return await there.http.post("/api/swap", json={"model": model}, headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def on_spark(there: System, *words: str) -> str:
    host = there.parts.fleet.host("spark1")
    return (await host.run(Command.of("sh", "-c", *words), timeout_s=10)).stdout


async def test_only_the_holder_swaps(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        assert await there.get("/api/swap/lock") == {"holder": None}
        assert (await there.get("/api/status"))["lock"] == {"holder": None}
        taken = await lock(there, "POST", BENCH)
        assert taken.status_code == 201
        mine = taken.json()
        token = mine.pop("token")
        assert (mine["holder"], mine["reason"], mine["fence"]) == ("nightly-bench", "measuring", 1)
        for shown in (await there.get("/api/swap/lock"), (await there.get("/api/status"))["lock"]):
            assert {**shown, "expires_in_s": 0} == {**mine, "expires_in_s": 0}

        refused = await ask(there, "qwen36")
        assert code(refused) == (423, "swap_locked")
        assert refused.json()["error"]["detail"] == {
            "holder": "nightly-bench", "reason": "measuring", "expires_at": mine["expires_at"],
        }  # fmt: skip
        assert 0 < int(refused.headers["retry-after"]) <= 600
        assert code(await ask(there, "qwen36", "sc_wrong")) == (423, "swap_locked")
        assert (await there.get("/api/jobs"))["jobs"] == []

        started = await ask(there, "qwen36", token)
        assert started.status_code == 202
        assert (await there.ended(started.json()))["state"] == "ready"
        # Also who wants the same as what runs, or ran, does not get past it.
        assert code(await ask(there, "qwen36")) == (423, "swap_locked")

        assert code(await lock(there, "DELETE", token="sc_wrong")) == (423, "swap_locked")
        assert code(await lock(there, "DELETE")) == (423, "swap_locked")
        released = await lock(there, "DELETE", token=token)
        assert (released.status_code, released.json()) == (200, {"holder": None})
        assert code(await lock(there, "DELETE", token=token)) == (409, "lock_not_held")
        assert code(await ask(there, "qwen36", token)) == (409, "lock_not_held")
        assert (await there.swapped("gpt-oss-120b"))["state"] == "ready"


async def test_renewing_and_wrong_bodies(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        first = (await lock(there, "POST", BENCH)).json()
        again = await lock(there, "POST", {**BENCH, "holder": "somebody"})
        assert code(again) == (423, "swap_locked")
        renewed = await lock(there, "POST", {"ttl_s": 3600}, token=first["token"])
        assert renewed.status_code == 200
        assert renewed.json()["token"] == first["token"]
        assert renewed.json()["expires_at"] > first["expires_at"]
        assert renewed.json()["fence"] == first["fence"]
        assert code(await lock(there, "POST", token="sc_wrong")) == (423, "swap_locked")
        bodies: tuple[Mapping[str, object], ...] = (
            {"holder": "", "ttl_s": 60}, {"holder": "x" * 65, "ttl_s": 60},
            {"holder": "a\nb", "ttl_s": 60}, {"holder": "a", "ttl_s": 0},
            {"holder": "a", "ttl_s": 10**9}, {"holder": "a", "ttl_s": 60, "token": "mine"},
        )  # fmt: skip
        for body in bodies:
            wrong = await there.http.post("/api/swap/lock", json=body)
            assert code(wrong) == (400, "body_invalid")
        for part in ({"holder": "a"}, {"ttl_s": 60}, {}, None):
            assert code(await lock(there, "POST", part)) == (400, "lock_wish_incomplete")


async def test_it_is_no_swap_of_that_name(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        assert code(await there.http.get("/api/swap/lick")) == (404, "swap_unknown")
        assert (await there.http.get("/api/swap/lock")).json() == {"holder": None}
        assert code(await lock(there, "DELETE")) == (409, "lock_not_held")


async def test_an_operator_breaks_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with system(tmp_path, sparks=1) as there:
        heard = there.parts.bus.subscribe("lock")
        wrong = await break_lock(there, reason="on holiday")
        assert code(wrong) == (409, "lock_not_held")
        token = (await lock(there, "POST", BENCH)).json()["token"]
        assert code(await break_lock(there)) == (400, "body_invalid")
        broken = await break_lock(there, reason="on holiday")
        assert (broken.status_code, broken.json()) == (200, {"holder": None})
        assert "swap lock of nightly-bench broken: on holiday" in caplog.text
        assert code(await lock(there, "POST", token=token)) == (409, "lock_not_held")
        assert (await heard.__anext__()).data == {"holder": None}  # the newest of two changes
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_a_lock_taken_meanwhile_ends_a_swap_before_anything_is_stopped(
    tmp_path: Path,
) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.swapped("qwen36")
        await there.lab.set_fault("spark1", Fault.SLOW, "0.5")
        job = await there.swap("gpt-oss-120b")
        await lock(there, "POST", BENCH)
        ended = await there.ended(job)
        assert (ended["state"], ended["phase"]) == ("failed", "stopping")
        assert ended["error"]["code"] == "lock_lost"
        assert ended["error"]["detail"]["holder"] == "nightly-bench"
        await there.lab.clear_fault("spark1", Fault.SLOW)
        assert [one["model"] for one in (await there.get("/api/status"))["loaded"]] == ["qwen36"]


async def test_the_fence_reaches_the_spark(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        for number in (1, 2):
            token = (await lock(there, "POST", BENCH)).json()["token"]
            ended = await there.ended((await ask(there, "qwen36", token)).json())
            assert ended["state"] == "ready"
            seen = await on_spark(there, 'cat "$HOME"/.spark-control/swap.fence-*')
            assert seen == f"{number}\n"
            await lock(there, "DELETE", token=token)
        # As if another process, with the newer lock, had launched what runs there now.
        await on_spark(there, 'echo 9 | tee "$HOME"/.spark-control/swap.fence-*')
        ended = await there.swapped("gpt-oss-120b")
        assert (ended["state"], ended["error"]["code"]) == ("failed", "launch_fenced")
        script = await on_spark(there, 'tail -n 1 "$HOME"/.spark-control/launch-vllm_node.sh')
        assert script.startswith("vllm serve ")
        labels = await on_spark(there, "docker ps -a --format '{{.Labels}}'")
        assert "gpt-oss" not in labels


async def test_its_end_is_told_and_frees_it(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await lock(there, "POST", BENCH)
        past = sa.update(swap_lock).values(until=sa.func.current_timestamp())
        await there.parts.sql.write(lambda c: c.execute(past).rowcount)
        heard = there.parts.bus.subscribe("lock")
        await there.parts.locks.look()
        assert (await heard.__anext__()).data == {"holder": None}
        assert (await there.swapped("qwen36"))["state"] == "ready"


async def test_the_token_is_kept_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with system(tmp_path, sparks=1) as there:
        token = (await lock(there, "POST", BENCH)).json()["token"]
        await there.ended((await ask(there, "qwen36", token)).json())
        await lock(there, "DELETE", token="sc_wrong_one")
        events = json.dumps([dict(one.data) for one in there.parts.bus.since(first(there)) or ()])
        assert token not in events
        assert token not in caplog.text
    kept = (tmp_path / "data").rglob("*")
    files = [path.read_bytes() for path in kept if path.is_file()]
    assert not any(token.encode() in content for content in files)
    assert any(digest(token).encode() in content for content in files)
    assert token not in repr(Secret(token))


def first(there: System) -> str:
    return f"{there.parts.bus.boot}-0"


async def test_a_door_that_asks_for_the_owner_asks_here_too(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, AUTH="token", AUTH_TOKEN="t" * 40) as there:
        assert code(await there.http.get("/api/swap/lock")) == (401, "not_signed_in")
        assert code(await lock(there, "POST", BENCH)) == (401, "not_signed_in")
        signed = {"Authorization": f"Bearer {'t' * 40}"}
        taken = await there.http.post("/api/swap/lock", json=BENCH, headers=signed)
        assert taken.status_code == 201
