"""The audit of what the locks hold."""

import pytest

from tools.audit import held, let_in, refusals, reported, verdict

LIST = refusals("# why\nh11<0.16  # smuggling\n\nlitellm==1.82.7,==1.82.8\n")
CLEAN = {"name": "idna", "version": "3.20", "vulns": []}
HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2"], "description": "…"}
BAD = {"name": "h11", "version": "1", "vulns": [HOLE]}
SKIPPED = {"name": "own", "skip_reason": "not found"}


def test_the_list_is_read() -> None:
    assert [str(one) for one in LIST] == ["h11<0.16", "litellm==1.82.7", "litellm==1.82.8"]


@pytest.mark.parametrize(
    ("locked", "found"),
    [
        ({"h11": "0.16.0"}, 0), ({"h11": "0.14.0"}, 1), ({"h11": "0.15.0rc1"}, 1),
        ({"litellm": "1.82.8"}, 1), ({"litellm": "1.82.9"}, 0), ({}, 0),
    ],
)  # fmt: skip
def test_what_a_lock_holds(locked: dict[str, str], found: int) -> None:
    assert len(held(locked, LIST)) == found


@pytest.mark.parametrize(
    ("wish", "why"),
    [("h11>=0.16", ""), ("H11>=0.14,<1", "lets in"), ("h11<1", "no floor"), ("idna", "")],
)
def test_what_a_floor_lets_in(wish: str, why: str) -> None:
    found = let_in([wish], LIST)
    assert (len(found), why in "".join(found)) == (1 if why else 0, True)


def test_what_the_index_knows() -> None:
    bad, answered, open_ = reported({"dependencies": [CLEAN, BAD, SKIPPED]})
    assert bad == ["h11 1: PYSEC-1, CVE-1; fixed in 2"]
    assert (answered, open_) == (2, ["own"])


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "NOT CHECKED with the index: cut off"),
        ({"dependencies": [SKIPPED]}, "NOT CHECKED: the index does not answer"),
        ({"dependencies": [CLEAN]}, "1 packages asked about, 0 known"),
        ({"dependencies": [CLEAN, SKIPPED]}, "unknown to the index: own"),
        ({"dependencies": [CLEAN, BAD]}, "h11 1: PYSEC-1"),
    ],
)
def test_only_what_is_known_is_a_failure(report: dict[str, object] | None, said: str) -> None:
    told, failed = verdict(report, "cut off")
    assert said in "\n".join(told)
    assert failed is ("PYSEC" in said)
