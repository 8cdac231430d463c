"""Read what a launch asks of the memory from its words, as vLLM would read them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from spark_control.models.domain import Facts, Mode, Model, Recipe
from spark_control.models.fit import GIB, Demand
from spark_control.models.flags import Family, find, last
from spark_control.models.knobs import CONTEXT, KV_TYPE, PREFIX, tokens

SHARE = Family(
    (
        ("--gpu-memory-utilization", "--gpu-mem"),
        ("--device-memory-utilization", "--device-mem"),
    )
)
SIZE = Family((("--gpu-memory-utilization-gb", "--gpu-memory-utilization-gb"),))
KV_BYTES = Family((("--kv-cache-memory-bytes", "--kv-cache-mem"),))
BATCH = Family((("--max-num-batched-tokens", "--max-num-b"),))
EAGER = Family((("--enforce-eager", "--enforce"),), takes_value=False)
MAMBA = Family((("--mamba-cache-mode", "--mamba-cache-m"),))
QUANTIZATION = Family((("--quantization", "--quant"), ("-q", "-q")))
PAIR = 2
"""How many Sparks a cluster has when nobody says otherwise."""

_WIDTHS = (("fp8", 1.0), ("nvfp4", 0.5625), ("float32", 4.0))
T = TypeVar("T")


def demand_of(model: Model, recipe: Recipe, args: Sequence[str], *, sparks: int = PAIR) -> Demand:
    """Return what `model` asks for when it is launched as `recipe` with `args`.

    `args` are the words with the knobs laid in; a cluster recipe is divided over `sparks`.
    """
    facts = model.facts
    default = Demand(weight_bytes=0, layers=None)
    asked = last(args, CONTEXT)
    context = _number(asked, tokens)
    size = _number(last(args, SIZE), float)
    return Demand(
        weight_bytes=model.weight_bytes,
        layers=facts.layers,
        context=context if asked is not None else facts.context,
        longest=facts.context if context is None else max(context, facts.context or 0),
        batch=_number(last(args, BATCH), tokens) or default.batch,
        share=_number(last(args, SHARE), float) or default.share,
        budget=None if size is None else int(size * GIB),
        kv_given=_number(last(args, KV_BYTES), tokens),
        width=_width(last(args, KV_TYPE), facts),
        tp=max(1, sparks) if recipe.mode is Mode.CLUSTER else 1,
        states=_states(args, facts),
        graphs=not find(args, EAGER),
        shrinks=facts.quantization is None and last(args, QUANTIZATION) is not None,
    )


def _number(text: str | None, read: Callable[[str], T]) -> T | None:
    """Read a number; a word like `auto`, or what cannot be read, is left to vLLM."""
    try:
        return None if text is None else read(text)
    except ValueError:
        return None


def _width(kind: str | None, facts: Facts) -> float:
    if kind is None or kind == "auto":
        return 1.0 if facts.kv_fp8 else 2.0
    return next((width for start, width in _WIDTHS if kind.startswith(start)), 2.0)


def _states(args: Sequence[str], facts: Facts) -> int:
    """Return how many copies of its state a sequence keeps: two where prefixes are cached."""
    prefix = find(args, PREFIX)
    cached = bool(prefix) and prefix[-1].name == "--enable-prefix-caching"
    return 2 if facts.hybrid and (cached or last(args, MAMBA) == "align") else 1
