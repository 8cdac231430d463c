"""What a worker tells of itself, and of records that it could not hand on."""

import asyncio
from pathlib import Path

from spark_control.core.ids import RandomIds
from spark_control.core.tasks import Tasks
from spark_control.gateway import wire
from spark_control.gateway.record import Trace
from spark_control.gateway.worker.link import BATCH, MOST_RECORDS, STATS_S, Link
from spark_control.gateway.worker.place import Place
from spark_control.gateway.worker.times import Times
from spark_control.gateway.worker.worker import Worker
from tests.service.clock import TestClock
from tests.until import until


async def test_records_that_were_dropped_are_counted(tmp_path: Path) -> None:
    path, clock, heard = str(tmp_path / "link.sock"), TestClock(), list[wire.Up]()
    hello = wire.Hello(pid=7, release="test", config="", port=1)
    link = Link(path, hello, clock, Times())
    link.serve(Worker(
        loop=asyncio.get_running_loop(), clock=clock, ids=RandomIds(), times=Times(),
        control=Place(name="control", base_url="control", socket=path), ledger=link,
    ), lambda: None)  # fmt: skip
    for number in range(MOST_RECORDS + 3):
        link.record(Trace(str(number), 0.0, 0.0, "/v1/models", "c"))

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while text := await reader.readline():
            heard.append(wire.read_up(text))
        writer.close()

    tasks = Tasks("test")
    _ = tasks.spawn(link.report(), name="report")
    await until(lambda: clock.waiting == 1)
    clock.advance(STATS_S)  # nobody is there: what there is to tell is kept
    await until(lambda: clock.waiting == 1)
    server = await asyncio.start_unix_server(control, path, limit=wire.LINE_BYTES)
    _ = tasks.spawn(link.run(), name="run")
    await until(
        lambda: sum(isinstance(one, wire.Records) for one in heard) == MOST_RECORDS / BATCH
    )
    for _ in range(2):
        clock.advance(STATS_S)
        await until(lambda: clock.waiting == 1)
    await until(lambda: len(told(heard)) == 2)
    await tasks.close()
    server.close()
    rows = [row for one in heard if isinstance(one, wire.Records) for row in one.rows]
    assert (rows[0].id, len(rows)) == ("3", MOST_RECORDS)
    assert [stats.lost for stats in told(heard)] == [3, 0]
    assert told(heard)[0].process.rss_bytes > 0


def told(heard: list[wire.Up]) -> list[wire.Stats]:
    return [one for one in heard if isinstance(one, wire.Stats)]
