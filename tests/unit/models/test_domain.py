"""Keys and sources of models and recipes."""

import pytest

from spark_control.models.domain import Model, Recipe, is_key


@pytest.mark.parametrize("key", ["a", "qwen3-vl", "gpt-oss-120b", "x" * 64, "v0.3_b"])
def test_a_slug_is_a_key(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize(
    "key", ["", "x" * 65, "Qwen", "a b", "a/b", "ä", "a\n", "-a", "lock", "suggest", ".", ".."]
)
def test_reserved_words_and_other_characters_are_no_keys(key: str) -> None:
    assert not is_key(key)


def test_the_source_is_what_vllm_loads() -> None:
    assert Recipe(key="a", name="A", repo="org/a").source == "org/a"
    assert Recipe(key="a", name="A", local_path="/m/a").source == "/m/a"
    assert Recipe(key="a", name="A").source == ""
    assert Model(key="a", name="A", repo="org/a").source == "org/a"
    assert Model(key="a", name="A", local_path="/m/a").source == "/m/a"
    assert Model(key="a", name="A").source == ""
