"""Read what the small JSON files beside the weights say of a model.

The first part of the program of `inventory.py`, for any Python from 3.8 on; it changes nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping

MAX_JSON = 4 << 20
MAX_TEMPLATE = 1 << 20
NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
# Which numbers tell how large the cache of a token is; the rest stays on the Spark.
SHAPE = re.compile(
    r"n_(?:layers?|heads?|embd|groups)|d_model|num_kv_shared_layers|kv_lora_rank|"
    r"max_window_layers|use_sliding_window|attention_chunk_size|multi_query_group_num|expand|"
    r"(?:num_)?(?:global_)?(?:hidden_layers|attention_heads|key_value_heads|kv_heads|head_dim)|"
    r"(?:sliding_window|full_attention|attn_layer|global_attn)_?(?:pattern|interval|period)?|"
    r"hidden_size|sliding_window|(?:v|qk_rope|index)_head_dim|conv_kernel|ssm_state_size|"
    r"(?:mamba|linear)_\w{1,40}"
)
KINDS = ("layer_types", "layers_block_type", "hybrid_override_pattern")
UNEVEN = ("block_configs", "linear_attn_config", "compress_ratios")
TEMPLATES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
SIGNS = (
    "<tool_call>", "<function=", "<|tool_calls_section_begin|>", "[TOOL_CALLS]", "<think>",
    "enable_thinking", "[THINK]", "tools",
)  # fmt: skip


def read(path: str, limit: int) -> bytes:
    """Return a whole file. Raises ValueError when it is larger than `limit`."""
    with open(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{os.path.basename(path)} is too large")
    return content


def config_of(path: str) -> dict[str, object]:
    """Return the essentials of `config.json`. Raises ValueError when it cannot be read."""
    try:
        config = json.loads(read(path, MAX_JSON))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"config.json cannot be read: {str(error)[:120]}") from error
    if not isinstance(config, dict):
        raise ValueError("config.json does not hold an object")  # noqa: TRY004 - of the content
    return essentials(config)


def essentials(config: dict[str, object]) -> dict[str, object]:
    """Pick what the menu needs; the language part may lie one or two levels down."""
    layers = list(language_parts(config))
    quantization = first(layers, "quantization_config")
    method = quantization.get("quant_method") if isinstance(quantization, dict) else None
    names = config.get("architectures")
    return {
        "architectures": [text(n) for n in names[:4]] if isinstance(names, list) else [],
        "model_type": text(config.get("model_type")),
        "quant_method": text(method),
        "max_position_embeddings": whole(first(layers, "max_position_embeddings")),
        "auto_map": bool(config.get("auto_map")),
        "vision": any(part in config for part in ("vision_config", "vision_tower", "mm_config")),
        "audio": "audio_config" in config,
        "hybrid": any(is_hybrid(layer) for layer in layers),
        "kv_fp8": isinstance(quantization, dict) and keeps_fp8(quantization),
        "shape": shape_of(layers),
        "kinds": kinds_of(layers),
        "uneven": any(name in layer for layer in layers for name in UNEVEN),
    }


def language_parts(config: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield the configuration and the language parts nested in it."""
    yield config
    for name in NESTED:
        inner = config.get(name)
        if isinstance(inner, dict):
            yield from language_parts(inner)


def is_hybrid(layer: dict[str, object]) -> bool:
    """Tell whether some layers keep a state instead of a cache (Mamba, linear attention)."""
    types = layer.get("layer_types")
    if isinstance(types, list) and any(t in ("linear_attention", "mamba") for t in types):
        return True
    if layer.get("hybrid_override_pattern"):
        return True
    return any(key.startswith(("mamba_", "linear_num_")) for key in layer)


def keeps_fp8(quantization: dict[str, object]) -> bool:
    """Tell whether the weights come with scales for a KV cache in FP8, which vLLM then uses."""
    scheme = quantization.get("kv_cache_scheme")
    bits = scheme.get("num_bits") if isinstance(scheme, dict) else None
    return bits == 8 or str(quantization.get("kv_cache_quant_algo")).upper() == "FP8"


def shape_of(layers: list[dict[str, object]]) -> dict[str, int]:
    """Return the numbers of the language part that say how its layers are built."""
    found: dict[str, int] = {}
    for layer in layers:
        for key, value in layer.items():
            # A list where one number should be (a value a layer) is no number: -1 says so.
            if SHAPE.fullmatch(key) and isinstance(value, (int, list)):
                found.setdefault(key, -1 if isinstance(value, list) else int(value))
    return found


def kinds_of(layers: list[dict[str, object]]) -> dict[str, int] | None:
    """Count the layers of each kind; those that use the cache of another are left out."""
    kinds = next((layer[k] for layer in layers for k in KINDS if layer.get(k)), None)
    if not isinstance(kinds, (list, str)):
        return None
    shared = whole(first(layers, "num_kv_shared_layers")) or 0
    count: dict[str, int] = {}
    for kind in kinds[: max(0, len(kinds) - shared)]:
        name = text(kind) or "?"
        count[name] = count.get(name, 0) + 1
    return count


def template_of(top: str, names: Mapping[str, object]) -> list[str] | None:
    """Return the signs found in the chat template, or None when there is none to be read."""
    for name in TEMPLATES:
        if names.get(name) is None:
            continue
        try:
            found = template_in(read(os.path.join(top, name), MAX_JSON), name)
        except (OSError, ValueError, RecursionError):
            found = ""
        if found:
            return [sign for sign in SIGNS if sign in found[:MAX_TEMPLATE]]
    return None


def template_in(content: bytes, name: str) -> str:
    """Return the template in a file; several of them (one for tools, say) become one text."""
    if name.endswith(".jinja"):
        return content.decode("utf-8", "replace")
    config = json.loads(content)
    found = config.get("chat_template") if isinstance(config, dict) else None
    if isinstance(found, list):
        return "\n".join(str(one.get("template")) for one in found if isinstance(one, dict))
    return found if isinstance(found, str) else ""


def first(layers: list[dict[str, object]], key: str) -> object:
    """Return the outermost value of `key`."""
    return next((layer[key] for layer in layers if layer.get(key) is not None), None)


def text(value: object) -> str | None:
    """Return a short text, or None for anything else."""
    return value[:100] if isinstance(value, str) else None


def whole(value: object) -> int | None:
    """Return a whole number, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
