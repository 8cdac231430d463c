"""A job as server-sent events, until it has ended."""

import json
from collections.abc import AsyncIterator

from spark_control.core.bus import Event, Subscription
from spark_control.core.clock import Clock
from spark_control.core.sse import BEAT, event
from spark_control.core.tasks import Tasks
from spark_control.jobs.shapes import render
from spark_control.jobs.usecases import Jobs

BEAT_S = 15.0
_BEAT = Event(0, "job", "", {})


async def follow(jobs: Jobs, job_id: str, last_id: str | None) -> AsyncIterator[str]:
    """Give the job as it is and then each change; behind `last_id` only what it missed.

    Raises JobUnknown. A change that comes while the first frame is made is told twice, never lost.
    """
    reader, beats = jobs.bus.subscribe("job"), Tasks("job stream")
    _ = beats.spawn(_beat(reader, jobs.clock), name=job_id)
    try:
        at, missed = jobs.bus.last_id, jobs.bus.since(last_id) if last_id else None
        job = await jobs.get(job_id)
        if job.ended or missed is None or any(_is_of(change, job_id) for change in missed):
            yield event("job", render(job).model_dump_json(), event_id=at)
        if job.ended:
            return
        async for change in reader:
            if change is _BEAT:
                yield BEAT
            if change.key == job_id:
                yield event("job", json.dumps(change.data), event_id=jobs.bus.event_id(change))
                if change.data.get("ended_at"):
                    return
    finally:
        jobs.bus.unsubscribe(reader)
        await beats.close()


def _is_of(change: Event, job_id: str) -> bool:
    return (change.topic, change.key) == ("job", job_id)


async def _beat(reader: Subscription, clock: Clock) -> None:
    while True:
        await clock.sleep(BEAT_S)
        reader.offer(_BEAT)
