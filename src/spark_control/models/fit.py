"""Will it fit: the memory of an engine as a sum of named terms, and what is left of the Spark.

The sizes of the KV cache follow vLLM's own (vllm/v1/kv_cache_interface.py): attention layers keep
keys and values of every token, layers with a window those of the window, latent attention (MLA)
one short vector that tensor parallelism does not divide, stateful layers a fixed state a sequence.
What vLLM measures only while it starts (activations, graphs, the context of the GPU) is estimated.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from spark_control.models.domain import Layers, Measured

GIB = 1 << 30
BLOCK = 16
TIGHT = 6 * GIB
"""With less to spare than this, an engine may or may not come up."""
DOUBT = 2 * GIB
"""An estimate may be wrong by this much; nothing is refused for less."""
GREEDY = 0.87
"""Above this share Sparks were seen to refuse, or to starve their own system."""
HOST = int(5.6 * GIB)
"""What the processes beside the GPU's side need: vLLM's own and the system's."""
CONTEXT = GIB
GRAPHS = GIB
SPARSE_LATENT = 656
"""Bytes of a token in a layer with sparse latent attention in FP8 (`fp8_ds_mla`)."""


class Verdict(StrEnum):
    """What the arithmetic comes to."""

    FITS = "fits"
    TIGHT = "tight"
    NO = "no"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """Where a number is from: read off a Spark or an engine, or worked out."""

    MEASURED = "measured"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Term:
    """One line of the arithmetic; `bytes` is None for what cannot be told."""

    name: str
    bytes: int | None
    basis: Basis
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to be loaded, and how: on each of `tp` Sparks.

    `context` None stands for "as much as there is room for" (up to `longest`, the model's own).
    `width` are the bytes of one number of the KV cache. `budget` and `kv_given` are sizes that
    the operator set in place of a share. `shrinks` says that weights get smaller while they load.
    """

    weight_bytes: int
    layers: Layers | None
    context: int | None = None
    longest: int | None = None
    sequences: int = 1
    batch: int = 8192
    share: float = 0.92
    budget: int | None = None
    kv_given: int | None = None
    width: float = 2.0
    tp: int = 1
    states: int = 1
    graphs: bool = True
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """The verdict, why, and the terms it comes from. Sizes are of one Spark.

    `needed_bytes` is what the engine takes at the wanted context and sequences, `spare_bytes`
    what its KV cache has left over then, below 0 what it is short of. `max_context` is for one
    sequence, `max_sequences` for the wanted context.
    """

    verdict: Verdict
    reason: str
    terms: tuple[Term, ...] = ()
    context: int | None = None
    sequences: int = 1
    needed_bytes: int | None = None
    spare_bytes: int | None = None
    max_context: int | None = None
    max_sequences: int | None = None
    basis: Basis = Basis.ESTIMATED


def kv_per_token(layers: Layers, width: float, tp: int) -> int:
    """Return the bytes that each token of a sequence adds on one Spark."""
    if layers.latent:
        each = _latent(layers, width)
    else:
        heads = layers.full_kv_heads or layers.kv_heads
        dim = layers.full_head_dim or layers.head_dim
        each = _attention(heads, dim, layers.full_head_dim or layers.value_dim, width, tp)
    return layers.full * each


def _latent(layers: Layers, width: float) -> int:
    if layers.indexer and width == 1:
        return SPARSE_LATENT + layers.indexer + 4
    return ceil((layers.latent + layers.rope) * width) + layers.indexer


def _attention(heads: int, dim: int, value_dim: int, width: float, tp: int) -> int:
    return ceil(max(1, heads // tp) * (dim + (value_dim or dim)) * width)


def kv_fixed(layers: Layers, demand: Demand, context: int) -> int:
    """Return the bytes of a sequence that do not grow any more: windows and states."""
    each = _attention(layers.kv_heads, layers.head_dim, layers.value_dim, demand.width, demand.tp)
    tokens = min(max(0, layers.window - 1) + demand.batch, context)
    blocks = ceil(tokens / BLOCK) + 1
    # Convolutions are kept in 16 bits, states mostly in 32.
    state = ceil((2 * layers.conv_values + 4 * layers.state_values) / demand.tp)
    return layers.windowed * blocks * BLOCK * each + layers.stateful * state * demand.states


def kv_of_one(layers: Layers, demand: Demand, context: int) -> int:
    """Return the bytes of one sequence of `context` tokens on one Spark."""
    grown = kv_per_token(layers, demand.width, demand.tp) * context
    return grown + kv_fixed(layers, demand, context)


def longest_context(layers: Layers, demand: Demand, available: int) -> int:
    """Return how many tokens one sequence can have, at most what the model was made for."""
    low, high = 0, demand.longest or 10**8
    while low < high:
        middle = (low + high + 1) // 2
        if kv_of_one(layers, demand, middle) <= available:
            low = middle
        else:
            high = middle - 1
    return low


def activations(demand: Demand) -> int:
    """Return the estimate for activations at their peak: 1 to 4 GiB, with the size of a batch."""
    return GIB + 3 * GIB * min(demand.batch, 16384) // 16384


def fit(demand: Demand, total: int | None, measured: Measured | None = None) -> Fit:
    """Return whether `demand` fits a Spark with `total` bytes of memory, with the arithmetic."""
    sums = _Sums(demand, total, measured or Measured())
    basis = Basis.MEASURED if sums.measured.kv_bytes is not None else Basis.ESTIMATED
    context = sums.context()
    if demand.layers is None or context is None:
        return _without_layers(sums, context)
    one = kv_of_one(demand.layers, demand, context)
    wanted = one * demand.sequences
    needed = sums.weights + sums.engine + wanted
    terms = (*sums.terms(), *_kv_terms(demand, demand.layers, context, wanted))
    available = sums.available
    if available is None:
        reason = "The memory of the Spark is not known yet."
        return Fit(Verdict.UNKNOWN, reason, terms, context, demand.sequences, needed)
    spare = available - wanted
    verdict, reason = _judge(sums, spare)
    return Fit(
        verdict, reason, terms, context, demand.sequences, needed, spare,
        longest_context(demand.layers, demand, available), max(0, available // max(1, one)), basis,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sums:
    """The terms that do not depend on the text."""

    demand: Demand
    total: int | None
    measured: Measured

    @property
    def weights(self) -> int:
        if self.measured.weight_bytes is not None:
            return self.measured.weight_bytes
        # Norms, some embeddings and the like are on every Spark in full: about 3 % more.
        parts = self.demand.tp
        return self.demand.weight_bytes * (103 if parts > 1 else 100) // (100 * parts)

    @property
    def budget(self) -> int | None:
        if self.demand.budget is not None:
            return self.demand.budget
        return None if self.total is None else int(self.demand.share * self.total)

    @property
    def engine(self) -> int:
        """Return what is neither weights nor cache."""
        return activations(self.demand) + CONTEXT + (GRAPHS if self.demand.graphs else 0)

    @property
    def available(self) -> int | None:
        """Return what is left for the KV cache; None when that cannot be told."""
        if self.measured.kv_bytes is not None:
            return self.measured.kv_bytes
        if self.demand.kv_given is not None:
            return self.demand.kv_given
        return None if self.budget is None else self.budget - self.weights - self.engine

    @property
    def doubt(self) -> int:
        """Return by how much the estimate may be wrong before a refusal is due."""
        if self.measured.kv_bytes is not None:
            return 0
        return DOUBT + (self.weights // 2 if self.demand.shrinks else 0)

    def context(self) -> int | None:
        """Return the context that is asked for; with `auto` the longest that there is room for."""
        demand = self.demand
        if demand.context is not None or demand.layers is None or self.available is None:
            return demand.context or demand.longest
        return max(1, longest_context(demand.layers, demand, self.available))

    def terms(self) -> tuple[Term, ...]:
        weighed = Basis.MEASURED if self.measured.weight_bytes is not None else Basis.ESTIMATED
        cached = Basis.MEASURED if self.measured.kv_bytes is not None else Basis.ESTIMATED
        graphs = GRAPHS if self.demand.graphs else 0
        host = None if self.total is None or self.budget is None else self.total - self.budget
        return (
            Term("memory", self.total, Basis.MEASURED, "of the Spark"),
            Term("budget", self.budget, Basis.ESTIMATED, _share(self.demand)),
            Term("weights", self.weights, weighed, _parts(self.demand)),
            Term("activations", activations(self.demand), Basis.ESTIMATED,
                 f"batches of {self.demand.batch} tokens"),
            Term("graphs", graphs, Basis.ESTIMATED, "" if graphs else "--enforce-eager"),
            Term("context", CONTEXT, Basis.ESTIMATED, "CUDA and NCCL"),
            Term("kv_available", self.available, cached, "budget less the lines before"),
            Term("host", host, Basis.ESTIMATED, f"left for the system, {_gib(HOST)} needed"),
        )  # fmt: skip


def _kv_terms(demand: Demand, layers: Layers, context: int, wanted: int) -> tuple[Term, ...]:
    each = kv_per_token(layers, demand.width, demand.tp)
    fixed = kv_fixed(layers, demand, context)
    times = f"{demand.sequences} x {context} tokens"
    return (
        Term("kv_per_token", each, Basis.ESTIMATED, f"{layers.full} layers keep every token"),
        Term("kv_per_sequence", fixed, Basis.ESTIMATED,
             f"{layers.windowed} layers keep a window, {layers.stateful} a state"),
        Term("kv_needed", wanted, Basis.ESTIMATED, times),
    )  # fmt: skip


def _without_layers(sums: _Sums, context: int | None) -> Fit:
    """Judge by the weights alone: they may be too large whatever the cache needs."""
    needed = sums.weights + sums.engine
    available = sums.available
    verdict, reason = Verdict.UNKNOWN, "`config.json` does not tell how large the KV cache is."
    if available is not None and available < -sums.doubt:
        verdict, reason = Verdict.NO, f"The weights alone are {_gib(-available)} too large."
    elif sums.measured.kv_bytes is not None:
        verdict, reason = Verdict.FITS, "It was loaded like this before."
    return Fit(verdict, reason, sums.terms(), context, sums.demand.sequences, needed)


def _judge(sums: _Sums, spare: int) -> tuple[Verdict, str]:
    if spare < -sums.doubt:
        return Verdict.NO, f"It is {_gib(-spare)} short."
    if spare < 0:
        return Verdict.TIGHT, f"It is {_gib(-spare)} short by the estimate, which may be wrong."
    if spare < TIGHT:
        return Verdict.TIGHT, f"Only {_gib(spare)} of the KV cache stay free."
    if sums.total is not None and sums.budget is not None:
        host = sums.total - sums.budget
        if sums.budget > GREEDY * sums.total or host < HOST:
            return Verdict.TIGHT, f"It leaves only {_gib(host)} of memory to the system."
    return Verdict.FITS, f"{_gib(spare)} of the KV cache stay free."


def _share(demand: Demand) -> str:
    if demand.budget is not None:
        return "set in GiB"
    return f"{demand.share:g} of the memory"


def _parts(demand: Demand) -> str:
    return "files on disk" if demand.tp == 1 else f"files on disk, over {demand.tp} Sparks"


def _gib(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
