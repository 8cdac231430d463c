"""`/api/swap`: start, look, follow, cancel."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from spark_control.core.secret import Secret
from spark_control.core.sse import HEADERS, event
from spark_control.jobs.domain import Job
from spark_control.swap.lock_api import LockToken
from spark_control.swap.plan import Wish
from spark_control.swap.shapes import TAIL, SwapShape, WishShape, of_running, render
from spark_control.swap.usecases import Running, Swaps
from spark_control.swap.validate import Validation
from spark_control.swap.validate_shapes import RehearsalShape, rehearsal


async def show(swaps: Swaps, job: Job) -> SwapShape:
    """Return one swap, from memory while it is there, else from what was kept."""
    running = swaps.live(job.id)
    if running is not None:
        return of_running(running, swaps.clock.now())
    return render(job, None, swaps.clock.now(), await swaps.logs.tail(job.id, TAIL))


def router(swaps: Swaps, validation: Validation) -> APIRouter:
    """Return the routes of swaps."""
    routes = APIRouter(prefix="/api/swap", tags=["swap"])

    @routes.post("", status_code=202)
    async def start(
        body: WishShape, response: Response, lock_token: LockToken = ""
    ) -> SwapShape | RehearsalShape:
        claim = Secret(lock_token) if lock_token else None
        wish = Wish(body.model, body.host, body.rollback)
        if body.dry_run:
            response.status_code = 200
            return rehearsal(*await validation.dry_run(wish))
        return await show(swaps, await swaps.request(wish, claim))

    @routes.get("/{swap_id}")
    async def look(swap_id: str) -> SwapShape:
        """Look at one swap."""
        return await show(swaps, await swaps.get(swap_id))

    @routes.delete("/{swap_id}")
    async def cancel(swap_id: str) -> SwapShape:
        """Cancel a swap and stop what it started."""
        return await show(swaps, await swaps.cancel(swap_id))

    @routes.get("/{swap_id}/stream")
    async def stream(
        swap_id: str, last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        """Follow a swap: server-sent events `log` and `swap`, resumed by `Last-Event-ID`."""
        job = await swaps.get(swap_id)
        running = swaps.live(job.id)
        frames = _follow(swaps, running, _line_of(last_event_id)) if running else _past(swaps, job)
        return StreamingResponse(frames, media_type="text/event-stream", headers=HEADERS)

    return routes


def _line_of(event_id: str | None) -> int:
    """Return the log line after which the reader wants to go on; ids of ours are line numbers."""
    return int(event_id) if event_id and event_id.isdecimal() and len(event_id) < 12 else 0


async def _past(swaps: Swaps, job: Job) -> AsyncIterator[str]:
    shape = await show(swaps, job)
    yield event("swap", shape.model_dump_json())


async def _follow(swaps: Swaps, running: Running, after: int) -> AsyncIterator[str]:
    """Give new log lines, then the state of the swap, at each change; ends with the swap."""
    async for lines in swaps.follow(running, after):
        if lines:
            texts = [line for _, line in lines]
            yield event("log", json.dumps({"lines": texts}), event_id=str(lines[-1][0]))
        shape = of_running(running, swaps.clock.now()).model_copy(update={"log_tail": []})
        yield event("swap", shape.model_dump_json())
