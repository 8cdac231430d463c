"""`/api/events`: what is, then every change, as server-sent events."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from spark_control.core.bus import Bus, Event, Subscription
from spark_control.core.clock import Clock
from spark_control.core.sse import BEAT, HEADERS, event
from spark_control.core.tasks import Tasks

BEAT_S = 15.0
_BEAT = Event(0, "beat", "", {})
Snapshot = Callable[[], Awaitable[Mapping[str, object]]]


def router(bus: Bus, snapshot: Snapshot, clock: Clock) -> APIRouter:
    """Return the route of the events. `snapshot` is all that a page shows, as JSON."""
    routes = APIRouter(tags=["events"])

    @routes.get("/api/events", response_class=StreamingResponse)
    async def events(last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """Server-sent events: `snapshot` first, then one event per change, named by its topic.

        A client that sends `Last-Event-ID` gets what it missed instead of the snapshot, while
        that is still known. A comment every 15 s keeps the connection open.
        """
        frames = follow(bus, snapshot, clock, last_event_id)
        return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)

    return routes


async def follow(
    bus: Bus, snapshot: Snapshot, clock: Clock, last_id: str | None
) -> AsyncIterator[str]:
    """Give frames until the bus is closed or the reader leaves."""
    # Listening begins before the snapshot is taken: a change in between is told twice, never lost.
    reader = bus.subscribe()
    beats = Tasks("events")
    _ = beats.spawn(_beat(reader, clock), name="beat")
    try:
        missed = bus.since(last_id) if last_id else None
        if missed is None:
            at = bus.last_id
            yield event("snapshot", json.dumps(await snapshot()), event_id=at)
        for change in missed or ():
            reader.offer(change)
        async for change in reader:
            yield BEAT if change is _BEAT else _frame(bus, change)
    finally:
        bus.unsubscribe(reader)
        await beats.close()


def _frame(bus: Bus, change: Event) -> str:
    data = json.dumps({"key": change.key, "data": change.data})
    return event(change.topic, data, event_id=bus.event_id(change))


async def _beat(reader: Subscription, clock: Clock) -> None:
    """Put a beat among the changes, so that waiting for both is waiting for one thing."""
    while True:
        await clock.sleep(BEAT_S)
        reader.offer(_BEAT)
