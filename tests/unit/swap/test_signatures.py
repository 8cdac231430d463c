"""The table of signatures: what a sentence may fill in, and the one value that is reckoned."""

import re

import pytest

from spark_control.swap.signatures import SIGNATURES, Signature

EXTRA = {"memory_taken": {"lower"}}


@pytest.mark.parametrize("one", SIGNATURES, ids=lambda one: str(one.code))
def test_sentences_use_only_what_the_pattern_gives(one: Signature) -> None:
    wanted = set(re.findall(r"\{(\w+)\}", one.says + one.remedy))
    assert wanted <= set(one.pattern.groupindex) | EXTRA.get(one.code, set())


@pytest.mark.parametrize("one", SIGNATURES, ids=lambda one: str(one.code))
def test_sentences_are_sentences(one: Signature) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", one.code)
    assert one.title[0].isupper()
    assert not one.title.endswith(".")
    assert one.remedy.endswith(".")
    assert one.says.endswith((".", "{words}"))


def test_the_share_that_is_still_free() -> None:
    taken = next(one for one in SIGNATURES if one.code == "memory_taken")
    assert taken.more is not None
    assert taken.more({"free": "93.71", "total": "121.69"}) == {
        "lower": ", or set the memory share to 0.77 at most"
    }
    assert taken.more({"free": "2.50", "total": "121.69"}) == {"lower": ""}
