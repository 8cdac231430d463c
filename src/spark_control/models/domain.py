"""A model is weights on a disk plus a recipe; this file holds both as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """How many Sparks a recipe runs on."""

    SOLO = "solo"
    CLUSTER = "cluster"


class Origin(StrEnum):
    """Who wrote the recipe."""

    BUNDLED = "bundled"
    CUSTOM = "custom"
    INFERRED = "inferred"


class Kind(StrEnum):
    """What the weights are for; only a chat model is offered as an engine."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    ADAPTER = "adapter"
    DIFFUSION = "diffusion"
    DRAFT = "draft"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is launched. `vllm_args` leaves out what the launcher adds by itself."""

    key: str
    name: str
    mode: Mode = Mode.SOLO
    repo: str | None = None
    local_path: str | None = None
    vllm_args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    mods: tuple[str, ...] = ()
    notes: str = ""
    origin: Origin = Origin.CUSTOM

    @property
    def source(self) -> str:
        """Return what `vllm serve` is told to load: the repo or the folder."""
        return self.repo or self.local_path or ""


@dataclass(frozen=True, slots=True)
class Knobs:
    """What an operator turned; None leaves the recipe as it is."""

    max_model_len: int | None = None
    gpu_memory_utilization: float | None = None
    fastsafetensors: bool | None = None
    prefix_caching: bool | None = None
    kv_cache_fp8: bool | None = None


NO_KNOBS = Knobs()


@dataclass(frozen=True, slots=True)
class Layers:
    """How the layers of a model keep what they have read, by `config.json`; 0 where it is silent.

    `full` layers keep every token, `windowed` ones the last `window`, `stateful` ones a state of
    fixed size (`conv_values` and `state_values` numbers a layer) however long the text is.
    """

    full: int = 0
    windowed: int = 0
    stateful: int = 0
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    full_kv_heads: int = 0
    full_head_dim: int = 0
    window: int = 0
    latent: int = 0
    rope: int = 0
    indexer: int = 0
    conv_values: int = 0
    state_values: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What `config.json` and the tokenizer say of the weights.

    `layers` is None where the layers cannot be told, `template` where there is no chat template;
    else it holds the signs found in it. `tekken` says that only Mistral's tokenizer is there.
    """

    architecture: str | None = None
    model_type: str | None = None
    quantization: str | None = None
    context: int | None = None
    multimodal: bool = False
    hybrid: bool = False
    remote_code: bool = False
    vision: bool = False
    tekken: bool = False
    kv_fp8: bool = False
    layers: Layers | None = None
    template: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What the engine said of its memory when it loaded a model; the last word on it."""

    weight_bytes: int | None = None
    kv_bytes: int | None = None
    kv_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What is known of the place: the memory of each Spark by name, and an earlier load."""

    memory: Mapping[str, int] = field(default_factory=dict)
    measured: Measured | None = None


NO_ROOM = Room()


@dataclass(frozen=True, slots=True)
class OnDisk:
    """One copy of one model on one Spark. `source` is the repo, or the path when `local`."""

    source: str
    local: bool = False
    size_bytes: int = 0
    weight_bytes: int = 0
    complete: bool = True
    problems: tuple[str, ...] = ()
    commit: str | None = None
    facts: Facts = field(default_factory=Facts)
    kind: Kind = Kind.UNKNOWN


@dataclass(frozen=True, slots=True)
class Inventory:
    """All copies on one Spark, as one look found them."""

    spark: str
    root: str = ""
    copies: tuple[OnDisk, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was skipped or is not as it should be; the rest stays usable.

    `source` is a file or a Spark, `entry` the part of it that is meant.
    """

    source: str
    entry: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The recipes and saved knobs that are usable, and what was wrong with the others."""

    recipes: tuple[Recipe, ...] = ()
    knobs: Mapping[str, Knobs] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """One line of the menu. `hosts` hold it in any state, `complete_on` whole."""

    key: str
    name: str
    repo: str | None = None
    local_path: str | None = None
    mode: Mode = Mode.SOLO
    hosts: tuple[str, ...] = ()
    complete_on: tuple[str, ...] = ()
    size_bytes: int = 0
    size_by_host: tuple[tuple[str, int], ...] = ()
    needs_setup: bool = False
    problems: tuple[str, ...] = ()
    recipe: Recipe | None = None
    knobs: Knobs = NO_KNOBS
    origin: Origin = Origin.INFERRED
    kind: Kind = Kind.UNKNOWN
    facts: Facts = field(default_factory=Facts)
    weight_bytes: int = 0

    @property
    def source(self) -> str:
        """Return the repo or the folder."""
        return self.repo or self.local_path or ""


@dataclass(frozen=True, slots=True)
class Menu:
    """What can be switched to, what could be downloaded, and what was wrong."""

    models: tuple[Model, ...] = ()
    recipes_not_on_disk: tuple[Recipe, ...] = ()
    problems: tuple[Problem, ...] = ()
    knobs: Mapping[str, Knobs] = field(default_factory=dict)
    read_at: datetime | None = None


RESERVED_KEYS = frozenset({"lock", "suggest"})
# No dash in front: the key is a word of `--served-model-name`, where it would read as a flag.
_KEY = re.compile(r"[a-z0-9._][a-z0-9._-]{0,63}")


def is_key(text: str) -> bool:
    """Tell whether `text` can name a model in a path of the API."""
    # "." and ".." would be folded away by every URL library on the way here.
    return bool(_KEY.fullmatch(text)) and text not in RESERVED_KEYS | {".", ".."}
