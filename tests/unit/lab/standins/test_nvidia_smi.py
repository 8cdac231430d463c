"""`nvidia-smi` of the lab prints what a GB10 prints."""

from pathlib import Path

from spark_control.lab.standins.box import ANSWERS, Box
from spark_control.lab.standins.memory import Held
from spark_control.lab.standins.nvidia_smi import query_apps, query_gpu, reading, renew, table

ENGINE = Held(4711, 60.5, "serving")


def test_readings_follow_what_runs() -> None:
    for tick in range(20):
        idle, loaded = reading([], tick), reading([ENGINE._replace(busy=2)], tick)
        assert (idle.percent, idle.watts < 5, idle.state) == (0, True, "P8")
        assert 90 <= loaded.percent <= 100
        assert loaded.watts < 100
        assert 35 < reading([ENGINE._replace(state="loading")], tick).watts < 45
        waiting = reading([ENGINE], tick)
        assert (waiting.percent, 11 < waiting.watts < 13) == (0, True)


def test_query_gpu() -> None:
    now = reading([], 0)
    names = ["name", "memory.used", "utilization.gpu", "power.draw"]
    bare, status = query_gpu(names, {"csv", "noheader", "nounits"}, now)
    assert (bare, status) == ("NVIDIA GB10, [N/A], 0, 3.80\n", 0)
    full, _ = query_gpu(names, {"csv"}, now)
    assert full == (
        "name, memory.used, utilization.gpu [%], power.draw [W]\nNVIDIA GB10, [N/A], 0 %, 3.80 W\n"
    )
    assert query_gpu(["wrong"], set(), now)[1] == 2


def test_query_apps() -> None:
    names = ["pid", "process_name", "used_memory"]
    text, status = query_apps(names, {"csv", "noheader", "nounits"}, [ENGINE])
    assert (text, status) == ("4711, VLLM::EngineCore, 61952\n", 0)
    assert query_apps(names, {"csv"}, [])[0] == "pid, process_name, used_memory [MiB]\n"
    assert query_apps(["wrong"], set(), [ENGINE])[1] == 2


def test_the_table_is_straight() -> None:
    for engines in ([], [ENGINE]):
        rows = table(reading(engines, 3), engines, "today").splitlines()[1:]
        assert {len(row) for row in rows if row} == {91}
        assert any("Not Supported" in row for row in rows)


def test_what_was_asked_is_answered_anew(tmp_path: Path) -> None:
    box = Box(tmp_path)
    renew(box, [ENGINE])  # nothing was asked yet
    words = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    box.remember(words, "old")
    box.remember(["--query-gpu=name, count"], "a blank in a word: not kept")
    renew(box, [ENGINE])
    (kept,) = (tmp_path / ANSWERS).iterdir()
    assert (kept.name, kept.read_text()) == (" ".join(words), "4711, 61952\n")
