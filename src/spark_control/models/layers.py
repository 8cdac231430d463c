"""Tell from the numbers of a `config.json` how each layer keeps what it has read.

None is an answer too: a model that is built in a way not known here is not guessed at.
"""

from collections.abc import Mapping
from dataclasses import replace

from spark_control.models.domain import Layers

Shape = Mapping[str, int]

FULL = frozenset({"full_attention", "attention", "global_attention", "global", "*"})
WINDOWED = frozenset({"sliding_attention", "chunked_attention", "local_attention", "local"})
STATEFUL = frozenset({"linear_attention", "mamba", "mamba2", "recurrent", "conv", "M"})
BOTH = frozenset({"hybrid", "parallel_hybrid"})
NEITHER = frozenset({"-", "E", "mlp", "moe", "none"})


def layers_of(
    shape: Shape, kinds: Mapping[str, int] | None, model_type: str, *, hybrid: bool
) -> Layers | None:
    """Return the layers, or None when the numbers do not tell.

    `shape` are numbers by their names in `config.json`, -1 for a list where one number is meant;
    `kinds` counts the layers of each kind where the configuration lists them.
    """
    base = _heads(shape)
    count = _one(shape, "num_hidden_layers", "n_layer", "n_layers") - shape.get(
        "num_kv_shared_layers", 0
    )
    if base is None or count <= 0:
        return None
    if kinds:
        split = _by_kinds(kinds)
    elif hybrid:
        split = _hybrid(shape, count, model_type)
    else:
        windowed = _windowed(shape, count, model_type)
        split = (count - windowed, windowed, 0)
    if split is None:
        return None
    full, windowed, stateful = split
    conv, state = _state(shape) if stateful else (0, 0)
    return replace(
        base, full=full, windowed=windowed, stateful=stateful, conv_values=conv, state_values=state
    )


def _one(shape: Shape, *names: str) -> int:
    """Return the first of these numbers that is there, 0 where none is."""
    return next((shape[name] for name in names if shape.get(name)), 0)


def _heads(shape: Shape) -> Layers | None:
    heads = _one(shape, "num_attention_heads", "n_head", "n_heads")
    hidden = _one(shape, "hidden_size", "n_embd", "d_model")
    kv_heads = _one(shape, "num_key_value_heads", "num_kv_heads", "multi_query_group_num") or heads
    if heads <= 0 or kv_heads <= 0:
        return None
    chunk, window = shape.get("attention_chunk_size", 0), shape.get("sliding_window", 0)
    layers = Layers(
        heads=heads,
        kv_heads=kv_heads,
        head_dim=shape.get("head_dim", 0) or hidden // heads,
        full_kv_heads=max(0, shape.get("num_global_key_value_heads", 0)),
        full_head_dim=max(0, shape.get("global_head_dim", 0)),
        # A chunk of n tokens keeps what a window of n + 1 does.
        window=max(0, window or (chunk + 1 if chunk > 0 else 0)),
        latent=max(0, shape.get("kv_lora_rank", 0)),
        rope=max(0, shape.get("qk_rope_head_dim", 0)),
        indexer=max(0, shape.get("index_head_dim", 0)),
    )
    if layers.latent:
        return layers
    value = max(0, shape.get("v_head_dim", 0))
    return replace(layers, value_dim=value) if layers.head_dim > 0 else None


def _by_kinds(kinds: Mapping[str, int]) -> tuple[int, int, int] | None:
    if set(kinds) - FULL - WINDOWED - STATEFUL - BOTH - NEITHER:
        return None
    full, windowed, stateful = (
        sum(count for kind, count in kinds.items() if kind in names)
        for names in (FULL | BOTH, WINDOWED, STATEFUL | BOTH)
    )
    return full, windowed, stateful


def _hybrid(shape: Shape, count: int, model_type: str) -> tuple[int, int, int] | None:
    if model_type.startswith("falcon_h1"):
        return count, 0, count
    every = _one(shape, "full_attention_interval", "attn_layer_period")
    if every <= 0:
        return None
    return count // every, 0, count - count // every


def _windowed(shape: Shape, count: int, model_type: str) -> int:
    """Return how many layers look only at a window, where the kinds are not listed."""
    # Chunks come with a list of kinds in every model that vLLM knows to use them.
    if shape.get("sliding_window", 0) <= 0 or shape.get("use_sliding_window") == 0:
        return 0
    if model_type == "gemma2":
        return (count + 1) // 2
    if (every := shape.get("sliding_window_pattern", 0)) > 1:
        return count - count // every
    whole = shape.get("max_window_layers", 0) if shape.get("use_sliding_window") else 0
    return max(0, count - max(0, whole))


def _state(shape: Shape) -> tuple[int, int]:
    """Return the numbers that a stateful layer keeps of a sequence: convolution, and state."""
    if values := shape.get("linear_num_value_heads", 0):
        keys = shape.get("linear_num_key_heads", 0)
        wide_k = shape.get("linear_key_head_dim", 128)
        wide_v = shape.get("linear_value_head_dim", 128)
        kernel = shape.get("linear_conv_kernel_dim", 4)
        return (kernel - 1) * (2 * keys * wide_k + values * wide_v), values * wide_k * wide_v
    heads = _one(shape, "mamba_num_heads", "mamba_n_heads")
    wide = _one(shape, "mamba_head_dim", "mamba_d_head")
    state = _one(shape, "ssm_state_size", "mamba_d_state", "mamba_state_dim")
    inner = heads * wide or _one(shape, "mamba_expand", "expand") * shape.get("hidden_size", 0)
    groups = _one(shape, "n_groups", "mamba_n_groups") if heads else 0
    kernel = _one(shape, "conv_kernel", "mamba_d_conv") or 4
    return max(0, (kernel - 1) * (inner + 2 * groups * state)), max(0, inner * state)
