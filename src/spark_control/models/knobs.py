"""A saved knob takes the place of the recipe's flag, so vLLM never sees the same thing twice."""

import re
from collections.abc import Callable
from typing import TypeVar

from spark_control.models.domain import Knobs, Recipe
from spark_control.models.flags import Family, find, last, replaced

CONTEXT = Family((("--max-model-len", "--max-model"),))
_SHARE_ONLY = Family(
    (
        ("--gpu-memory-utilization", "--gpu-mem"),
        ("--device-memory-utilization", "--device-mem"),
    )
)
# A size in bytes or GiB makes vLLM pass over the share: left in, it would void the knob.
SHARE = Family(
    (
        *_SHARE_ONLY.names,
        ("--gpu-memory-utilization-gb", "--gpu-memory-utilization-gb"),
        ("--kv-cache-memory-bytes", "--kv-cache-mem"),
    )
)
LOADER = Family((("--load-format", "--load"),))
KV_TYPE = Family((("--kv-cache-dtype", "--kv-cache-dtype"),))
PREFIX = Family(
    (
        ("--enable-prefix-caching", "--enable-prefix"),
        ("--no-enable-prefix-caching", "--no-enable-prefix"),
        ("--disable-prefix-caching", "--disable-prefix"),
    ),
    takes_value=False,
)

_SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
_TOKENS = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kmgKMG]?)")

Args = tuple[str, ...]
T = TypeVar("T", int, float)


def effective_args(recipe: Recipe, knobs: Knobs) -> Args:
    """Return what the next swap hands to vLLM: the recipe's words with the knobs laid in."""
    args = recipe.vllm_args
    if knobs.max_model_len is not None:
        args = replaced(args, CONTEXT, ("--max-model-len", str(knobs.max_model_len)))
    if knobs.gpu_memory_utilization is not None:
        share = f"{knobs.gpu_memory_utilization:g}"
        args = replaced(args, SHARE, ("--gpu-memory-utilization", share))
    if knobs.prefix_caching is not None:
        word = "--enable-prefix-caching" if knobs.prefix_caching else "--no-enable-prefix-caching"
        args = replaced(args, PREFIX, (word,))
    fast = ("--load-format", "fastsafetensors")
    args = _switched(args, LOADER, fast, wish=knobs.fastsafetensors)
    return _switched(args, KV_TYPE, ("--kv-cache-dtype", "fp8"), wish=knobs.kv_cache_fp8)


def effective_knobs(recipe: Recipe | None, knobs: Knobs) -> Knobs:
    """Return the knobs as the next swap launches them; None where vLLM decides by itself."""
    if recipe is None:
        return knobs
    args = effective_args(recipe, knobs)
    prefix = find(args, PREFIX)
    return Knobs(
        max_model_len=_read(last(args, CONTEXT), tokens),
        gpu_memory_utilization=_read(last(args, _SHARE_ONLY), float),
        fastsafetensors=last(args, LOADER) == "fastsafetensors",
        prefix_caching=prefix[-1].name == "--enable-prefix-caching" if prefix else None,
        kv_cache_fp8=_is_fp8(last(args, KV_TYPE)),
    )


def _switched(args: Args, flag: Family, words: Args, *, wish: bool | None) -> Args:
    """Turn one value of a flag on or off; another value of it is not the knob's to take away."""
    if wish is None:
        return args
    now = last(args, flag)
    # fp8_e4m3 is FP8 already, and somebody chose it with care.
    is_on = now == words[1] or (flag is KV_TYPE and _is_fp8(now))
    if is_on == wish:
        return args
    return replaced(args, flag, words if wish else ())


def _is_fp8(text: str | None) -> bool:
    return text is not None and text.startswith("fp8")


def _read(text: str | None, read: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return read(text)
    except ValueError:
        return None


def tokens(text: str) -> int:
    """Read a count as vLLM does: `32k` is 32000, `32K` is 32768. Raises ValueError for `auto`."""
    found = _TOKENS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(float(found[1]) * _SUFFIXES.get(found[2], 1))
