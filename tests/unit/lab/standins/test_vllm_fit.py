"""Memory adds up as vLLM adds it, and its refusals are vLLM's words."""

import pytest

from spark_control.lab.standins.memory import TOTAL_GIB
from spark_control.lab.standins.vllm_args import Refusal
from spark_control.lab.standins.vllm_fit import Model, kv_bytes, longest, room

MODEL = Model("a/b", "LlamaForCausalLM", 30.0, 4, 131072, 100_000)


def test_kv_bytes_of_a_known_model() -> None:
    # Qwen3-Coder-30B-A3B: 48 layers, 4 KV heads of 128; 262144 tokens are 24.0 GiB.
    config = {"num_hidden_layers": 48, "num_key_value_heads": 4, "head_dim": 128}
    assert kv_bytes(config) * 262144 / 2**30 == 24.0


def test_kv_bytes_counts_layers_with_full_attention() -> None:
    text = {
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "hidden_size": 1024,
        "layer_types": ["linear_attention", "full_attention"] * 2,
        "max_position_embeddings": 4096,
    }
    assert kv_bytes({"text_config": text}) == 2 * 2 * 2 * 8 * 128
    assert longest({"text_config": text}) == 4096
    assert (kv_bytes({}), longest({})) == (0, 8192)


def test_room() -> None:
    found = room(MODEL, 0.8, None, free_gib=117)
    assert found.max_len == 131072
    assert found.total_gib == pytest.approx(0.8 * TOTAL_GIB)
    assert found.kv_tokens == int(found.kv_gib * 2**30 // 100_000)
    assert room(MODEL._replace(kv_bytes=0), 0.8, 1000, 117).kv_tokens == 16_000


@pytest.mark.parametrize(
    ("share", "length", "free", "text"),
    [
        (0.9, None, 50.0, r"Free memory on device cuda:0 \(50.00/121.69 GiB\) on startup is less"),
        (0.2, None, 117.0, "No available memory for the cache blocks"),
        (0.3, 131072, 117.0, r"max seq len \(131072\), \(12.21 GiB KV cache is needed, .* is \d+"),
    ],
)
def test_refusals(share: float, length: int | None, free: float, text: str) -> None:
    with pytest.raises(Refusal, match=text):
        room(MODEL, share, length, free)
