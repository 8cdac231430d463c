"""From the numbers of a configuration to layers that keep what they read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.models.domain import Layers
from spark_control.models.layers import layers_of

PLAIN = {
    "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4,
    "head_dim": 128, "hidden_size": 2048,
}  # fmt: skip
BASE = Layers(full=48, heads=32, kv_heads=4, head_dim=128)


def split(
    kinds: dict[str, int] | None = None, kind: str = "", *, hybrid: bool = False, **more: int
) -> tuple[int, int, int] | None:
    found = layers_of({**PLAIN, **more}, kinds, kind, hybrid=hybrid)
    return None if found is None else (found.full, found.windowed, found.stateful)


def test_a_plain_decoder() -> None:
    assert layers_of(PLAIN, None, "qwen3_moe", hybrid=False) == BASE


def test_older_names_and_what_follows_from_others() -> None:
    old = {"n_layer": 12, "n_head": 12, "n_embd": 768}
    assert layers_of(old, None, "gpt2", hybrid=False) == Layers(
        full=12, heads=12, kv_heads=12, head_dim=64
    )


@pytest.mark.parametrize(
    "shape",
    [
        {}, {"num_hidden_layers": 4}, {**PLAIN, "num_hidden_layers": 0},
        {**PLAIN, "num_key_value_heads": -1}, {**PLAIN, "num_attention_heads": -1},
        {**PLAIN, "head_dim": 0, "hidden_size": 0}, {**PLAIN, "num_kv_shared_layers": 48},
    ],
)  # fmt: skip
def test_what_does_not_tell(shape: dict[str, int]) -> None:
    assert layers_of(shape, None, "", hybrid=False) is None


def test_latent_attention() -> None:
    shape = {**PLAIN, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "index_head_dim": 128}
    found = layers_of(shape, None, "deepseek_v32", hybrid=False)
    assert found is not None
    assert (found.latent, found.rope, found.indexer, found.value_dim) == (512, 64, 128, 0)


def test_heads_of_another_width() -> None:
    shape = {**PLAIN, "v_head_dim": 64, "global_head_dim": 512, "num_global_key_value_heads": 2}
    found = layers_of(shape, None, "gemma4", hybrid=False)
    assert found is not None
    assert (found.value_dim, found.full_head_dim, found.full_kv_heads) == (64, 512, 2)


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        ({"full_attention": 10, "linear_attention": 30}, (10, 0, 30)),
        ({"full_attention": 5, "sliding_attention": 25}, (5, 25, 0)),
        ({"chunked_attention": 36, "full_attention": 12}, (12, 36, 0)),
        ({"M": 20, "*": 4, "-": 24, "E": 3}, (4, 0, 20)),
        ({"hybrid": 8, "mamba": 40}, (8, 0, 48)),
        ({"full_attention": 5, "something_new": 1}, None),
    ],
)
def test_kinds_that_are_listed(kinds: dict[str, int], counts: tuple[int, int, int] | None) -> None:
    assert split(kinds) == counts


@pytest.mark.parametrize(
    ("kind", "more", "counts"),
    [
        ("qwen3_next", {"full_attention_interval": 4}, (12, 0, 36)),
        ("jamba", {"attn_layer_period": 8}, (6, 0, 42)),
        ("falcon_h1", {}, (48, 0, 48)),
        ("zamba", {}, None),
        ("zamba", {"attn_layer_period": -1}, None),
    ],
)
def test_hybrids(kind: str, more: dict[str, int], counts: tuple[int, int, int] | None) -> None:
    assert split(None, kind, hybrid=True, **more) == counts


@pytest.mark.parametrize(
    ("kind", "more", "windowed"),
    [
        ("mistral", {"sliding_window": 4096}, 48),
        ("gemma2", {"sliding_window": 4096}, 24),
        ("gemma3_text", {"sliding_window": 512, "sliding_window_pattern": 6}, 40),
        ("qwen2", {"sliding_window": 4096, "use_sliding_window": 0}, 0),
        ("qwen2", {"sliding_window": 4096, "use_sliding_window": 1, "max_window_layers": 28}, 20),
        ("phi3", {"sliding_window": -1}, 0),
    ],
)
def test_windows_that_are_not_listed(kind: str, more: dict[str, int], windowed: int) -> None:
    assert split(None, kind, hybrid=False, **more) == (48 - windowed, windowed, 0)


def test_a_chunk_is_a_window_one_wider() -> None:
    found = layers_of({**PLAIN, "attention_chunk_size": 8192}, None, "llama4_text", hybrid=False)
    assert found is not None
    assert found.window == 8193


@pytest.mark.parametrize(
    ("more", "conv", "state"),
    [
        (
            {"linear_num_key_heads": 16, "linear_num_value_heads": 32},
            3 * (2 * 16 * 128 + 32 * 128),
            32 * 128 * 128,
        ),
        (
            {"mamba_num_heads": 128, "mamba_head_dim": 64, "ssm_state_size": 128, "n_groups": 8,
             "conv_kernel": 4},
            3 * (8192 + 2 * 8 * 128),
            8192 * 128,
        ),
        ({"mamba_expand": 2, "mamba_d_state": 16, "mamba_d_conv": 4}, 3 * 4096, 4096 * 16),
        ({}, 0, 0),
    ],
)  # fmt: skip
def test_the_state_of_a_layer(more: dict[str, int], conv: int, state: int) -> None:
    found = layers_of({**PLAIN, **more}, {"mamba": 1, "attention": 1}, "", hybrid=True)
    assert found is not None
    assert (found.conv_values, found.state_values) == (conv, state)


NAMES = (*PLAIN, "kv_lora_rank", "sliding_window", "full_attention_interval", "n_layer",
         "mamba_expand", "linear_num_value_heads", "use_sliding_window", "v_head_dim")  # fmt: skip


@given(
    shape=st.dictionaries(st.sampled_from(NAMES), st.integers(-1, 10**6)),
    kinds=st.none() | st.dictionaries(st.sampled_from(["*", "M", "x"]), st.integers(0, 99)),
    hybrid=st.booleans(),
)
def test_no_numbers_break_it(
    *, shape: dict[str, int], kinds: dict[str, int] | None, hybrid: bool
) -> None:
    found = layers_of(shape, kinds, "qwen2", hybrid=hybrid)
    assert found is None or min(found.full, found.windowed, found.stateful) >= 0
