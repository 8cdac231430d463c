"""What a request was meant for goes away while the request is on its way."""

import asyncio
from collections.abc import Callable

from tests.contract.http.plane import (
    BOUNDS,
    Asked,
    code,
    parsed,
    plane,
    request,
    says,
    state,
    target,
    upstream,
)
from tests.contract.http.test_relay import held
from tests.contract.http.test_uploads import OK, head, service


async def test_the_services_go_while_an_upload_comes_in() -> None:
    async with (
        upstream(says(OK)) as one,
        plane(services=(service(one.port, "a"), service(one.port + 1, "b"))) as there,
    ):
        reader, writer = await there.open()
        writer.write(head(5, b"Expect: 100-continue"))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        there.worker.take(state((), BOUNDS))
        writer.write(b"sound")
        answer = await asyncio.wait_for(reader.read(-1), 10)
        assert code(answer) == (502, "service_unreachable")
        assert one.asked == []
    assert there.kept.rows[0].error == "service_unreachable"


async def test_a_replica_that_has_gone_is_not_tried() -> None:
    change: list[Callable[[], None]] = []

    async def hangs_up(_: Asked, writer: asyncio.StreamWriter) -> None:
        change[0]()
        writer.close()

    async with upstream(hangs_up) as one, upstream(hangs_up) as two:
        async with plane(target(one), target(two)) as there:
            change.append(lambda: there.worker.take(state((), BOUNDS)))
            assert code(await there.raw(request())) == (502, "engine_error")
        assert len(one.asked) + len(two.asked) == 1


async def test_what_runs_on_an_engine_that_is_gone_still_counts() -> None:
    go = asyncio.Event()
    async with upstream(held(go)) as engine, plane(target(engine)) as there:
        running = asyncio.gather(there.raw(request()))
        await there.until(lambda: len(engine.asked) == 1)
        there.worker.take(state((), BOUNDS))
        assert there.worker.pool.busy() == {f"http://127.0.0.1:{engine.port}": 1}
        go.set()
        (answer,) = await running
        assert parsed(answer)[0] == 200
        await there.until(lambda: there.worker.pool.busy() == {})
