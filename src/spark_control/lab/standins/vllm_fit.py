"""How a model's memory adds up on a Spark, and what vLLM says when it does not."""

from collections.abc import Mapping
from typing import NamedTuple

from spark_control.lab.standins.memory import TOTAL_GIB
from spark_control.lab.standins.vllm_args import Refusal

_GIB = 2**30
_OVERHEAD_GIB = 0.9
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")


class Model(NamedTuple):
    """A model on disk: what its files say."""

    repo: str
    architecture: str
    weights_gib: float
    shards: int
    max_len: int
    kv_bytes: int
    """Bytes of KV cache for one token; 0 when the config does not tell."""


class Room(NamedTuple):
    """What the engine will hold."""

    weights_gib: float
    kv_gib: float
    kv_tokens: int
    max_len: int

    @property
    def total_gib(self) -> float:
        """Return all that is taken from the GPU's side."""
        return self.weights_gib + self.kv_gib + _OVERHEAD_GIB


def language_part(config: Mapping[str, object]) -> Mapping[str, object]:
    """Return the part of `config.json` that describes the language model."""
    for name in _NESTED:
        part = config.get(name)
        if isinstance(part, dict):
            return language_part(part)
    return config


def _int(part: Mapping[str, object], name: str, default: int = 0) -> int:
    value = part.get(name)
    return value if isinstance(value, int) else default


def kv_bytes(config: Mapping[str, object]) -> int:
    """Return the KV bytes of one token in bfloat16; only layers with full attention grow."""
    part = language_part(config)
    layers = _int(part, "num_hidden_layers")
    kinds = part.get("layer_types")
    if isinstance(kinds, list):
        layers = sum(1 for kind in kinds if kind == "full_attention")
    heads = _int(part, "num_attention_heads", 1)
    width = _int(part, "head_dim") or _int(part, "hidden_size") // max(heads, 1)
    return 2 * 2 * layers * _int(part, "num_key_value_heads", heads) * width


def longest(config: Mapping[str, object]) -> int:
    """Return how many tokens the model was made for."""
    return _int(language_part(config), "max_position_embeddings", 8192)


def room(model: Model, share: float, asked_len: int | None, free_gib: float) -> Room:
    """Return what the engine will hold. Raises Refusal with vLLM's own words."""
    budget = share * TOTAL_GIB
    if free_gib < budget:
        raise Refusal(
            f"ValueError: Free memory on device cuda:0 ({free_gib:.2f}/{TOTAL_GIB:.2f} GiB) on "
            f"startup is less than desired GPU memory utilization ({share:g}, {budget:.2f} GiB). "
            "Decrease GPU memory utilization or reduce GPU memory used by other processes.\n"
        )
    left = budget - model.weights_gib - _OVERHEAD_GIB
    if left <= 0:
        raise Refusal(
            "ValueError: No available memory for the cache blocks. Try increasing "
            "`gpu_memory_utilization` when initializing the engine.\n"
        )
    length = asked_len or model.max_len
    tokens = int(left * _GIB // model.kv_bytes) if model.kv_bytes else 16 * length
    if tokens < length:
        needed = length * model.kv_bytes / _GIB
        raise Refusal(
            "ValueError: To serve at least one request with the model's max seq len "
            f"({length}), ({needed:.2f} GiB KV cache is needed, which is larger than the "
            f"available KV cache memory ({left:.2f} GiB). Based on the available memory, the "
            f"estimated maximum model length is {tokens}. Try increasing `gpu_memory_utilization` "
            "or decreasing `max_model_len` when initializing the engine.\n"
        )
    return Room(model.weights_gib, left, tokens, length)
