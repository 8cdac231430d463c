"""The one memory of a Spark."""

from pathlib import Path

from spark_control.lab.standins import memory
from spark_control.lab.standins.box import Box
from spark_control.lab.standins.memory import Held, available_gib, meminfo


def test_available_goes_with_engines() -> None:
    free = available_gib([])
    assert 116 < free < 118
    assert available_gib([Held(1, 60.0, "serving")]) == free - 60.0 - memory.HOST_SIDE_GIB
    assert available_gib([Held(1, 500.0, "serving")]) == 0.4
    assert available_gib([], starved=True) == memory.STARVED_GIB


def test_meminfo_has_the_rows_that_are_read() -> None:
    rows = dict(row.split(":") for row in meminfo(100.0).splitlines())
    assert rows["MemTotal"].split() == [str(memory.TOTAL_KIB), "kB"]
    assert rows["MemAvailable"].split() == [str(100 * 2**20), "kB"]
    assert int(rows["MemFree"].split()[0]) < 100 * 2**20
    assert "kB" not in rows["HugePages_Total"]
    low = dict(row.split(":") for row in meminfo(1.0).splitlines())
    assert int(low["SwapFree"].split()[0]) < int(low["SwapTotal"].split()[0])


def test_engines_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    box = Box(tmp_path)
    (tmp_path / "engines").mkdir()
    memory.report(box, Held(999_999_999, 3.0, "loading"))
    assert memory.engines(box) == []
    assert list((tmp_path / "engines").iterdir()) == []
    memory.refresh(box)
    assert memory.free_now(box) == available_gib([])
