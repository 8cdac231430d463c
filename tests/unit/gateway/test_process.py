"""What a worker says of its own process."""

import os
from pathlib import Path

from spark_control.gateway.wire import Process
from spark_control.gateway.worker.process import look


def test_this_process() -> None:
    seen = look()
    assert seen.rss_bytes > 5_000_000
    assert seen.cpu_s > 0
    assert 0 < seen.open_fds <= seen.max_fds
    assert seen.started_at > 1_600_000_000


def test_a_name_with_brackets(tmp_path: Path) -> None:
    fields = [str(number) for number in range(4, 53)]
    (tmp_path / "stat").write_text(f"7 (od) d (x) S {' '.join(fields)}")
    (tmp_path / "boot").write_text("cpu 1 2\nbtime 1700000000\n")
    (tmp_path / "fd").mkdir()
    (tmp_path / "fd" / "0").touch()
    seen, tick = look(tmp_path, tmp_path / "boot"), os.sysconf("SC_CLK_TCK")
    assert (seen.cpu_s, seen.open_fds) == ((14 + 15) / tick, 1)
    assert seen.started_at == 1_700_000_000 + 22 / tick
    (tmp_path / "boot").write_text("cpu 1 2\n")
    assert look(tmp_path, tmp_path / "boot").started_at == 0


def test_nothing_is_known_without_proc(tmp_path: Path) -> None:
    assert look(tmp_path) == Process()
    (tmp_path / "stat").write_text("7 (x) S 1")
    (tmp_path / "boot").write_text("")
    assert look(tmp_path, tmp_path / "boot") == Process()
