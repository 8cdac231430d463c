"""Tasks have an owner, and nothing is left running."""

import asyncio

import pytest

from spark_control.core.tasks import Tasks, run_unless


async def forever() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    return


async def broken() -> None:
    raise ValueError("broken")


async def test_close_ends_what_runs() -> None:
    tasks = Tasks("owner")
    task = tasks.spawn(forever(), name="wait")
    assert tasks.names() == ["owner: wait"]
    await tasks.close()
    assert task.cancelled()
    assert tasks.names() == []


async def test_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks("owner")
    await asyncio.wait([tasks.spawn(broken(), name="b")])
    await tasks.close()
    assert "owner: b" in caplog.text


async def test_work_that_ends_first() -> None:
    assert await run_unless(nothing(), forever()) is True


async def test_stop_that_comes_first() -> None:
    assert await run_unless(forever(), nothing()) is False


async def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="broken"):
        await run_unless(broken(), forever())
