"""The watch over the engine slots, with a probe that answers when it is told."""

import asyncio

import pytest

from spark_control.core.bus import Bus
from spark_control.core.tasks import Tasks
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.engines.usecases import EVERY_S, Engines
from tests.service.clock import TestClock

ONE, TWO = Address("10.88.0.11", 8888), Address("10.88.0.12", 8888)


def serving(name: str) -> Look:
    return Look(EngineState.SERVING, (name,))


class Probe:
    """Looks wait in `asked`, by address, until they are answered."""

    def __init__(self) -> None:
        self.asked: list[tuple[Address, asyncio.Future[Look]]] = []

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        assert timeout_s > 0
        self.asked.append((address, asyncio.get_running_loop().create_future()))
        return await self.asked[-1][1]

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        raise AssertionError(f"not here: {address} {model} {timeout_s}")


class Slots(dict[str, Address]):
    """The settings' slots; may break once."""

    broken = False

    def __call__(self) -> "Slots":
        if self.broken:
            self.broken = False
            raise RuntimeError("no settings for once")
        return self


class Bench:
    """Everything together."""

    def __init__(self) -> None:
        self.probe, self.clock, self.slots = Probe(), TestClock(), Slots(spark1=ONE, spark2=TWO)
        self.bus = Bus(boot="b")
        self.tasks = Tasks("test")
        self.engines = Engines(probe=self.probe, bus=self.bus, clock=self.clock, slots=self.slots)

    async def asked(self, count: int) -> list[asyncio.Future[Look]]:
        """Return the looks once there are `count`."""
        for _ in range(100):
            if len(self.probe.asked) >= count:
                break
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.001)
        assert len(self.probe.asked) == count
        return [look for _, look in self.probe.asked]

    def serving(self) -> list[str]:
        return [f"{engine.served[0]} on {engine.spark}" for engine in self.engines.serving()]


async def test_an_older_look_never_replaces_a_newer_one() -> None:
    bench = Bench()
    looks = asyncio.gather(bench.engines.refresh("spark1"), bench.engines.refresh("spark1"))
    older, newer = await bench.asked(2)
    newer.set_result(serving("new"))
    await asyncio.wait([looks], timeout=0.01)
    older.set_result(serving("old"))
    assert [engine and engine.served for engine in await looks] == [("new",), ("new",)]
    assert bench.serving() == ["new on spark1"]


async def test_who_served_is_asked_on_until_looks_have_failed_for_long(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    del bench.slots["spark2"]
    silent = Look(EngineState.SILENT, detail="no answer within 3 s")
    changes = bench.bus.subscribe("engine")
    shown: list[tuple[object, ...]] = []
    told: list[tuple[object, ...]] = []
    for number, found in enumerate((serving("m"), *[silent] * 4, serving("m")), 1):
        look = asyncio.gather(bench.engines.refresh("spark1"))
        (await bench.asked(number))[-1].set_result(found)
        (engine,) = await look
        assert engine is not None
        bench.clock.advance(6)
        shown.append((bench.serving(), engine.health.value, engine.trouble_since is None))
        if number not in {3, 5}:  # nothing new was found then
            data = (await asyncio.wait_for(anext(changes), 1)).data
            told.append((data["state"], data["routed"], data["trouble_since"] is None))
    assert shown == [
        (["m on spark1"], "good", True), (["m on spark1"], "doubted", False),
        (["m on spark1"], "doubted", False), ([], "ejected", False), ([], "ejected", False),
        (["m on spark1"], "good", True),
    ]  # fmt: skip
    assert caplog.messages == [
        "the engine on spark1 gets no requests: no answer within 3 s",
        "the engine on spark1 answers again",
    ]
    assert told == [
        ("serving", True, True), ("serving", True, False), ("silent", False, False),
        ("serving", True, True),
    ]  # fmt: skip
    bench.bus.unsubscribe(changes)


async def test_a_spark_that_leaves_the_settings() -> None:
    bench = Bench()
    look = asyncio.gather(bench.engines.refresh("spark1"))
    (asked,) = await bench.asked(1)
    del bench.slots["spark1"]
    asked.set_result(serving("gone"))
    assert list(await look) == [None]
    assert await bench.engines.refresh("spark1") is None
    bench.slots["spark1"] = ONE
    assert bench.serving() == []


async def test_a_spark_that_moves_while_it_is_looked_at() -> None:
    bench = Bench()
    look = asyncio.gather(bench.engines.refresh("spark1"))
    (asked,) = await bench.asked(1)
    bench.slots["spark1"] = Address("10.88.0.13", 8888)
    asked.set_result(serving("elsewhere"))
    assert list(await look) == [None]


async def test_one_look_that_fails_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    round_ = asyncio.gather(bench.engines.refresh_all())
    first, second = await bench.asked(2)
    first.set_exception(RuntimeError("unforeseen"))
    second.set_result(serving("model"))
    await round_
    assert bench.serving() == ["model on spark2"]
    assert caplog.messages == ["a look at the engines failed"]
    del bench.slots["spark2"], bench.slots["spark1"]
    await bench.engines.refresh_all()
    assert bench.engines.seen() == []


async def test_the_watch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    del bench.slots["spark2"]
    bench.slots.broken = True
    watch = bench.tasks.spawn(bench.engines.watch(), name="watch")
    for _ in range(100):
        await asyncio.wait([watch], timeout=0.001)
        bench.clock.advance(EVERY_S)
        if bench.probe.asked:
            break
    assert caplog.messages == ["a look at the engines failed"]
    (look,) = await bench.asked(1)
    look.set_result(serving("model"))
    await asyncio.wait([watch], timeout=0.01)
    assert bench.serving() == ["model on spark1"]
    await bench.tasks.close()
    assert watch.cancelled()
