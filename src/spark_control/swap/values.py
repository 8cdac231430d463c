"""What a value of an option may be: what vLLM's parser takes, and what its settings take later."""

import json
import re
from collections.abc import Callable, Mapping

from spark_control.swap.options import Option

_SIZES = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")


def tokens(text: str) -> int:
    """Read a count as vLLM does: `32k` is 32000, `32K` is 32768. Raises ValueError."""
    found = _SIZE.fullmatch(text)
    return int(float(found[1]) * _SIZES[found[2]]) if found else int(text)


def _or_auto(text: str) -> int:
    return -1 if text.lower() == "auto" else tokens(text)


_READ: Mapping[str, tuple[Callable[[str], object], str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "human_readable_int": (tokens, "a number such as 32768 or 32K"),
    "human_readable_int_or_auto": (_or_auto, "a number such as 32768 or 32K, or `auto`"),
    "json": (json.loads, "JSON"),
}

# Limits of vLLM's settings, which its parser does not know: least and most, both allowed.
_COUNT = (1.0, float("inf"))
RANGES: Mapping[str, tuple[float, float]] = {
    "--port": (1, 65535),
    "--max-num-seqs": _COUNT,
    "--max-num-batched-tokens": _COUNT,
    "--tensor-parallel-size": _COUNT,
    "--pipeline-parallel-size": _COUNT,
    "--data-parallel-size": _COUNT,
    "--gpu-memory-utilization": (1e-9, 1),
}


def refused(option: Option, text: str) -> str | None:
    """Return what vLLM's parser wants instead of `text`, or None when it takes it."""
    if option.optional and text in {"", "None"}:
        return None
    read, wanted = _READ.get(option.kind, (str, ""))
    try:
        value = read(text)
    except (ValueError, OverflowError, RecursionError):
        return wanted
    if option.kind == "str(lower,_)":
        value = text.lower().replace("-", "_")
    if option.choices and str(value) not in option.choices:
        return f"one of {_listed(option.choices)}"
    return None


def out_of_range(option: Option, text: str) -> str | None:
    """Return what vLLM wants instead of `text` later, when the engine starts."""
    if option.known and text not in option.known:
        return f"one of {_listed(option.known)}"
    limits = next((RANGES[flag] for flag in option.flags if flag in RANGES), None)
    if limits is None:
        return None
    try:
        value = float(_or_auto(text)) if option.kind.startswith("human") else float(text)
    except (ValueError, OverflowError):
        return None
    if limits[0] <= value <= limits[1]:
        return None
    if limits == _COUNT:
        return "1 or more"
    return "more than 0 and at most 1" if limits[1] == 1 else f"from {limits[0]} to {limits[1]}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
