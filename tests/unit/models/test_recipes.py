"""Recipe documents: good entries are used, bad ones are named."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import NO_KNOBS, Catalogue, Knobs, Mode, Origin, Recipe
from spark_control.models.errors import BadRecipe
from spark_control.models.recipes import read_bundled, read_overrides, recipe_of, with_knob

GOOD: Mapping[str, object] = {"key": "a", "name": "A", "repo": "org/a"}
BUNDLED = read_bundled(
    {
        "models": [
            {**GOOD, "vllm_args": ["--seed", 1], "notes": "first", "env": {"X": 1}},
            {"key": "b", "name": "B", "local_path": "/m/b", "mode": "cluster"},
        ]
    },
    source="models.yaml",
)


def reasons(catalogue: Catalogue) -> dict[str | None, str]:
    return {problem.entry: problem.reason for problem in catalogue.problems}


def by_key(catalogue: Catalogue) -> dict[str, Recipe]:
    return {recipe.key: recipe for recipe in catalogue.recipes}


def test_all_fields() -> None:
    entry = {
        **GOOD, "mode": "cluster", "vllm_args": ["--x", 1], "env": {"X": "y"}, "image": "i:1",
        "mods": ["mods/m"], "notes": " n ",
    }  # fmt: skip
    assert recipe_of(entry, origin=Origin.CUSTOM) == Recipe(
        key="a", name="A", mode=Mode.CLUSTER, repo="org/a", vllm_args=("--x", "1"),
        env=(("X", "y"),), image="i:1", mods=("mods/m",), notes="n", origin=Origin.CUSTOM,
    )  # fmt: skip


def test_a_recipe_without_name_is_called_after_its_repo() -> None:
    assert recipe_of({"key": "a", "repo": "org/a"}, origin=Origin.CUSTOM).name == "org/a"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"key": "a"},
        {"key": "a", "repo": "org/a", "local_path": "/m/a"},
        {"key": "lock", "repo": "org/a"},
        {"key": "a", "repo": "../a"},
        {"key": "a", "local_path": "m/a"},
        {**GOOD, "mode": "both"},
        {**GOOD, "vllm_args": "--seed 1"},
        {**GOOD, "vllm_args": ["-tp", "2"]},
        {**GOOD, "env": ["X=1"]},
        {**GOOD, "image": "a b"},
        {**GOOD, "mods": "m"},
        {**GOOD, "notes": 1},
        {**GOOD, "name": ""},
        {"key": "a", "local_path": "/m/a", "vllm_args": ["--chat-template", "/etc/passwd"]},
    ],
)
def test_a_bad_recipe_is_refused_whole(entry: Mapping[str, object]) -> None:
    with pytest.raises(BadRecipe):
        recipe_of(entry, origin=Origin.CUSTOM)


def test_bundled_recipes() -> None:
    assert [(r.key, r.origin) for r in BUNDLED.recipes] == [
        ("a", Origin.BUNDLED), ("b", Origin.BUNDLED),
    ]  # fmt: skip
    assert BUNDLED.problems == ()


def test_a_key_bundled_twice_keeps_the_first() -> None:
    read = read_bundled({"models": [GOOD, {**GOOD, "name": "Again"}]}, source="m")
    assert by_key(read)["a"].name == "A"
    assert "twice" in reasons(read)["a"]


def test_a_bad_entry_is_skipped_and_the_rest_stays() -> None:
    document = {
        "models": {
            "good": {"name": "Good", "repo": "org/good"},
            "broken": {"name": "Neither repo nor path"},
            "word": "no fields",
            "Bad Key": {"repo": "org/x"},
            7: {"repo": "org/x"},
            (1, 2): {"repo": "org/x"},
            "odd": {"repo": "org/odd", "colour": "red", "speed": 1},
        }
    }
    read = read_overrides(document, BUNDLED, source="o.yaml")
    assert list(by_key(read)) == ["a", "b", "good", "odd"]
    found = reasons(read)
    assert "Exactly one of repo and local_path" in found["broken"]
    assert "fields" in found["word"]
    assert "key must be" in found["Bad Key"]
    assert "key must be" in found["7"]
    assert "key must be" in found["an entry"]
    assert found["odd"] == "Not known and not used: colour, speed."
    assert {problem.source for problem in read.problems} == {"o.yaml"}


def test_an_entry_over_a_bundled_one_changes_only_what_it_names() -> None:
    document = {"models": {"a": {"vllm_args": ["--seed", 2]}, "b": {"repo": "org/b"}}}
    read = by_key(read_overrides(document, BUNDLED, source="o"))
    assert read["a"].vllm_args == ("--seed", "2")
    assert (read["a"].repo, read["a"].notes, read["a"].origin) == (
        "org/a",
        "first",
        Origin.BUNDLED,
    )
    assert (read["b"].repo, read["b"].local_path, read["b"].mode) == ("org/b", None, Mode.CLUSTER)


def test_a_repo_can_become_a_folder() -> None:
    read = read_overrides({"models": {"a": {"local_path": "/m/a"}}}, BUNDLED, source="o")
    assert (by_key(read)["a"].repo, by_key(read)["a"].local_path) == (None, "/m/a")


def test_a_bad_entry_over_a_bundled_one_leaves_the_bundled_one() -> None:
    read = read_overrides({"models": {"a": {"mode": "both"}}}, BUNDLED, source="o")
    assert by_key(read)["a"] == by_key(BUNDLED)["a"]
    assert "mode" in reasons(read)["a"]


def test_the_legacy_sample() -> None:
    document = {
        "knobs": {
            "qwen36": {
                "max_model_len": 131072, "gpu_memory_utilization": 0.8, "fastsafetensors": True,
                "prefix_caching": True, "kv_cache_fp8": False,
            }
        },
        "models": {
            "my-finetune": {
                "name": "My fine-tune", "local_path": "/home/user/models/my-finetune",
                "mode": "solo",
                "vllm_args": [
                    "--max-model-len", "32768",
                    "--chat-template", "/home/user/models/my-finetune/template.jinja",
                ],
            },
            "broken-entry": {"name": "Neither repo nor path"},
        },
    }  # fmt: skip
    bundled = read_bundled({"models": [{"key": "qwen36", "repo": "Qwen/Q"}]}, source="m")
    read = read_overrides(document, bundled, source="o")
    assert list(by_key(read)) == ["qwen36", "my-finetune"]
    assert read.knobs == {
        "qwen36": Knobs(131072, 0.8, fastsafetensors=True, prefix_caching=True, kv_cache_fp8=False)
    }
    assert list(reasons(read)) == ["broken-entry"]


def test_knobs_of_a_dropped_key_are_kept_and_reported() -> None:
    read = read_overrides({"knobs": {"gone": {"max_model_len": 5}}}, BUNDLED, source="o")
    assert read.knobs["gone"] == Knobs(max_model_len=5)
    assert "kept" in reasons(read)["gone"]


def test_a_bad_knob_leaves_the_others() -> None:
    knobs = {"max_model_len": "x", "prefix_caching": True, "kv_cache_fp8": None, "turbo": 1}
    read = read_overrides({"knobs": {"a": knobs, "b": 7}}, BUNDLED, source="o")
    assert read.knobs == {"a": Knobs(prefix_caching=True)}
    assert [problem.entry for problem in read.problems] == ["a", "a", "b"]
    assert "turbo" in read.problems[1].reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_model_len", True), ("max_model_len", 0), ("max_model_len", 1.5),
        ("max_model_len", "32k"), ("gpu_memory_utilization", True),
        ("gpu_memory_utilization", 0), ("gpu_memory_utilization", 1.01),
        ("gpu_memory_utilization", "0.8"), ("gpu_memory_utilization", float("nan")),
        ("fastsafetensors", 1), ("prefix_caching", "on"), ("kv_cache_fp8", 0),
    ],
)  # fmt: skip
def test_bad_knobs(name: str, value: object) -> None:
    with pytest.raises(BadRecipe, match=name):
        with_knob(NO_KNOBS, name, value)


def test_good_knobs() -> None:
    knobs = NO_KNOBS
    for name, value in {
        "max_model_len": 5, "gpu_memory_utilization": 1, "fastsafetensors": True,
        "prefix_caching": False, "kv_cache_fp8": True,
    }.items():  # fmt: skip
        knobs = with_knob(knobs, name, value)
    assert knobs == Knobs(5, 1.0, fastsafetensors=True, prefix_caching=False, kv_cache_fp8=True)


@pytest.mark.parametrize("document", [None, {}, {"models": None, "knobs": None}])
def test_an_empty_file_is_fine(document: object) -> None:
    read = read_overrides(document, BUNDLED, source="o")
    assert (read.recipes, read.problems) == (BUNDLED.recipes, ())


@pytest.mark.parametrize("document", [[], "text", 7, True])
def test_a_file_of_another_shape_is_one_problem(document: object) -> None:
    read = read_overrides(document, BUNDLED, source="o")
    assert read.recipes == BUNDLED.recipes
    assert len(read.problems) == 1


def test_sections_of_another_shape_and_unknown_sections_are_reported() -> None:
    read = read_overrides({"models": 7, "knobs": "x", "themes": {}}, BUNDLED, source="o")
    assert [problem.reason for problem in read.problems] == [
        "`models:` and `knobs:` must hold entries by key.",
        "`models:` and `knobs:` must hold entries by key.",
        "Not known and not used: themes.",
    ]


def test_custom_entries_may_be_a_list_too() -> None:
    read = read_overrides({"models": [{"key": "c", "repo": "org/c"}, 7]}, BUNDLED, source="o")
    assert by_key(read)["c"].origin is Origin.CUSTOM
    assert "fields" in reasons(read)["entry 2"]


def test_problems_of_the_bundled_file_are_carried_on() -> None:
    bundled = read_bundled({"models": [{"key": "x"}]}, source="models.yaml")
    read = read_overrides(None, bundled, source="o")
    assert read.problems == bundled.problems


YAMLISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["models", "knobs", "a", "repo", "key", "vllm_args", "env"]),
                st.text(max_size=4),
                st.integers(),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(YAMLISH)
def test_no_document_takes_the_bundled_recipes_away(document: object) -> None:
    read = read_overrides(document, BUNDLED, source="o")
    assert {"a", "b"} <= set(by_key(read))
