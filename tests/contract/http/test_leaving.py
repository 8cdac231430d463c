"""A worker that is told to leave."""

import asyncio
from pathlib import Path

import pytest

from spark_control.gateway.adapters.worker_processes import there
from spark_control.gateway.wire import Leave, line
from tests.contract.http.process import started


@pytest.mark.parametrize("patient", [True, False])
async def test_before_it_was_told_anything_else(
    tmp_path: Path, patient: bool  # noqa: FBT001 - a column
) -> None:  # fmt: skip
    """It has never listened; it ends nevertheless, and leaves no note of itself."""

    async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(line(Leave(patient=patient)))
        await reader.read()
        writer.close()

    async with started(tmp_path, link) as process:
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert there(tmp_path) == []
