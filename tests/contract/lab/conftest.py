"""A lab for each test, in a folder with spaces and quotes, and proof that nothing outlives it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spark_control.lab.world import Lab
from tests.contract.lab.near import PUBLIC, Near, survivors


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    state = tmp_path / "a lab's state"
    async with Lab(
        state, authorized_keys=[PUBLIC], sparks=1, models=["smollm2", "gpt-oss-120b"]
    ) as running:
        yield running
    assert survivors(state) == []


@pytest.fixture
async def near(lab: Lab) -> Near:
    return Near(lab)
