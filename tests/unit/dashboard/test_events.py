"""The stream of events: what is, then each change, and a beat while nothing happens."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import pytest
from fastapi import FastAPI
from starlette.types import Message

from spark_control.core.bus import Bus
from spark_control.core.sse import BEAT
from spark_control.dashboard.events import BEAT_S, follow, router


class LatchClock:
    """Sleeps until it is woken; tells when somebody has gone to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.asleep = asyncio.Event()
        self._wake = asyncio.Event()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep.set()
        await self._wake.wait()
        self._wake.clear()

    async def wake(self) -> None:
        """Let the next sleeper go on, once there is one."""
        async with asyncio.timeout(5):
            await self.asleep.wait()
        self.asleep.clear()
        self._wake.set()


async def nothing() -> Mapping[str, object]:
    return {"status": {"sparks": []}}


Stream = AsyncGenerator[str, None]


@asynccontextmanager
async def stream(
    bus: Bus, clock: LatchClock | None = None, last_id: str | None = None
) -> AsyncIterator[Stream]:
    frames = cast("Stream", follow(bus, nothing, clock or LatchClock(), last_id))
    try:
        yield frames
    finally:
        await frames.aclose()


async def read(frames: Stream) -> str:
    async with asyncio.timeout(5):
        return await anext(frames)


def fields(frame: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in frame.strip().split("\n"))


async def test_begins_with_the_snapshot_and_the_id_to_resume_from() -> None:
    bus = Bus(boot="b1")
    bus.publish("spark", "spark1", {"reachable": True})
    async with stream(bus) as frames:
        first = fields(await read(frames))
    assert first["event"] == "snapshot"
    assert first["id"] == "b1-1"
    assert json.loads(first["data"]) == {"status": {"sparks": []}}


async def test_each_change_follows_under_its_topic() -> None:
    bus = Bus(boot="b1")
    async with stream(bus) as frames:
        await read(frames)
        bus.publish("engine", "spark1", {"state": "serving"})
        bus.publish("swap", "sw_1", {"model": "line\nbreak"})
        changes = [fields(await read(frames)) for _ in range(2)]
    assert [one["event"] for one in changes] == ["engine", "swap"]
    assert [one["id"] for one in changes] == ["b1-1", "b1-2"]
    assert json.loads(changes[0]["data"]) == {"key": "spark1", "data": {"state": "serving"}}
    assert json.loads(changes[1]["data"])["data"] == {"model": "line\nbreak"}


async def test_a_change_while_the_snapshot_is_taken_is_not_lost() -> None:
    bus = Bus(boot="b1")

    async def slow() -> Mapping[str, object]:
        bus.publish("engine", "spark1", {"state": "absent"})
        return {}

    frames = cast("Stream", follow(bus, slow, LatchClock(), None))
    first, second = fields(await read(frames)), fields(await read(frames))
    await frames.aclose()
    assert (first["event"], first["id"]) == ("snapshot", "b1-0")
    assert (second["event"], second["id"]) == ("engine", "b1-1")


async def test_a_reader_that_comes_back_gets_what_it_missed_and_no_snapshot() -> None:
    bus = Bus(boot="b1")
    for seconds in range(3):
        bus.publish("hardware", "spark1", {"age": seconds})
    bus.publish("engine", "spark1", {"state": "serving"})
    async with stream(bus, last_id="b1-1") as frames:
        missed = [fields(await read(frames)) for _ in range(2)]
    # Of each thing only the newest state is told.
    assert [one["id"] for one in missed] == ["b1-3", "b1-4"]
    assert json.loads(missed[0]["data"])["data"] == {"age": 2}


@pytest.mark.parametrize("last_id", ["b0-1", "b1-9", "nonsense", ""])
async def test_an_id_that_is_not_known_means_a_snapshot(last_id: str) -> None:
    bus = Bus(boot="b1")
    async with stream(bus, last_id=last_id) as frames:
        assert fields(await read(frames))["event"] == "snapshot"


async def test_a_beat_every_15_seconds_and_no_change_lost_to_it() -> None:
    bus, clock = Bus(boot="b1"), LatchClock()
    async with stream(bus, clock) as frames:
        await read(frames)
        for number in range(3):
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(read(frames))
                await clock.wake()
            assert waiting.result() == BEAT
            bus.publish("engine", "spark1", {"number": number})
            assert json.loads(fields(await read(frames))["data"])["data"] == {"number": number}
    assert set(clock.slept) == {BEAT_S}


async def test_a_change_wakes_a_reader_that_waits() -> None:
    bus, clock = Bus(boot="b1"), LatchClock()
    async with stream(bus, clock) as frames:
        await read(frames)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(read(frames))
            async with asyncio.timeout(5):
                await clock.asleep.wait()
            bus.publish("job", "sw_1", {"state": "running"})
        assert fields(waiting.result())["event"] == "job"


async def test_ends_when_the_bus_is_closed() -> None:
    bus = Bus(boot="b1")
    async with stream(bus) as frames:
        await read(frames)
        bus.publish("engine", "spark1", {})
        bus.close()
        rest = [frame async for frame in frames]
    assert [fields(frame)["event"] for frame in rest] == ["engine"]


class Listeners(Bus):
    """A bus that can be asked how many listen."""

    @property
    def count(self) -> int:
        return len(self._readers)


async def test_a_reader_that_leaves_is_forgotten_and_its_beat_ends() -> None:
    bus = Listeners(boot="b1")
    async with stream(bus) as frames:
        await read(frames)
        assert bus.count == 1
        beats = [task for task in asyncio.all_tasks() if "events: beat" in task.get_name()]
        assert len(beats) == 1
    assert bus.count == 0
    assert beats[0].done()


async def test_over_http_a_client_that_goes_away_is_forgotten() -> None:
    bus = Listeners(boot="b1")
    app = FastAPI()
    app.include_router(router(bus, nothing, LatchClock()))
    sent: list[Message] = []
    begun, gone = asyncio.Event(), asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        if message.get("body"):
            begun.set()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET",
        "path": "/api/events", "raw_path": b"/api/events", "query_string": b"", "root_path": "",
        "headers": [(b"last-event-id", b"b0-4")], "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(app(scope, receive, send))
        await begun.wait()
        assert bus.count == 1
        gone.set()
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-accel-buffering"] == b"no"
    assert bus.count == 0
