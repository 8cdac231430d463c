"""Recipes of spark-vllm-docker: what is read of them, what is left out, what is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import Mode, Recipe, is_key
from spark_control.models.errors import BadRecipe
from spark_control.models.upstream import (
    IMPORTED,
    MOST,
    Import,
    documents,
    key_of,
    read_upstream,
    title_of,
)

SOLO = """\
# Recipe: Example-30B-NVFP4
recipe_version: "1"
name: Example-30B-NVFP4
description: >
  One node only.
  Cutlass backend.
model: example/Example-30B-NVFP4
container: vllm-node
solo_only: true
mods:
  - mods/fix-example
defaults:
  port: 8000
  host: 0.0.0.0
  tensor_parallel: 1
  gpu_memory_utilization: 0.7
  max_model_len: 262144
env:
  VLLM_USE_DEEP_GEMM: 0
  CUTEDSL_VERSION:
  HF_TOKEN: hf_secret
  CACHE: $HOME/cache
command: |
  # the command
  vllm serve example/Example-30B-NVFP4  \\
     --max-model-len {max_model_len} \\
     --port {port} --host {host} -tp {tensor_parallel} \\
     --served-model-name example other --trust-remote-code \\
     --compilation-config '{{"mode":"FULL", "ops":["all"]}}' \\
     --gpu-memory-utilization {gpu_memory_utilization}
"""
CLUSTER = """\
name: Big (2x)
model: example/Big
container: registry.example.org/vllm/big:1.2
cluster_only: true
build_args: [--tf5]
pull_image: true
recipe_version: 2
defaults: {tensor_parallel: 2, pipeline_parallel: 1}
command: |
  export VLLM_X=1
  NCCL_DEBUG=WARN exec vllm serve example/Big \\
    --tensor-parallel-size {tensor_parallel} --pipeline-parallel-size {pipeline_parallel} \\
    --distributed-executor-backend ray --api-key s3cret \\
    --speculative-config '{{
       "method": "mtp", "tokens": 3
    }}'
"""


def one(text: str) -> Import:
    (row,) = documents(text)
    return read_upstream(row)


def made(**fields: object) -> Import:
    plain = {"name": "X", "container": "vllm-node", "command": "vllm serve org/x --seed 1"}
    return read_upstream(plain | fields)


def why(**fields: object) -> tuple[str | None, str]:
    with pytest.raises(BadRecipe) as caught:
        made(**fields)
    return caught.value.param, caught.value.message


def reasons(found: Import) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for left in found.left:
        told.setdefault(left.field, []).append(left.reason)
    return told


def test_one_for_one_spark() -> None:
    found = one(SOLO)
    assert found.recipe == Recipe(
        key="example-30b-nvfp4", name="Example-30B-NVFP4", mode=Mode.SOLO,
        repo="example/Example-30B-NVFP4",
        vllm_args=(
            "--max-model-len", "262144", "--trust-remote-code", "--compilation-config",
            '{"mode":"FULL", "ops":["all"]}', "--gpu-memory-utilization", "0.7",
        ),
        env=(("VLLM_USE_DEEP_GEMM", "0"), ("CUTEDSL_VERSION", "")), mods=("mods/fix-example",),
        notes=f"One node only. Cutlass backend.\n{IMPORTED}",
    )  # fmt: skip
    told = reasons(found)
    assert [text.partition(":")[0] for text in told["env"]] == ["HF_TOKEN", "CACHE"]
    assert sorted(text.partition(":")[0] for text in told["command"]) == [
        "--host", "--port", "--served-model-name", "-tp",
    ]  # fmt: skip
    assert "hf_secret" not in str(found.left)


def test_one_for_several() -> None:
    found = one(CLUSTER)
    recipe = found.recipe
    assert (recipe.key, recipe.mode) == ("big-2x", Mode.CLUSTER)
    assert recipe.image == "registry.example.org/vllm/big:1.2"
    assert recipe.vllm_args == ("--speculative-config", '{"method": "mtp", "tokens": 3}')
    assert recipe.env == (("VLLM_X", "1"), ("NCCL_DEBUG", "WARN"))
    assert recipe.notes == IMPORTED
    told = reasons(found)
    assert {"build_args", "pull_image", "recipe_version"} <= set(told)
    assert len(told["command"]) == 4
    assert "s3cret" not in str(found)


def test_without_a_word_on_the_mode_it_is_for_one_spark() -> None:
    assert made().recipe.mode is Mode.SOLO
    found = made(defaults={"tensor_parallel": 2})
    assert (found.recipe.mode, list(reasons(found))) == (Mode.SOLO, ["defaults"])
    assert made(defaults={"tensor_parallel": 2}, solo_only=True).left == ()
    assert made(defaults={"tensor_parallel": 4}).recipe.mode is Mode.CLUSTER
    assert made(defaults=7).left == ()


def test_which_model() -> None:
    assert made(model="org/x").left == ()
    other = made(model="org/y")
    assert (other.recipe.repo, list(reasons(other))) == ("org/x", ["model"])
    inside = made(command="vllm serve /models/x", model="org/x")
    assert (inside.recipe.repo, list(reasons(inside))) == ("org/x", ["model"])
    local = made(command="vllm serve /home/user/models/x")
    assert (local.recipe.repo, local.recipe.local_path) == (None, "/home/user/models/x")
    assert made(command="vllm serve {model}", model="org/z").recipe.repo == "org/z"


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"command": None}, "command", "has `name`"),
        ({"name": None}, "name", "must be a text"),
        ({"container": None}, "container", "an image"),
        ({"container": "Bad Image"}, "container", "an image"),
        ({"mods": "mods/x"}, "mods", "a list"),
        ({"mods": ["../x"]}, "mods", "below"),
        ({"env": ["A=1"]}, "env", "names with values"),
        ({"command": "uvicorn server:app"}, "command", "no `vllm serve`"),
        ({"command": ""}, "command", "no `vllm serve`"),
        ({"command": "vllm serve"}, "command", "name the model"),
        ({"command": "vllm serve --seed 1"}, "command", "name the model"),
        ({"command": "vllm serve org/x {seed}"}, "command", "{seed}"),
        ({"command": "vllm serve org/x {a.b}", "defaults": {"a.b": 1}}, "command", "{a.b}"),
        ({"command": "vllm serve org/x {a!r}", "defaults": {"a": 1}}, "command", "{a}"),
        ({"command": "vllm serve org/x {a:>9}", "defaults": {"a": 1}}, "command", "{a}"),
        ({"command": "vllm serve org/x {a}", "defaults": {"a": []}}, "command", "{a}"),
        ({"command": "vllm serve org/x {"}, "command", "brace"),
        ({"command": "vllm serve org/x 'y"}, "command", "quote"),
        ({"command": "vllm serve org/x && reboot"}, "command", "`&&`"),
        ({"command": "vllm serve org/x > log"}, "command", "`>`"),
        ({"command": "vllm serve org/x; reboot"}, "command", "`;`"),
        ({"command": "pip install x\nvllm serve org/x"}, "command", "more than"),
        ({"command": "vllm serve org/x --seed $SEED"}, "command", "$SEED"),
        ({"command": "vllm serve org/x --seed `id`"}, "command", "fill in"),
        ({"command": "vllm serve org/x stray"}, "vllm_args", "start with a flag"),
        ({"command": "vllm serve org/x --a 'b\nc'"}, "vllm_args", "line break"),
        ({"command": "vllm serve org/x -pp 2"}, "command", "pipeline"),
        ({"command": "vllm serve org/x --data-parallel-size=2"}, "command", "data"),
        ({"command": "vllm serve /a/../b"}, "local_path", "`.`"),
        ({"command": "vllm serve /a --chat-template /b", }, "vllm_args", "inside"),
        ({"command": "vllm serve /a", "model": 7}, "repo", "org/name"),
    ],
)  # fmt: skip
def test_what_is_refused_names_its_field(fields: dict[str, object], param: str, says: str) -> None:
    found, message = why(**fields)
    assert found == param, message
    assert says in message


def test_a_text_with_several() -> None:
    assert len(documents(f"{SOLO}---\n{CLUSTER}---\n")) == 2
    assert len(documents("[{name: a}, {name: b}]")) == 2


@pytest.mark.parametrize("text", ["", "a: [", "a: \x00", "- x\n" * (MOST + 1), "[" * 2000])
def test_what_is_no_list_of_recipes(text: str) -> None:
    with pytest.raises(BadRecipe) as caught:
        documents(text)
    assert caught.value.param == "text"


def test_what_is_no_recipe() -> None:
    rows: list[object] = ["text", 7, {"vllm_args": []}]
    for row in rows:
        with pytest.raises(BadRecipe):
            read_upstream(row)


def test_names_for_sentences_and_keys() -> None:
    assert title_of({"name": "Big (2x)"}, 3) == "Big (2x)"
    rows: list[object] = [{"name": 7}, {"name": "a\nb"}, "text"]
    for row in rows:
        assert title_of(row, 3) == "recipe 3"
    assert key_of("Qwen3.8 Flash/Next!") == "qwen3.8-flash-next"
    assert key_of("lock") == "recipe-lock"
    assert key_of("日本") == "recipe"


@given(st.text(max_size=200))
def test_every_name_makes_a_key(name: str) -> None:
    assert is_key(key_of(name))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {"name": st.text(max_size=20), "container": st.sampled_from(["vllm-node", "x:1", ""]),
     "command": st.text(max_size=60) | st.text(alphabet="vlm res/{}\\\n'\"$-=;&#x", max_size=60)
     | st.text(max_size=40).map("vllm serve org/x {}".format)},
    optional=dict.fromkeys(
        ("model", "mods", "defaults", "env", "cluster_only", "solo_only", "recipe_version",
         "description", "odd"), VALUES),
)  # fmt: skip


@given(FIELDS)
def test_whatever_it_holds_it_is_a_sound_recipe_or_refused(row: dict[str, object]) -> None:
    try:
        found = read_upstream(row)
    except BadRecipe:
        return
    assert is_key(found.recipe.key)
    assert found.recipe.vllm_args[:1] == () or found.recipe.vllm_args[0].startswith("-")
    assert not any(char in word for word in found.recipe.vllm_args for char in "\n\r\0")


@given(st.text(max_size=100))
def test_no_text_breaks_the_reading(text: str) -> None:
    try:
        rows = documents(text)
    except BadRecipe:
        return
    for row in rows:
        with suppress(BadRecipe):
            read_upstream(row)
