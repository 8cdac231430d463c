"""Asking engines of all kinds how they are."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpcore
import pytest
from typing_extensions import override

from spark_control.core.clock import RealClock
from spark_control.engines.adapters.openai_http import HttpProbe
from spark_control.engines.domain import Address, EngineState, Look
from spark_control.engines.errors import EngineBroke, EngineSlow, EngineUnreachable
from tests.service.engines.small import Say, dribbles, models, raw, says, silence, small_engine

CHAT = "/v1/chat/completions"
UNREADABLE = Look(EngineState.SILENT, detail="its model list cannot be read")
BROKEN = Look(EngineState.SILENT, detail="the connection broke off")


@pytest.fixture
async def probe() -> AsyncIterator[HttpProbe]:
    async with httpcore.AsyncConnectionPool() as pool:
        yield HttpProbe(pool, RealClock())


@pytest.mark.parametrize(
    ("listed", "look"),
    [
        (models("key", "org/name"), Look(EngineState.SERVING, ("key", "org/name"), "vllm")),
        (models(), Look(EngineState.LOADING, detail="its model list is empty")),
        (says(b"<html>"), UNREADABLE),
        (says({"data": 1}), UNREADABLE),
        (says(["x"]), UNREADABLE),
        (says(b"[" * 99999), UNREADABLE),
        (raw(b""), BROKEN),
        (raw(b"no HTTP at all\r\n\r\n"), BROKEN),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), BROKEN),
    ],
)
async def test_what_it_lists(probe: HttpProbe, listed: Say, look: Look) -> None:
    async with small_engine({"/health": says(b""), "/v1/models": listed}) as engine:
        assert await probe.look(engine.address, timeout_s=5) == look


async def test_what_its_health_says(probe: HttpProbe) -> None:
    async with small_engine({"/health": says(b"", 503)}) as engine:
        look = await probe.look(engine.address, timeout_s=5)
    assert look == Look(EngineState.LOADING, detail="/health says 503")
    async with small_engine({"/health": silence}) as engine:
        look = await probe.look(engine.address, timeout_s=0.1)
    assert look == Look(EngineState.SILENT, detail="no answer within 0.1 s")


async def test_nothing_listens(probe: HttpProbe) -> None:
    with socket.socket() as taken:  # bound and not listening, so nobody else listens there
        taken.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", taken.getsockname()[1])
        assert await probe.look(address, timeout_s=5) == Look(EngineState.ABSENT)
        with pytest.raises(EngineUnreachable):
            await probe.token(address, "key", timeout_s=5)


@pytest.mark.parametrize(
    "address",
    [
        Address("127.0.0.1", 99999), Address("späk", 80), Address("[", 80), Address("::zz", 80),
    ],
)  # fmt: skip
async def test_an_address_that_is_none(probe: HttpProbe, address: Address) -> None:
    look = await probe.look(address, timeout_s=5)
    assert look == Look(EngineState.UNKNOWN, detail="the address is not usable")
    with pytest.raises(EngineUnreachable, match="no usable address"):
        await probe.token(address, "key", timeout_s=5)


@pytest.mark.parametrize("error", [httpcore.ProxyError(), httpcore.ConnectionNotAvailable()])
async def test_any_error_of_the_client(error: Exception) -> None:
    class Pool(httpcore.AsyncConnectionPool):
        @override
        async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
            assert request.method == b"GET"
            raise error

    async with Pool() as pool:
        assert await HttpProbe(pool, RealClock()).look(Address("h", 1), timeout_s=1) == BROKEN


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"content": "word"}}]},
        {"choices": [{"message": {}}], "usage": {"completion_tokens": 1}},
    ],
)
async def test_a_token(probe: HttpProbe, answer: object) -> None:
    async with small_engine({CHAT: says(answer)}) as engine:
        assert await probe.token(engine.address, "key", timeout_s=5) > 0


@pytest.mark.parametrize(
    "said",
    [
        says({"choices": [{"message": {"content": "word"}}]}, 400),
        says({"choices": [{"message": {}}]}), says({"choices": [{"message": "word"}]}),
        says({"choices": [{"message": {}}], "usage": [1]}), says(b"x"), raw(b""),
        says(b"[" * 99999),
    ],
)  # fmt: skip
async def test_no_token(probe: HttpProbe, said: Say) -> None:
    async with small_engine({CHAT: said}) as engine:
        with pytest.raises(EngineBroke):
            await probe.token(engine.address, "key", timeout_s=5)


async def test_a_token_in_time(probe: HttpProbe) -> None:
    async with small_engine({CHAT: silence}) as engine:
        with pytest.raises(EngineSlow):
            await probe.token(engine.address, "key", timeout_s=0.1)
        looks = (probe.look(engine.address, timeout_s=5) for _ in range(2))
        assert {look.state for look in await asyncio.gather(*looks)} == {EngineState.SILENT}


async def test_an_engine_that_answers_drop_by_drop_is_not_waited_for(probe: HttpProbe) -> None:
    clock = RealClock()
    async with small_engine({"/health": dribbles(b"x"), CHAT: dribbles(b"x")}) as engine:
        began = clock.monotonic()
        look = await probe.look(engine.address, timeout_s=0.2)
        assert look == Look(EngineState.SILENT, detail="no answer within 0.2 s")
        with pytest.raises(EngineSlow):
            await probe.token(engine.address, "key", timeout_s=0.2)
    assert clock.monotonic() - began < 5
