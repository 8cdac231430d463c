"""Tasks with an owner and a name; nothing runs that nobody waits for."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


class Tasks:
    """Owns background tasks: names them, reports what they raise, ends them on `close`."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[None]:
        """Start `work` now and keep hold of it until it ends."""
        task = asyncio.create_task(work, name=f"{self._owner}: {name}")  # noqa: TID251 - its home
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s ended with an error", task.get_name(), exc_info=error)

    def names(self) -> list[str]:
        """Return the names of what runs now."""
        return sorted(task.get_name() for task in self._running)

    async def close(self) -> None:
        """Cancel what runs and wait until it is gone."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def run_unless(
    work: Coroutine[object, object, None], stop: Coroutine[object, object, None]
) -> bool:
    """Run `work` and return True; when `stop` returns first, cancel `work` and return False.

    What `work` raises is raised here. Neither is left running, also when the caller is cancelled.
    """
    worker = asyncio.create_task(work)  # noqa: TID251 - its home
    stopper = asyncio.create_task(stop)  # noqa: TID251 - its home
    try:
        await asyncio.wait({worker, stopper}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            worker.result()
            return True
        return False
    finally:
        for task in (worker, stopper):
            task.cancel()
        await asyncio.gather(worker, stopper, return_exceptions=True)
