"""The same disorder as over the model of the Sparks, a few times over the lab: real SSH, real app.

What happens is drawn from a number, so that each run is the same but for its timing.
"""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from spark_control.app.compose import Parts, compose
from spark_control.core.clock import RealClock
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.lab.faults import Fault
from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box
from spark_control.lab.world import Lab
from tests.fleet.system import QUICK, boot_of, served

MODELS = ["Qwen/Qwen3.6-35B-A3B-FP8", "openai/gpt-oss-120b", "QuantTrio/MiniMax-M2-AWQ"]
KEYS = ["qwen36", "gpt-oss-120b", "minimax-m2"]
FAULTS = [Fault.OFFLINE, Fault.FAILED_LOAD, Fault.WEDGE, Fault.LAUNCHER_LIES]
EXPECTED = {200, 201, 202, 409, 423, 502, 503, 504}
STEPS, LIVES = 5, 2


@dataclass
class Disorder:
    """One run: acts on the fleet by chance and looks after each act."""

    lab: Lab
    http: httpx.AsyncClient
    parts: Parts
    chance: random.Random
    asked: list[str] = field(default_factory=list)

    async def post(self, path: str, body: object) -> None:
        answer = await self.http.post(path, json=body)
        self.asked.append(f"{path} {body} {answer.status_code}")
        assert answer.status_code in EXPECTED, (self.asked, answer.text)

    async def swap(self) -> None:
        host = self.chance.choice([None, "spark1", "spark2"])
        body = {"model": self.chance.choice(KEYS), "host": host,
                "rollback": self.chance.random() < 0.5}  # fmt: skip
        await self.post("/api/swap", body)

    async def cancel(self) -> None:
        running = self.parts.swaps.running
        if running is not None:
            self.asked.append("cancel")
            await self.http.delete(f"/api/swap/{running.job.id}")

    async def lock(self) -> None:
        await self.post("/api/swap/lock", {"holder": "somebody", "ttl_s": 5})

    async def unlock(self) -> None:
        await self.post("/api/swap/lock/break", {"reason": "it is late"})

    async def fault(self) -> None:
        spark, fault = self.chance.choice(["spark1", "spark2"]), self.chance.choice(FAULTS)
        self.asked.append(f"{fault} {spark}")
        await self.lab.set_fault(spark, fault)

    async def mend(self) -> None:
        self.asked.append("mend")
        for spark in self.lab.sparks:
            for fault in FAULTS:
                await self.lab.clear_fault(spark.name, fault)

    async def engine_dies(self) -> None:
        box = self.box(self.chance.choice(["spark1", "spark2"]))
        for pid in running(box):
            procs.send(pid, box.mark, 9)

    async def wait(self) -> None:
        await RealClock().sleep(self.chance.choice([0.1, 0.5, 1.0]))

    def box(self, spark: str) -> Box:
        return Box(self.lab.state_dir / spark)

    async def act(self) -> None:
        acts: list[Callable[[], Awaitable[None]]] = [
            self.swap, self.swap, self.swap, self.wait, self.wait, self.cancel, self.lock,
            self.unlock, self.fault, self.mend, self.mend, self.engine_dies,
        ]  # fmt: skip
        await self.chance.choice(acts)()
        self.check()

    def check(self) -> None:
        """At most one container and one engine on each Spark; one swap at a time."""
        for spark in self.lab.sparks:
            box = self.box(spark.name)
            assert len(list(box.containers.iterdir())) <= 1, (self.asked, spark.name)
            assert len(running(box)) <= 1, (self.asked, spark.name)
        jobs, held = self.stored()
        assert len(jobs) <= 1, self.asked
        assert held == jobs, self.asked

    def stored(self) -> tuple[set[str], set[str]]:
        """Return the jobs that have not ended, and those that hold something."""
        path = self.parts.boot.data.database
        with closing(sqlite3.connect(path)) as found:
            found.execute("BEGIN")  # both from one moment
            jobs = found.execute("SELECT id FROM jobs WHERE state IN ('queued', 'running')")
            return {row[0] for row in jobs}, {
                row[0] for row in found.execute("SELECT job_id FROM leases")
            }

    async def settle(self) -> None:
        """Everything works again: each job ends, and what is shown is what answers."""
        await self.mend()
        async with asyncio.timeout(60):
            while self.parts.swaps.running is not None or self.stored()[0]:
                await RealClock().sleep(0.1)
        self.check()
        await self.parts.engines.refresh_all()
        for spark, address in self.parts.engines.slots().items():
            seen = {name for name, on in self.parts.engines.loaded().items() if spark in on}
            assert seen == await names(self.http, f"{address.base_url}/v1/models"), self.asked


def running(box: Box) -> list[int]:
    """Return the engine processes of a Spark that live."""
    found = (int(path.stem) for path in (box.folder / "engines").glob("*.json"))
    return [pid for pid in found if procs.wears(pid, box.mark)]


async def names(http: httpx.AsyncClient, url: str) -> set[str]:
    try:
        return {row["id"] for row in (await http.get(url)).json()["data"]}
    except httpx.TransportError:
        return set()


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6), (7, 8)])
async def test_in_any_order_over_the_lab(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    """One lab and one data directory for all of `seeds`; each has a restart in its middle."""
    data = tmp_path / "data"
    key = ensure_key(data / "ssh" / "key")
    async with Lab(tmp_path / "lab", authorized_keys=[key], sparks=2, models=MODELS) as lab:
        boot = boot_of(lab, data, {})
        for seed in seeds:
            chance = random.Random(seed)  # noqa: S311 - nothing secret
            for life in range(LIVES):
                parts = compose(boot, limits=QUICK)
                async with (
                    served(parts) as url,
                    httpx.AsyncClient(base_url=url, timeout=40, trust_env=False) as http,
                ):
                    there = Disorder(lab, http, parts, chance)
                    for _ in range(STEPS):
                        await there.act()
                    if life == LIVES - 1:
                        await there.settle()
