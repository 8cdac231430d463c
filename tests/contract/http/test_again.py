"""How often a request is sent, and to how many, when no answer comes."""

from contextlib import AsyncExitStack

import pytest

from tests.contract.http.plane import (
    code,
    parsed,
    plane,
    request,
    says,
    target,
    upstream,
)
from tests.contract.http.test_failures import hangs_up, shut
from tests.contract.http.test_relay import JSON, whole
from tests.contract.http.test_uploads import service, upload


async def test_a_replica_takes_over_before_the_first_byte() -> None:
    async with upstream(hangs_up) as broken, upstream(says(whole())) as engine:
        async with plane(target(shut()), target(broken), target(engine)) as there:
            for _ in range(3):
                assert parsed(await there.raw(request()))[2] == JSON
        assert len(engine.asked) == 3
    assert there.worker.pool.busy() == {}


async def test_a_connection_that_was_closed_while_idle() -> None:
    """The server hangs up as the second request comes; a new connection serves it."""
    async with upstream(says(whole()), hangs_up, says(whole())) as engine:
        async with plane(target(engine)) as there:
            answers = await there.raw(request(close=False) + request())
        assert answers.count(JSON) == 2
        assert engine.connections == 2


@pytest.mark.parametrize(
    ("kinds", "answer", "asked"),
    [
        ("hhh", 502, [1, 1, 0]),
        ("rrr", 502, [0, 0, 0]),
        ("rrs", 200, [0, 0, 1]),
        ("rhs", 200, [0, 1, 1]),
        ("hrs", 200, [1, 0, 1]),
        ("hhs", 502, [1, 1, 0]),
        ("hrh", 502, [1, 0, 1]),
        ("rhr", 502, [0, 1, 0]),
    ],
)
async def test_a_request_reaches_two_engines_at_most(
    kinds: str, answer: int, asked: list[int]
) -> None:
    """It may be what they die of (h). Those that take no connection (r) have not met it."""
    async with AsyncExitStack() as stack:
        answers = [hangs_up if kind == "h" else says(whole()) for kind in kinds]
        engines = [await stack.enter_async_context(upstream(one)) for one in answers]
        targets = [
            target(shut() if kind == "r" else engine)
            for kind, engine in zip(kinds, engines, strict=True)
        ]
        there = await stack.enter_async_context(plane(*targets))
        assert parsed(await there.raw(request()))[0] == answer
        assert [len(engine.asked) for engine in engines] == asked
        assert there.worker.pool.busy() == {}


async def test_an_upload_reaches_two_services_at_most() -> None:
    async with AsyncExitStack() as stack:
        there = [await stack.enter_async_context(upstream(hangs_up)) for _ in range(3)]
        rows = tuple(service(one.port, f"s{n}") for n, one in enumerate(there))
        worker = await stack.enter_async_context(plane(services=rows))
        assert code(await worker.raw(upload())) == (502, "service_error")
        assert sum(len(one.asked) for one in there) == 2


async def test_kept_connections_that_end_are_forgiven_once() -> None:
    """The request was read from each of them: only the first can have been closed while idle."""
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(upstream(says(whole()), hangs_up)) for _ in range(4)
        ]
        targets = [target(engine, "m", f"e{n}") for n, engine in enumerate(engines)]
        there = await stack.enter_async_context(plane(*targets))
        for n in range(len(engines)):  # each gets a connection that is kept
            assert parsed(await there.raw(request(b'{"model":"e%d"}' % n)))[0] == 200
        assert parsed(await there.raw(request()))[0] == 502
        assert sum(len(engine.asked) for engine in engines) == len(engines) + 3
