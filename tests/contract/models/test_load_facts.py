"""What engines said of their memory outlives a restart, and a bad file does no harm."""

import asyncio
from pathlib import Path

import pytest

from spark_control.models.adapters.load_facts import MOST, JsonLoadFacts
from spark_control.models.domain import Measured

SEEN = Measured(30, 20, 10)


def test_a_reading_is_there_after_a_restart(tmp_path: Path) -> None:
    facts = JsonLoadFacts(tmp_path / "f.json")
    assert facts.get("a:1") is None
    asyncio.run(facts.keep("a:1", SEEN))
    asyncio.run(facts.keep("a:1", SEEN))
    assert facts.get("a:1") == JsonLoadFacts(tmp_path / "f.json").get("a:1") == SEEN


def test_the_oldest_go_first(tmp_path: Path) -> None:
    facts = JsonLoadFacts(tmp_path / "f.json")

    async def many() -> None:
        for number in range(MOST + 2):
            await facts.keep(f"a:{number}", SEEN)

    asyncio.run(many())
    again = JsonLoadFacts(tmp_path / "f.json")
    assert (again.get("a:1"), again.get("a:2")) == (None, SEEN)


@pytest.mark.parametrize("text", ["", "[", "[]", '{"a:1": 7}', "\xff"])
def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.json").write_bytes(text.encode("latin-1"))
    assert JsonLoadFacts(tmp_path / "f.json").get("a:1") is None


def test_odd_values_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text('{"a:1": {"weight_bytes": "x", "kv_bytes": 7, "new": 1}}')
    assert JsonLoadFacts(tmp_path / "f.json").get("a:1") == Measured(None, 7, None)


def test_a_place_that_cannot_be_written_only_loses_the_reading(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    facts = JsonLoadFacts(tmp_path / "file" / "f.json")
    asyncio.run(facts.keep("a:1", SEEN))
    assert facts.get("a:1") == SEEN
