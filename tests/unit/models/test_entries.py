"""A recipe goes into the document and comes out; everything else stays as it is."""

import pytest

from spark_control.models.domain import Mode, Origin, Recipe
from spark_control.models.entries import entry_of, with_entry, without_entry
from spark_control.models.errors import OverridesUnreadable
from spark_control.models.recipes import recipe_of

MINE = Recipe(
    key="mine", name="Mine", repo="org/mine", mode=Mode.CLUSTER, vllm_args=("--x", "1"),
    env=(("A", "b"),), image="i", mods=("mods/m",), notes="Good.",
)  # fmt: skip
ENTRY = {
    "name": "Mine", "repo": "org/mine", "mode": "cluster", "vllm_args": ["--x", "1"],
    "env": {"A": "b"}, "image": "i", "mods": ["mods/m"], "notes": "Good.",
}  # fmt: skip


def test_what_is_written_is_what_is_read() -> None:
    assert entry_of(MINE) == ENTRY
    assert recipe_of({"key": "mine", **entry_of(MINE)}, origin=Origin.CUSTOM) == MINE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {"models": {"mine": ENTRY}}),
        ({"models": None}, {"models": {"mine": ENTRY}}),
        ({"z": 1, "knobs": {"a": {}}}, {"z": 1, "knobs": {"a": {}}, "models": {"mine": ENTRY}}),
        ({"models": {"b": 1, "mine": 2, "c": 3}}, {"models": {"b": 1, "mine": ENTRY, "c": 3}}),
        ({"models": [{"key": "b"}, 7]}, {"models": [{"key": "b"}, 7, {"key": "mine", **ENTRY}]}),
        (
            {"models": [{"key": "mine"}, {"key": "b"}]},
            {"models": [{"key": "mine", **ENTRY}, {"key": "b"}]},
        ),
    ],
)
def test_put_in(before: object, after: object) -> None:
    found = with_entry(before, MINE)
    assert found == after
    assert list(found) == list(after)


@pytest.mark.parametrize("document", [[], "text", 7, {"models": "text"}])
def test_a_document_of_another_kind_is_left_alone(document: object) -> None:
    with pytest.raises(OverridesUnreadable):
        with_entry(document, MINE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        ({"models": "text"}, None),
        ({"models": {"b": 1}}, None),
        ({"models": [{"key": "b"}]}, None),
        ({"models": {"mine": 1, "b": 2}, "z": 3}, {"models": {"b": 2}, "z": 3}),
        ({"models": [{"key": "mine"}, {"key": "b"}]}, {"models": [{"key": "b"}]}),
    ],
)
def test_take_out(before: object, after: object) -> None:
    assert without_entry(before, "mine") == after
