"""Requests over real connections, and the time they may take."""

from collections.abc import AsyncIterator

import httpcore
import pytest

from spark_control.engines.domain import Address
from spark_control.engines.errors import EngineBroke, EngineSlow
from spark_control.gateway.adapters.http1_pool import Http1Pool
from tests.service.engines.small import dribbles, raw, says, silence, small_engine

PATH = "/v1/completions"


@pytest.fixture
async def pool() -> AsyncIterator[httpcore.AsyncConnectionPool]:
    async with httpcore.AsyncConnectionPool() as pool:
        yield pool


async def said(upstream: Http1Pool, address: Address) -> bytes:
    async with upstream.send(address, PATH, {"x-more": "é"}, b"{}") as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def test_an_answer(pool: httpcore.AsyncConnectionPool) -> None:
    async with small_engine({PATH: says(b"hello")}) as engine:
        assert await said(Http1Pool(pool), engine.address) == b"hello"
    assert engine.asked[PATH]["x-more"] == "é"


async def test_the_budget_covers_the_wait_for_the_head(
    pool: httpcore.AsyncConnectionPool,
) -> None:
    async with small_engine({PATH: silence}) as engine:
        with pytest.raises(EngineSlow):
            await said(Http1Pool(pool, budget_s=0.1), engine.address)
    assert pool.connections == []


async def test_the_budget_is_of_the_whole_request(pool: httpcore.AsyncConnectionPool) -> None:
    """Each read is quick; together they take too long."""
    async with small_engine({PATH: dribbles(b"x")}) as engine:
        with pytest.raises(EngineSlow):
            await said(Http1Pool(pool, budget_s=0.2), engine.address)
    assert pool.connections == []


async def test_a_break(pool: httpcore.AsyncConnectionPool) -> None:
    cut = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
    async with small_engine({PATH: cut}) as engine:
        with pytest.raises(EngineBroke):
            await said(Http1Pool(pool), engine.address)
