"""The words of `pkill`."""

import signal

import pytest

from spark_control.lab.standins.pkill import Hunt, parse, signal_number


@pytest.mark.parametrize(
    ("words", "hunt"),
    [
        (["-TERM", "-f", "vllm serve"], Hunt("vllm serve", signal.SIGTERM, whole=True)),
        (["-9", "x"], Hunt("x", 9)),
        (["--signal", "KILL", "-x", "x"], Hunt("x", signal.SIGKILL, exact=True)),
        (["-cf", "x"], Hunt("x", signal.SIGTERM, whole=True, counted=True)),
        ([], Hunt()),
    ],
)
def test_parse(words: list[str], hunt: Hunt) -> None:
    assert parse(words) == hunt


def test_signal_number() -> None:
    assert [signal_number(word) for word in ("-9", "TERM", "-SIGINT", "-f")] == [9, 15, 2, 0]


def test_processes_that_are_gone_have_no_name() -> None:
    assert not Hunt("x").meets(999_999_999)
    assert Hunt("").meets(999_999_999)
    assert not Hunt("x", whole=True, exact=True).meets(999_999_999)
