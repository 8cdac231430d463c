"""Logs of jobs: bounded, and never in the way of the job."""

import os
from pathlib import Path

from spark_control.jobs.adapters.log_files import KEEP, LogFile, LogFiles


async def test_a_log_is_kept_and_read_from_its_end(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "logs")
    log = logs.open("sw_1")
    for n in range(5):
        log.write(f"line {n}")
    log.close()
    assert await logs.tail("sw_1", 2) == ["line 3", "line 4"]
    assert await logs.tail("sw_2", 2) == []


def test_a_full_disk_is_no_matter() -> None:
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - the log closes it
    log = LogFile(full, 1000)
    log.write("one")
    log.write("two")
    log.close()


def test_a_log_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    log = LogFile(path.open("w", encoding="utf-8"), 12)
    for text in ("123456", "123456789", "more"):
        log.write(text)
    assert path.read_text() == "123456\n(log cut here: too long)\n"


def test_a_folder_that_cannot_be_made_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = LogFiles(tmp_path / "file" / "logs").open("sw_1")
    log.write("nothing")
    log.close()


def test_the_oldest_go(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path)
    for n in range(KEEP + 3):
        logs.open(f"sw_{n:03}").close()
        os.utime(tmp_path / f"sw_{n:03}.log", (n, n))
    left = sorted(path.stem for path in tmp_path.glob("*.log"))
    assert (len(left), left[0]) == (KEEP, "sw_003")
