"""Faults are named, explained and read from a command line."""

import pytest

from spark_control.lab.errors import LabFaultUnknown
from spark_control.lab.faults import HELP, Fault, Wanted, help_text, named, parse


def test_every_fault_has_a_sentence() -> None:
    assert set(HELP) == set(Fault)
    assert help_text().count("\n") == len(Fault) - 1
    assert all(text.endswith(".") for text in HELP.values())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("offline@spark2", Wanted(Fault.OFFLINE, "spark2")),
        ("slow=5@spark1", Wanted(Fault.SLOW, "spark1", "5")),
        ("cut=bytes 40@spark1", Wanted(Fault.CUT, "spark1", "bytes 40")),
        ("cut=a@b=c@spark1", Wanted(Fault.CUT, "spark1", "a@b=c")),
    ],
)
def test_parse(text: str, wanted: Wanted) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize("text", ["offline", "offline@", "@spark1", "gremlins@spark1", ""])
def test_what_is_no_fault(text: str) -> None:
    with pytest.raises(LabFaultUnknown):
        parse(text)


def test_named() -> None:
    assert named("never-ready") is Fault.NEVER_READY
