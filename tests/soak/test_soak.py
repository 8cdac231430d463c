"""Mixed load while engines restart, models are swapped, and processes are killed.

It runs for two minutes with all tests, `SOAK_S=10 make test` makes that shorter; `make soak` runs
it for half an hour.
"""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab.world import Lab
from tests.soak.crowd import HOW_MANY, SHAKY, STEADY, Crowd
from tests.soak.plane import Plane, Weight, plane, weight
from tests.soak.steady import Steady
from tests.soak.tally import Tally
from tests.until import until

MODELS = {"qwen36": "Qwen/Qwen3.6-35B-A3B-FP8", "gpt-oss-120b": "openai/gpt-oss-120b"}
SETTLED_S = 30.0
GROWTH_MB = 16.0
FILES = 3
"""Files and sockets that may be open more than at the start: a log turned, a database's."""
TASKS = 3
"""Tasks that may run more than at the start: of the request that asks, of a look that is due."""
SPEAKS_S = 0.25


@dataclass(slots=True)
class Outside:
    """The servers that are none of our Sparks."""

    steady: Steady = field(default_factory=Steady)
    shaky: Steady = field(default_factory=Steady)
    far: Steady = field(default_factory=Steady)
    near: Steady = field(default_factory=Steady)
    voice: Steady = field(default_factory=lambda: Steady(SPEAKS_S))

    @property
    def all(self) -> tuple[Steady, ...]:
        return (self.steady, self.shaky, self.far, self.near, self.voice)


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    there = Outside()
    for server in there.all:
        await server.start()
    try:
        yield there
    finally:
        for server in there.all:
            await server.stop()


@asynccontextmanager
async def serving(tmp: Path, there: Outside) -> AsyncIterator[Plane]:
    """Run everything over a lab of one Spark, and servers and services outside.

    Uploads go to one that is taken away now and then, else to one that stays.
    """
    key = ensure_key(tmp / "key")
    places = [
        {"name": name, "base_url": f"http://127.0.0.1:{server.port}", "models": [name]}
        for name, server in ((STEADY, there.steady), (SHAKY, there.shaky), ("far", there.far))
    ]
    async with Lab(
        tmp / "lab", authorized_keys=[key], sparks=1, engine="scripted",
        models=list(MODELS.values()), pace=0.0, clock=RealClock(),
    ) as lab:  # fmt: skip
        spark = lab.sparks[0]
        variables = {
            "SSH_KEY_PATH": str(tmp / "key"), "SPARK1_HOST": spark.host,
            "SPARK1_PORT": str(spark.port), "SPARK1_USER": spark.user,
            "UPSTREAMS": json.dumps(places), "SPEECH_BACKENDS": "far,parakeet,kokoro",
            "PARAKEET_HOST": "127.0.0.1", "PARAKEET_PORT": str(there.near.port),
            "KOKORO_HOST": "127.0.0.1", "KOKORO_PORT": str(there.voice.port),
            "QUEUE_LENGTH": "2", "AUDIO_IN_FLIGHT": "2",
        }  # fmt: skip
        async with plane(tmp / "data", variables) as found:
            yield found


class Acts:
    """What happens to the system while the crowd is there."""

    def __init__(
        self, found: Plane, there: Outside, tally: Tally, http: httpx.AsyncClient
    ) -> None:
        self._plane = found
        self._leave = (there.shaky, there.far)
        self._tally = tally
        self._http = http
        self.swaps = 0

    async def shake(self) -> None:
        """Take an engine and a service away and bring them back."""
        for server in self._leave:
            await server.stop()
        await RealClock().sleep(0.3)
        for server in self._leave:
            await server.start()

    async def swap(self) -> None:
        """Swap to the model that is not loaded."""
        model = list(MODELS)[self.swaps % 2]
        answer = await self._asked_to(model)
        assert answer.status_code == 202, answer.text
        path = f"/api/swap/{answer.json()['id']}"
        async with asyncio.timeout(60):
            while (job := (await self._http.get(path)).json())["ended_at"] is None:
                await RealClock().sleep(0.1)
        assert job["state"] == "ready", job
        self.swaps += 1

    async def _asked_to(self, model: str) -> httpx.Response:
        """Ask for a swap; a control process that has just come may not know the disks yet."""
        async with asyncio.timeout(30):
            while True:
                answer = await self._http.post("/api/swap", json={"model": model})
                if "disks_unread" not in answer.text:
                    return answer
                await RealClock().sleep(0.5)

    async def kill_worker(self) -> None:
        self._tally.kills.append(await self._plane.kill_worker())

    async def kill_control(self) -> None:
        self._tally.kills.append(await self._plane.kill_control())


async def test_nothing_is_lost_and_nothing_leaks(tmp_path: Path, soak_s: float) -> None:
    tally = Tally()
    async with outside() as there, serving(tmp_path, there) as found:
        url = f"http://127.0.0.1:{found.port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            acts = Acts(found, there, tally, http)
            await acts.swap()
            control, worker = weight(found.control), weight(found.worker)
            tasks = await _quiet(http, 0.0)
            crowd = Crowd(found.port, tuple(MODELS), tally)
            crowd.come()
            await _while_processes_die(acts, soak_s / 2)
            heavy = [weight(found.control), weight(found.worker)]
            await _while_engines_come_and_go(acts, soak_s / 2)
            grown = [weight(found.control), weight(found.worker)]
            await crowd.go()
        _flat(heavy, grown)
        await until(lambda: all(server.active == 0 for server in there.all))
        await _as_before(found.worker, worker)
        await _as_before(found.control, control)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            await _recorded(http, tally)
            left = await _quiet(http, tasks + TASKS)
        await found.down()
    kinds = Counter(one.kind for one in tally.tries)
    said = f"{dict(kinds)}, {crowd.pages} pages, {acts.swaps} swaps, {len(tally.kills)} kills"
    print(  # noqa: T201 - what a long run is watched by
        f"{said}, {tally.outlived()} streams outlived control, {heavy} -> {grown}, "
        f"tasks {tasks} -> {left}"
    )
    _all_kinds_were_served(tally)


def _all_kinds_were_served(tally: Tally) -> None:
    incomplete, outlived = tally.incomplete(), tally.outlived()
    assert incomplete == []
    assert outlived > 0
    # 0: it broke off; 429: more than the share of a client.
    assert {one.status for one in tally.tries} <= {0, 200, 429, 502, 503, 504}
    assert {one.kind for one in tally.tries if one.status == 429} == {"speaks"}
    served = {one.kind for one in tally.tries if one.status == 200}
    assert served == set(HOW_MANY) - {"leaves", "pages"}
    assert any(one.kind == "leaves" for one in tally.tries)


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
        asked = Counter(row["client"] for row in rows if row["path"] != "/v1/models")
        wrong = tally.misrecorded(asked)
        if not wrong:
            return
        await RealClock().sleep(0.5)
    raise AssertionError(f"at least, at most, found: {wrong}")


async def _quiet(http: httpx.AsyncClient, most_tasks: float) -> float:
    """Wait until the worker has nobody but us and no more tasks; return how many both have.

    With no limit of tasks any number will do.
    """
    async with asyncio.timeout(SETTLED_S):
        while True:
            page = await http.get("/metrics")
            assert page.status_code == 200, page.text
            rows = page.text.splitlines()
            found = {row.partition("{")[0].partition(" ")[0]: float(row.rpartition(" ")[2])
                     for row in rows if row.startswith("spark_control_")}  # fmt: skip
            tasks = found["spark_control_tasks"] + found.get("spark_control_gateway_tasks", 1e9)
            waiting = found.get("spark_control_gateway_waiting_requests")
            alone = waiting == 0 and found["spark_control_gateway_connections"] <= 2
            if alone and tasks <= (most_tasks or 1e6):
                return tasks
            await RealClock().sleep(0.5)
