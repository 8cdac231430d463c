"""An engine that stops answering loses its requests after some looks, and gets them back."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from spark_control.engines.deep import EVERY_S
from spark_control.engines.domain import Engine, Health
from spark_control.engines.health import Patience
from spark_control.lab.faults import Fault
from spark_control.lab.standins import procs
from spark_control.lab.standins.box import Box
from tests.fleet.system import System, system
from tests.service.clock import TestClock

MODEL = "qwen36"
HASTY = Patience(look_s=0.3, looks=3, seconds=0.0)


def send(there: System, spark: str, number: signal.Signals) -> None:
    """Send a signal to the engine's processes on a Spark."""
    box = Box(there.lab.state_dir / spark)
    for path in (box.folder / "engines").glob("*.json"):
        assert procs.send(int(path.stem), box.mark, number)


@asynccontextmanager
async def frozen(there: System, spark: str) -> AsyncIterator[None]:
    """Have the engine take connections and answer nothing."""
    send(there, spark, signal.SIGSTOP)
    try:
        yield
    finally:
        send(there, spark, signal.SIGCONT)


async def look(there: System, spark: str = "spark1") -> Engine:
    """Look at it once, and have the workers told."""
    engine = await there.parts.engines.refresh(spark)
    assert engine is not None
    await there.parts.gateway.settle()
    return engine


async def until(there: System, health: Health) -> Engine:
    """Look until it is so."""
    async with asyncio.timeout(15):
        while (engine := await look(there)).health is not health:
            pass
    return engine


async def shown(there: System) -> tuple[str, bool, bool]:
    """Return how the status shows the engine: its state, whether it is asked, and in trouble."""
    (spark, *_) = (await there.get("/api/status"))["sparks"]
    engine = spark["engine"]
    return engine["state"], engine["routed"], engine["trouble_since"] is not None


async def test_a_frozen_engine_is_ejected_and_comes_back(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        assert (await there.swapped(MODEL))["state"] == "ready"
        there.parts.engines.patience = HASTY
        async with frozen(there, "spark1"):
            # One look that fails says little: it may only be busy.
            assert (await look(there)).health is Health.DOUBTED
            assert await shown(there) == ("serving", True, True)
            assert (await there.get("/api/status"))["loaded"]
            ejected = await until(there, Health.EJECTED)
            assert ejected.detail == "no answer within 0.3 s"
            assert await shown(there) == ("silent", False, True)
            refused = await asyncio.wait_for(there.chat(MODEL), 2)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "model_not_loaded"
        await until(there, Health.GOOD)
        assert await shown(there) == ("serving", True, False)
        assert (await there.chat(MODEL)).status_code == 200


async def test_the_other_engine_gets_the_requests(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=2) as there:
        for spark in ("spark1", "spark2"):
            assert (await there.swapped(MODEL, host=spark))["state"] == "ready"
        there.parts.engines.patience = HASTY
        async with frozen(there, "spark1"):
            await until(there, Health.EJECTED)
            answers = await asyncio.gather(*(there.chat(MODEL) for _ in range(6)))
            assert {answer.status_code for answer in answers} == {200}
            rows = (await there.get("/api/requests"))["requests"]
            assert {row["target"] for row in rows} <= {"spark2"}
        await until(there, Health.GOOD)


async def test_one_that_ended_is_gone_at_once(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        assert (await there.swapped(MODEL))["state"] == "ready"
        send(there, "spark1", signal.SIGKILL)
        async with asyncio.timeout(15):
            while (engine := await look(there)).health is Health.DOUBTED:
                pass  # its connections end before its port is closed
        assert (engine.health, engine.trouble_since) == (Health.OUT, None)
        assert (await there.chat(MODEL)).status_code == 503


async def test_one_that_makes_no_tokens_is_ejected_until_it_makes_one(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        assert (await there.swapped(MODEL))["state"] == "ready"
        deep, clock = there.parts.deep, TestClock()
        deep.clock, deep.token_s = clock, 0.3

        async def suspected() -> Health:
            """Have it asked for a token, because of requests it failed."""
            await deep.round()
            deep.ended({"spark1": 3})
            clock.advance(EVERY_S)
            await deep.round()
            return (await look(there)).health

        assert await suspected() is Health.GOOD
        await there.lab.set_fault("spark1", Fault.WEDGE)
        assert await suspected() is Health.GOOD, "one probe says little"
        assert await suspected() is Health.WEDGED
        assert await shown(there) == ("wedged", False, True)
        refused = await asyncio.wait_for(there.chat(MODEL), 2)
        assert refused.json()["error"]["code"] == "model_not_loaded"
        await there.lab.clear_fault("spark1", Fault.WEDGE)
        assert await suspected() is Health.GOOD
        assert (await there.chat(MODEL)).status_code == 200
