"""The recipes that come with Spark Control keep the rules of all, and some of their own."""

import itertools
import re
from importlib.resources import files

import pytest
import yaml

from spark_control.models.domain import Mode, Recipe
from spark_control.models.flags import family, find
from spark_control.models.recipes import read_bundled

TEXT = (files("spark_control.models") / "models.yaml").read_text("utf-8")
CATALOGUE = read_bundled(yaml.safe_load(TEXT), source="models.yaml")
RECIPES = {recipe.key: recipe for recipe in CATALOGUE.recipes}
# Images in, or layers that keep a state: known from the models' own configurations.
LARGE_BATCH = {"qwen36", "gemma4", "qwen3-vl", "qwen3-coder-next", "nemotron-3-super"}


def value(recipe: Recipe, flag: str) -> str | None:
    uses = find(recipe.vllm_args, family(flag))
    assert len(uses) <= 1, f"{recipe.key} sets {flag} twice"
    return uses[0].value if uses else None


def test_eight_recipes_and_nothing_wrong_with_them() -> None:
    assert CATALOGUE.problems == ()
    assert len(RECIPES) == 8
    assert {"qwen36", "gemma4", "qwen3-vl", "gpt-oss-120b", "gpt-oss-20b"} <= set(RECIPES)
    assert Mode.CLUSTER in {recipe.mode for recipe in RECIPES.values()}


def test_every_recipe_says_where_it_comes_from() -> None:
    entries = TEXT.split("  - key: ")
    for before, entry in itertools.pairwise(entries):
        key = entry.split("\n", 1)[0]
        comment = " ".join(before.rpartition("\n\n")[2].replace("#", "").split())
        assert re.search(r"\bSource: [\w.-]+/[\w.-]+ .* at [0-9a-f]{8}\b", comment), key


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_rules_of_a_bundled_recipe(recipe: Recipe) -> None:
    assert recipe.repo is not None
    assert "/" in recipe.repo
    assert recipe.notes
    assert recipe.image is None, "the image is the operator's choice"
    assert (recipe.key in LARGE_BATCH) == (value(recipe, "--max-num-batched-tokens") == "16384")
    assert value(recipe, "--tool-call-parser")
    assert "--enable-auto-tool-choice" in recipe.vllm_args
    # Above 0.85 the rest of the machine has too little left, see the fit rules.
    assert 0.3 <= float(value(recipe, "--gpu-memory-utilization") or 0) <= 0.85
    assert int(value(recipe, "--max-model-len") or 0) >= 128000


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_value_follows_its_flag_and_no_flag_is_said_twice(recipe: Recipe) -> None:
    flags = [word for word in recipe.vllm_args if word.startswith("-")]
    assert len(flags) == len(set(flags))
    assert all(word.startswith("--") for word in flags)
    pairs = itertools.pairwise(recipe.vllm_args)
    assert not any(not a.startswith("-") and not b.startswith("-") for a, b in pairs)
