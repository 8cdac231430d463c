"""The lab as the benchmarks run it."""

from pathlib import Path

from bench import lab


def test_a_lab_without_models(tmp_path: Path) -> None:
    with lab.running(tmp_path / "lab", 2) as there:
        assert [spark.name for spark in there.sparks] == ["spark1", "spark2"]
        hubs = [home / ".cache/huggingface/hub" for home in there.homes]
        assert [list(hub.glob("models--*")) for hub in hubs] == [[], []]


def test_a_lab_with_all_models(tmp_path: Path) -> None:
    with lab.running(tmp_path / "lab", 1, models=None) as there:
        assert list((there.homes[0] / ".cache/huggingface/hub").glob("models--*"))
