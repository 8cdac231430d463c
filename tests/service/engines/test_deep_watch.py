"""The deep probes over engines that make tokens, fail, or are busy."""

import httpcore
import pytest

from spark_control.app.wire_gateway import failures
from spark_control.core.bus import Bus
from spark_control.engines.adapters.pulse_http import HttpPulse
from spark_control.engines.deep import AGAIN_S, EVERY_S, STUCK_S
from spark_control.engines.deep_watch import DeepProbes
from spark_control.engines.domain import Address, Engine, EngineState, Health, Look
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from spark_control.engines.usecases import Engines
from spark_control.gateway.record import Trace
from tests.service.clock import TestClock
from tests.service.engines.small import says, small_engine

HERE = Address("10.88.0.11", 8888)
SLOW, BROKEN = EngineSlow("slow"), EngineBroke("broken", detail={"status": 500})
NO_CHAT, AWAY = EngineBroke("no", detail={"status": 404}), EngineUnreachable("away")


class Bench:
    """One engine that is asked for tokens."""

    def __init__(self) -> None:
        self.clock, self.asked = TestClock(), 0
        self.error: EngineBroke | EngineSlow | EngineUnreachable | None = None
        self.counts: list[float | None] = []
        self.running = 0
        self.found = Look(EngineState.SERVING, ("m",))
        self.engines = Engines(
            probe=self, bus=Bus(boot="b"), clock=self.clock, slots=lambda: {"spark1": HERE}
        )
        self.deep = DeepProbes(
            engines=self.engines, probe=self, pulse=self, load=self, clock=self.clock
        )

    async def look(self, address: Address, *, timeout_s: float) -> Look:
        assert (address, timeout_s > 0) == (HERE, True)
        return self.found

    async def token(self, address: Address, model: str, *, timeout_s: float) -> float:
        assert (address, model, timeout_s > 0) == (HERE, "m", True)
        self.asked += 1
        if self.error is not None:
            raise self.error
        return 0.1

    async def tokens(self, address: Address) -> float | None:
        assert address == HERE
        return self.counts.pop(0) if self.counts else None

    def in_flight(self, address: Address) -> int:
        assert address == HERE
        return self.running

    async def drained(self, address: Address, *, timeout_s: float) -> bool:
        raise AssertionError(f"not here: {address} {timeout_s}")

    async def probed(self, seconds: float = EVERY_S) -> Health:
        """Fail some requests, let time pass, and look and probe once."""
        await self.engines.refresh("spark1")
        await self.deep.round()
        self.deep.ended({"spark1": 3, "elsewhere": 9})
        self.clock.advance(seconds)
        await self.deep.round()
        return self.engines.seen()[0].health


@pytest.mark.parametrize("error", [SLOW, BROKEN, EngineBroke("it broke off")])
async def test_two_that_fail_and_one_that_does_not(
    error: EngineSlow | EngineBroke,
) -> None:
    bench = Bench()
    bench.error = error
    assert [await bench.probed() for _ in range(3)] == [Health.GOOD, Health.WEDGED, Health.WEDGED]
    bench.error = AWAY
    assert await bench.probed(AGAIN_S) is Health.WEDGED
    bench.error = None
    assert await bench.probed(AGAIN_S) is Health.GOOD
    assert bench.engines.seen()[0].trouble_since is None


@pytest.mark.parametrize("error", [None, NO_CHAT, AWAY])
async def test_what_says_nothing_against_it(
    error: EngineBroke | EngineUnreachable | None,
) -> None:
    bench = Bench()
    bench.error = error
    assert [await bench.probed() for _ in range(3)] == [Health.GOOD] * 3
    assert bench.asked == 3


async def test_one_whose_counter_moves_is_busy_and_one_whose_stands_is_not() -> None:
    bench = Bench()
    bench.error, bench.running = SLOW, 4
    bench.counts = [1.0, 2.0, 2.0, 7.0]
    assert [await bench.probed() for _ in range(3)] == [Health.GOOD] * 3  # the third: no counter
    bench.counts = [9.0] * 4
    assert [await bench.probed() for _ in range(2)] == [Health.GOOD, Health.WEDGED]


async def test_requests_that_do_not_end_are_a_suspicion_and_peace_is_none() -> None:
    bench = Bench()
    await bench.engines.refresh("spark1")
    for _ in range(5):
        await bench.deep.round()
        bench.clock.advance(STUCK_S)
    assert bench.asked == 0
    bench.running = 1
    await bench.deep.round()
    bench.clock.advance(STUCK_S)
    await bench.deep.round()
    assert bench.asked == 1


async def test_who_serves_nothing_is_not_asked() -> None:
    bench = Bench()
    bench.found = Look(EngineState.LOADING)
    assert await bench.probed() is Health.OUT
    assert bench.asked == 0
    gone = Engine("spark1", HERE, Look(EngineState.SERVING, ("other",)), bench.clock.now())
    bench.engines.judge(gone, makes_tokens=False)
    assert bench.engines.seen()[0].health is Health.OUT


def test_failures_in_a_row_are_counted_by_engine() -> None:
    def row(target: str | None, status: int = 200, error: str | None = None) -> Trace:
        return Trace("r", 0.0, 0.0, "/v1/chat/completions", "c", target=target, status=status,
                     error=error)  # fmt: skip

    broke = EngineBroke.code
    assert failures([
        row("one", 502, broke), row("one"), row("one", 502, broke), row("two"), row(None, 404),
        row("three", 502, broke), row("three", 499), row("three", 504, EngineSlow.code),
    ]) == {"one": 1, "two": 0, "three": 2}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b'vllm:generation_tokens_total{m="a"} 5.0\nvllm:prompt_tokens_total{m="a"} 2e1\n', 25.0),
        (b"vllm:other 1\n", None), (b"vllm:generation_tokens_total e.e\n", None),
    ],
)  # fmt: skip
async def test_the_counter_of_an_engine(text: bytes, count: float | None) -> None:
    async with (
        httpcore.AsyncConnectionPool() as pool,
        small_engine({"/metrics": says(text)}) as one,
    ):
        assert await HttpPulse(pool).tokens(one.address) == count
    async with httpcore.AsyncConnectionPool() as pool:
        assert await HttpPulse(pool).tokens(one.address) is None
