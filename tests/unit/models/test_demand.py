"""What the words of a launch ask of the memory."""

import pytest

from spark_control.models.demand import demand_of
from spark_control.models.domain import Facts, Layers, Mode, Model, Recipe
from spark_control.models.fit import GIB, Demand

LAYERS = Layers(full=1, heads=1, kv_heads=1, head_dim=1)
RECIPE = Recipe(key="a", name="A", repo="org/a")


def asked(*words: str, facts: Facts | None = None, mode: Mode = Mode.SOLO) -> Demand:
    known = facts or Facts(context=40960, layers=LAYERS, quantization="fp8")
    model = Model(key="a", name="A", repo="org/a", facts=known, weight_bytes=7)
    return demand_of(model, Recipe(key="a", name="A", repo="org/a", mode=mode), words, sparks=3)


def test_what_vllm_does_by_itself() -> None:
    assert asked() == Demand(weight_bytes=7, layers=LAYERS, context=40960, longest=40960)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--max-model-len 32k", "context", 32000),
        ("--max_model_len=131072", "longest", 131072),
        ("--max-model-len auto", "context", None),
        ("--max-model-len auto", "longest", 40960),
        ("--max-num-batched-tokens 16384", "batch", 16384),
        ("--gpu-memory-utilization 0.7", "share", 0.7),
        ("--gpu-memory-utilization x", "share", 0.92),
        ("--gpu-memory-utilization-gb 60", "budget", 60 * GIB),
        ("--kv-cache-memory-bytes 4G", "kv_given", 4 * GIB),
        ("--kv-cache-dtype fp8_e4m3", "width", 1.0),
        ("--kv-cache-dtype nvfp4", "width", 0.5625),
        ("--kv-cache-dtype bfloat16", "width", 2.0),
        ("--kv-cache-dtype auto", "width", 2.0),
        ("--enforce-eager", "graphs", False),
        ("--quantization fp8", "shrinks", False),
    ],
)
def test_what_words_say(words: str, field: str, value: object) -> None:
    assert getattr(asked(*words.split()), field) == value


def test_weights_that_come_with_scales_for_the_cache() -> None:
    facts = Facts(kv_fp8=True)
    assert asked(facts=facts).width == 1.0
    assert asked("--kv-cache-dtype", "bfloat16", facts=facts).width == 2.0


def test_states_are_kept_twice_with_cached_prefixes() -> None:
    facts = Facts(hybrid=True)
    assert asked(facts=facts).states == 1
    assert asked("--enable-prefix-caching", facts=facts).states == 2
    assert asked("--no-enable-prefix-caching", facts=facts).states == 1
    assert asked("--mamba-cache-mode", "align", facts=facts).states == 2
    assert asked("--enable-prefix-caching").states == 1


def test_weights_that_shrink_while_they_load() -> None:
    assert asked("--quantization", "fp8", facts=Facts()).shrinks is True


def test_a_cluster_divides() -> None:
    assert asked(mode=Mode.CLUSTER).tp == 3
