"""What `/api/gateway` says, over the whole app."""

import asyncio
from pathlib import Path
from typing import Any

from spark_control.core.clock import RealClock
from spark_control.core.tasks import Tasks
from tests.fleet.system import System, system
from tests.service.engines.small import models, says, small_engine

CHAT = "/v1/chat/completions"


async def answered(there: System) -> None:
    answer = await there.http.post(CHAT, json={"model": "fast"})
    assert answer.status_code == 200, answer.text


async def seen(there: System, wanted: str, value: object) -> dict[str, Any]:
    """Return the answer once one of its fields is `value`."""
    async with asyncio.timeout(10):
        while (found := await there.get("/api/gateway"))[wanted] != value:
            await RealClock().sleep(0.02)
        return dict(found)


async def test_where_names_go_what_runs_and_what_has_gone(tmp_path: Path) -> None:
    held = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        await says({"ok": 1})(reader, writer)

    paths = {"/health": says(b""), "/v1/models": models("model", "org/model"), CHAT: slow}
    async with system(tmp_path, sparks=1, ALIASES='{"fast": "model", "old": "gone"}') as there:
        slot = there.parts.engines.slots()["spark1"]
        async with small_engine(paths, slot.host, slot.port):
            await there.parts.engines.refresh("spark1")
            await there.parts.gateway.settle()
            asked = Tasks("test").spawn(answered(there), name="chat")
            found = await seen(there, "running", 1)
            place = next(one for one in found["places"] if one["name"] == "spark1")
            held.set()
            await asked
            after = await seen(there, "running", 0)
        await there.parts.engines.refresh("spark1")
        gone = await there.get("/api/gateway")

    assert place | {"since": None} == {
        "name": "spark1", "kind": "engine", "capability": "chat",
        "base_url": f"{slot.base_url}/v1", "models": ["model", "org/model"], "state": "serving",
        "since": None, "running": 1,
    }  # fmt: skip
    assert after["aliases"] == [
        {"name": "fast", "model": "model", "to": ["spark1"], "shadowed": False},
        {"name": "old", "model": "gone", "to": [], "shadowed": False},
    ]
    assert after["limits"]["queue_wait_s"] == 60
    last = next(one for one in gone["places"] if one["name"] == "spark1")
    assert last["since"] >= place["since"]
