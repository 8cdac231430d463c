"""What the engine itself says of its memory while it loads; texts are vLLM's own."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from spark_control.models.domain import Measured

_WEIGHTS = re.compile(r"Model loading took (\d{1,6}(?:\.\d{1,9})?) Gi?B")
_CACHE = re.compile(r"Available KV cache memory: (\d{1,6}(?:\.\d{1,9})?) GiB")
_TOKENS = re.compile(r"GPU KV cache size: (\d[\d,]{0,18}) tokens")
_GIB = 1 << 30


def with_line(known: Measured, line: str) -> Measured:
    """Return what is known once `line` of the engine's log has been read."""
    if found := _WEIGHTS.search(line):
        # A draft model is loaded after the model, and its weights come on top.
        more = known.weight_bytes or 0
        return replace(known, weight_bytes=more + int(float(found[1]) * _GIB))
    if found := _CACHE.search(line):
        return replace(known, kv_bytes=int(float(found[1]) * _GIB))
    if found := _TOKENS.search(line):
        return replace(known, kv_tokens=int(found[1].replace(",", "")))
    return known


def load_key(model: str, image: str | None, args: Sequence[str]) -> str:
    """Return the name under which a load is remembered: other words are another load."""
    text = json.dumps([model, image or "", *args])
    return f"{model}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
