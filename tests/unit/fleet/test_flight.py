"""One run for all who ask at the same time."""

import asyncio

import pytest

from spark_control.core.errors import BadInput, Unavailable
from spark_control.core.tasks import Tasks
from spark_control.fleet.flight import Flight


class Work:
    """Counts how often it ran; ends when it is let."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate = asyncio.Event()
        self.error: BadInput | None = None

    async def __call__(self) -> int:
        self.runs += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.runs


@pytest.fixture
def tasks() -> Tasks:
    return Tasks("test")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def flight(tasks: Tasks) -> Flight[int]:
    return Flight[int](tasks, "work", stopped=Unavailable)


async def test_those_who_come_meanwhile_share_the_run(flight: Flight[int], work: Work) -> None:
    both = asyncio.gather(flight.join(work), flight.join(work))
    work.gate.set()
    assert list(await both) == [1, 1]
    assert await flight.join(work) == 2


async def test_everyone_gets_the_error(flight: Flight[int], work: Work) -> None:
    work.error = BadInput("no")
    both = asyncio.gather(flight.join(work), flight.join(work), return_exceptions=True)
    work.gate.set()
    assert list(await both) == [work.error, work.error]


async def test_who_leaves_leaves_the_run_to_the_others(
    flight: Flight[int], work: Work, tasks: Tasks
) -> None:
    async def ask() -> None:
        await flight.join(work)

    first = tasks.spawn(ask(), name="first")
    second = tasks.spawn(ask(), name="second")
    await asyncio.wait({first, second}, timeout=0)
    first.cancel()
    await asyncio.wait({first})
    work.gate.set()
    await second
    assert first.cancelled()
    assert work.runs == 1


async def test_a_run_that_is_stopped_is_an_error_and_no_cancel(
    flight: Flight[int], work: Work, tasks: Tasks
) -> None:
    asking = asyncio.gather(flight.join(work), return_exceptions=True)
    await asyncio.wait({asking}, timeout=0)
    await tasks.close()
    (stopped,) = await asking
    assert isinstance(stopped, Unavailable)
    work.gate.set()
    assert await flight.join(work) == 2
