"""Option tables of images, kept in a folder."""

import asyncio
import json
from pathlib import Path

import pytest

from spark_control.swap.adapters.option_tables import OptionTables

IMAGE = "sha256:" + "ab" * 32
RAW = {"version": "7", "options": [{"flags": ["--new"], "values": "one"}]}


async def test_a_table_outlives_a_restart(tmp_path: Path) -> None:
    tables = OptionTables(tmp_path / "tables")
    assert tables.packaged.version == "0.33.0"
    assert await tables.of(IMAGE) is None
    await tables.keep(IMAGE, RAW)
    for one in (tables, OptionTables(tmp_path / "tables")):
        table = await one.of(IMAGE)
        assert table is not None
        assert table.version == "7"


async def test_a_file_that_cannot_be_used_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    for text in ("{", "[]", json.dumps({"options": []})):
        (tmp_path / f"{'ab' * 32}.json").write_text(text)
        assert await OptionTables(tmp_path).of(IMAGE) is None


async def test_what_another_reader_kept_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / f"{'ab' * 32}.json"
    await OptionTables(tmp_path).keep(IMAGE, RAW)
    kept = json.loads(path.read_text())
    assert kept["table"] == RAW
    for other in (RAW, kept | {"reader": "older"}):  # a bare table is how it was kept before
        path.write_text(json.dumps(other))
        tables = OptionTables(tmp_path)
        assert await tables.of(IMAGE) is None
        await tables.keep(IMAGE, RAW)
        assert await OptionTables(tmp_path).of(IMAGE) is not None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "latest", "sha256:zz"])
def test_what_is_no_digest_names_no_file(tmp_path: Path, name: str) -> None:
    async def kept() -> object:
        tables = OptionTables(tmp_path)
        await tables.keep(name, RAW)
        return await tables.of(name)

    assert asyncio.run(kept()) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_cannot_be_written_costs_only_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")
    tables = OptionTables(tmp_path / "tables")
    await tables.keep(IMAGE, RAW)
    assert await tables.of(IMAGE) is not None
