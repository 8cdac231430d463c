"""Mixed load while engines restart, models are swapped, and processes are killed.

A slice of it runs with all tests; `make soak` runs it for half an hour.
"""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab.world import Lab
from tests.soak.crowd import SHAKY, STEADY, Crowd
from tests.soak.plane import Plane, Weight, plane, weight
from tests.soak.steady import Steady
from tests.soak.tally import Tally
from tests.until import until

MODELS = {"qwen36": "Qwen/Qwen3.6-35B-A3B-FP8", "gpt-oss-120b": "openai/gpt-oss-120b"}
SETTLED_S = 30.0
GROWTH_MB = 16.0
FILES = 3
"""Files and sockets that may be open more than at the start: a log turned, a database's."""


@asynccontextmanager
async def serving(tmp: Path, steady: Steady, shaky: Steady) -> AsyncIterator[Plane]:
    """Run everything over a lab of one Spark and two outside servers."""
    key = ensure_key(tmp / "key")
    places = [
        {"name": name, "base_url": f"http://127.0.0.1:{server.port}", "models": [name]}
        for name, server in ((STEADY, steady), (SHAKY, shaky))
    ]
    async with Lab(
        tmp / "lab", authorized_keys=[key], sparks=1, engine="scripted",
        models=list(MODELS.values()), pace=0.0, clock=RealClock(),
    ) as lab:  # fmt: skip
        spark = lab.sparks[0]
        variables = {
            "SSH_KEY_PATH": str(tmp / "key"), "SPARK1_HOST": spark.host,
            "SPARK1_PORT": str(spark.port), "SPARK1_USER": spark.user,
            "UPSTREAMS": json.dumps(places),
        }  # fmt: skip
        async with plane(tmp / "data", variables) as found:
            yield found


class Acts:
    """What happens to the system while the crowd is there."""

    def __init__(self, found: Plane, shaky: Steady, tally: Tally, http: httpx.AsyncClient) -> None:
        self._plane = found
        self._shaky = shaky
        self._tally = tally
        self._http = http
        self.swaps = 0

    async def shake(self) -> None:
        """Take an engine away and bring it back."""
        await self._shaky.stop()
        await RealClock().sleep(0.3)
        await self._shaky.start()

    async def swap(self) -> None:
        """Swap to the model that is not loaded."""
        model = list(MODELS)[self.swaps % 2]
        answer = await self._http.post("/api/swap", json={"model": model})
        assert answer.status_code == 202, answer.text
        path = f"/api/swap/{answer.json()['id']}"
        async with asyncio.timeout(60):
            while (job := (await self._http.get(path)).json())["ended_at"] is None:
                await RealClock().sleep(0.1)
        assert job["state"] == "ready", job
        self.swaps += 1

    async def kill_worker(self) -> None:
        self._tally.kills.append(await self._plane.kill_worker())

    async def kill_control(self) -> None:
        self._tally.kills.append(await self._plane.kill_control())


async def test_nothing_is_lost_and_nothing_leaks(tmp_path: Path, soak_s: float) -> None:
    steady, shaky, tally = Steady(), Steady(), Tally()
    await steady.start()
    await shaky.start()
    async with serving(tmp_path, steady, shaky) as found:
        url = f"http://127.0.0.1:{found.port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            acts = Acts(found, shaky, tally, http)
            await acts.swap()
            control, worker = weight(found.control), weight(found.worker)
            crowd = Crowd(found.port, tuple(MODELS), tally)
            crowd.come()
            await _while_processes_die(acts, soak_s / 2)
            heavy = [weight(found.control), weight(found.worker)]
            await _while_engines_come_and_go(acts, soak_s / 2)
            grown = [weight(found.control), weight(found.worker)]
            await crowd.go()
        _flat(heavy, grown)
        await until(lambda: steady.active == shaky.active == 0)
        await _as_before(found.worker, worker)
        await _as_before(found.control, control)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            await _recorded(http, tally)
            await _nobody_left(http)
        await found.down()
    await steady.stop()
    await shaky.stop()
    kinds = Counter(one.kind for one in tally.tries)
    said = f"{dict(kinds)}, {crowd.pages} pages, {acts.swaps} swaps, {len(tally.kills)} kills"
    print(f"{said}, {tally.outlived()} streams outlived control, {heavy} -> {grown}")  # noqa: T201
    assert tally.incomplete() == []
    assert tally.outlived()
    assert {one.status for one in tally.tries} <= {0, 200, 502, 503, 504}  # 0: it broke off
    assert any(one.kind == "loaded" and one.status == 200 for one in tally.tries)
    assert all(kinds[kind] for kind in ("stream", "plain", "leaves", "shaky", "loaded"))


async def _while_processes_die(acts: Acts, seconds: float) -> None:
    until_s = RealClock().monotonic() + seconds
    while True:
        for act in (acts.kill_worker, acts.shake, acts.kill_control, acts.swap):
            await RealClock().sleep(1.0)
            await act()
        if RealClock().monotonic() >= until_s:
            return


async def _while_engines_come_and_go(acts: Acts, seconds: float) -> None:
    until_s = RealClock().monotonic() + seconds
    while RealClock().monotonic() < until_s:
        for act in (acts.shake, acts.swap):
            await RealClock().sleep(1.0)
            await act()


def _flat(before: list[Weight], after: list[Weight]) -> None:
    """Memory does not grow with the number of requests."""
    for early, late in zip(before, after, strict=True):
        assert late.rss_mb <= early.rss_mb + GROWTH_MB, (before, after)


async def _as_before(pid: int, before: Weight) -> None:
    """Files and sockets go back to what they were without load."""
    await until(lambda: weight(pid).files <= before.files + FILES, within_s=SETTLED_S)


async def _recorded(http: httpx.AsyncClient, tally: Tally) -> None:
    """Each request has one record; the last ones may still be on their way."""
    wrong: dict[str, tuple[int, int, int]] = {}
    for _ in range(20):
        text = (await http.get("/api/requests", params={"format": "csv"})).text
        rows = csv.DictReader(io.StringIO(text))
        wrong = tally.misrecorded(Counter(row["client"] for row in rows))
        if not wrong:
            return
        await RealClock().sleep(0.5)
    raise AssertionError(f"at least, at most, found: {wrong}")


async def _nobody_left(http: httpx.AsyncClient) -> None:
    """Wait until the worker counts nobody but us, and nobody who waits."""
    async with asyncio.timeout(SETTLED_S):
        while True:
            rows = (await http.get("/metrics")).text.splitlines()
            found = {row.partition("{")[0]: float(row.rpartition(" ")[2]) for row in rows
                     if row.startswith("spark_control_gateway_")}  # fmt: skip
            waiting = found.get("spark_control_gateway_waiting_requests")
            if waiting == 0 and found.get("spark_control_gateway_connections", 99) <= 2:
                return
            await RealClock().sleep(0.5)
