"""One run for all who ask at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from spark_control.core.errors import AppError
from spark_control.core.tasks import Tasks

T = TypeVar("T")
Work = Callable[[], Coroutine[object, object, T]]


class Flight(Generic[T]):
    """Shares one run of a coroutine between the callers that come while it is under way.

    A caller that is cancelled leaves the run to the others; the run ends in its own time. When
    the run itself is stopped, everyone who waits gets `stopped`.
    """

    def __init__(self, tasks: Tasks, name: str, *, stopped: type[AppError]) -> None:
        self._tasks = tasks
        self._name = name
        self._stopped = stopped
        self._run: asyncio.Task[None] | None = None
        self._outcome: list[T | AppError] = []

    async def join(self, work: Work[T]) -> T:
        """Return what `work` returns, or what the run under way will; raises what it raises."""
        if self._run is None or self._run.done():
            self._outcome = []
            self._run = self._tasks.spawn(self._fly(work, self._outcome), name=self._name)
        return await self._land(self._run, self._outcome)

    async def _fly(self, work: Work[T], outcome: list[T | AppError]) -> None:
        try:
            outcome.append(await work())
        except AppError as error:
            outcome.append(error)

    async def _land(self, run: asyncio.Task[None], outcome: list[T | AppError]) -> T:
        try:
            await asyncio.shield(run)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if run.cancelled() and caller is not None and not caller.cancelling():
                raise self._stopped(f"{self._name} was stopped.") from None
            raise
        (landed,) = outcome
        if isinstance(landed, AppError):
            raise landed
        return landed
