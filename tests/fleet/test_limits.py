"""More requests than an engine takes: they wait in turn, or are told when to try again."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.fleet.system import system

SMALL: dict[str, Any] = {"ENGINE_IN_FLIGHT": "1", "QUEUE_LENGTH": "2", "QUEUE_SHARE": "50"}
"""One runs, and one client may have one place to wait."""


async def test_what_is_too_much_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, **SMALL) as running:
        await running.swapped("qwen36")
        asked = (running.chat("qwen36", stream=True, max_tokens=32) for _ in range(5))
        answers = await asyncio.gather(*asked)
        served = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(served) + len(refused) == 5
        assert len(served) >= 2
        assert all(answer.text.rstrip().endswith("[DONE]") for answer in served)
        _are_told(refused)
        again = await running.chat("qwen36")
        assert again.status_code == 200
        rows = (await running.get("/api/requests"))["requests"]
        assert all(row["queue_ms"] >= 0 for row in rows)


def _are_told(refused: list[httpx.Response]) -> None:
    assert refused
    for answer in refused:
        assert answer.json()["error"]["code"] == "client_busy"
        assert int(answer.headers["retry-after"]) >= 1


async def test_who_waits_too_long_is_told_so(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, **SMALL, QUEUE_WAIT_S="1") as running:
        await running.swapped("qwen36")
        long = {"max_tokens": 1_000_000, "ignore_eos": True, "stream": True, "model": "qwen36"}
        words = {"messages": [{"role": "user", "content": "Go on"}]}
        path = "/v1/chat/completions"
        async with running.http.stream("POST", path, json=long | words) as held:
            assert held.status_code == 200
            pieces = held.aiter_bytes()
            await anext(pieces)
            waited = await running.chat("qwen36")
            assert waited.status_code == 503
            assert waited.json()["error"]["code"] == "waited_too_long"
            assert int(waited.headers["retry-after"]) >= 1
        # The one that ran has left, so there is room.
        assert (await running.chat("qwen36")).status_code == 200
