"""Read what the inventory program prints; anything odd in it becomes a problem, never a crash."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark_control.models.domain import Facts, Inventory, Kind, Layers, OnDisk
from spark_control.models.layers import layers_of

SENTINEL = "@@INVENTORY@@"
BUSY_S = 600.0
"""A partial file that changed in this time belongs to a download that runs."""

# Eagle2 is also a family of vision models, hence the care.
_DRAFT_NAME = re.compile(
    r"(?<=[-_.])(?:eagle3?|dflash\d?|medusa|speculator|draft|assistant)(?=[-_.]|$)", re.IGNORECASE
)
_DRAFT_ARCHITECTURE = re.compile(
    r"eagle3?(?:model|\w*forcausallm)?$|dflash|medusa|speculator|mtp", re.IGNORECASE
)
_CHAT_ARCHITECTURE = re.compile(r".*(?:ForCausalLM|ForConditionalGeneration|LMHeadModel)")
_NO_CHAT_ARCHITECTURE = re.compile(r"(?:Whisper|T5|Speech|Parler|Musicgen).*")
_ENCODER = re.compile(r".*(?:Bert|Roberta|MPNet|Nomic|GTE|Embedding).*Model")


class Unreadable(ValueError):
    """The program's answer is not one."""


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object whose fields are taken by type, with a plain value for what is not there."""

    of: Mapping[str, object]

    def number(self, name: str) -> int:
        value = self.of.get(name)
        # The bound keeps out the infinities and NaN that JSON of Python lets through.
        return int(value) if isinstance(value, int | float) and abs(value) < 10**18 else 0

    def text(self, name: str) -> str | None:
        value = self.of.get(name)
        return value if isinstance(value, str) and value else None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.of.get(name)
        return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()

    def numbers(self) -> dict[str, int]:
        return {name: self.number(name) for name in self.of}

    def holds(self, name: str) -> bool:
        return self.of.get(name) is not None

    def flag(self, name: str) -> bool:
        return self.of.get(name) is True

    def inner(self, name: str) -> "_Fields":
        value = self.of.get(name)
        return _Fields(value if isinstance(value, dict) else {})


def read_inventory(spark: str, output: str) -> Inventory:
    """Return the inventory in what the program printed. Raises Unreadable."""
    # A login may print a banner first; the answer is the last line that carries the mark.
    _, mark, tail = output.rpartition(SENTINEL)
    try:
        answer = json.loads(tail.partition("\n")[0]) if mark else None
    except (ValueError, RecursionError) as error:
        raise Unreadable("the answer breaks off") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("models"), list):
        raise Unreadable("there is no answer")
    fields = _Fields(answer)
    entries = [_Fields(entry) for entry in answer["models"] if isinstance(entry, dict)]
    copies = tuple(copy for entry in entries if (copy := _copy(entry, fields.number("now"))))
    return Inventory(spark, fields.text("root") or "", copies, fields.texts("problems"))


def _copy(entry: _Fields, now: float) -> OnDisk | None:
    repo, path = entry.text("repo"), entry.text("path")
    source = repo or path
    if source is None or (path and not entry.flag("there")):
        return None
    facts = _facts(entry)
    kind = kind_of(source, facts, entry.texts("markers"))
    partials = entry.inner("partials")
    faults = _faults(entry, kind)
    problems = (*faults, *_remarks(entry, partials, now, whole=not faults))
    return OnDisk(
        source=source,
        local=repo is None,
        size_bytes=entry.number("size"),
        weight_bytes=entry.number("weights"),
        complete=not faults,
        problems=problems,
        commit=entry.text("commit"),
        facts=facts,
        kind=kind,
    )


def _facts(entry: _Fields) -> Facts:
    config = entry.inner("config")
    architectures = config.texts("architectures")
    model_type, hybrid = config.text("model_type"), config.flag("hybrid")
    files = entry.texts("markers")
    return Facts(
        architecture=architectures[0] if architectures else None,
        model_type=model_type,
        quantization=config.text("quant_method"),
        context=config.number("max_position_embeddings") or None,
        multimodal=config.flag("vision") or config.flag("audio"),
        hybrid=hybrid,
        remote_code=config.flag("auto_map"),
        vision=config.flag("vision"),
        tekken="tekken.json" in files and "tokenizer.json" not in files,
        kv_fp8=config.flag("kv_fp8"),
        layers=None if config.flag("uneven") else _layers(config, model_type, hybrid=hybrid),
        template=entry.texts("template") if entry.holds("template") else None,
    )


def _layers(config: _Fields, model_type: str | None, *, hybrid: bool) -> Layers | None:
    kinds = config.inner("kinds").numbers() if config.holds("kinds") else None
    return layers_of(config.inner("shape").numbers(), kinds, model_type or "", hybrid=hybrid)


def kind_of(source: str, facts: Facts, markers: Sequence[str]) -> Kind:
    """Tell what weights are for from the files beside them and the architecture."""
    name, architecture = source.rpartition("/")[2], facts.architecture or ""
    answers = _CHAT_ARCHITECTURE.fullmatch(architecture) or "params.json" in markers
    signs = (
        (Kind.ADAPTER, "adapter_config.json" in markers),
        (Kind.DIFFUSION, "model_index.json" in markers),
        (Kind.DRAFT, _DRAFT_NAME.search(name) or _DRAFT_ARCHITECTURE.search(architecture)),
        (Kind.RERANKER, architecture.endswith("ForSequenceClassification")),
        (Kind.RERANKER, "rerank" in name.lower()),
        (Kind.EMBEDDING, "modules.json" in markers or _ENCODER.fullmatch(architecture)),
        (Kind.CHAT, answers and not _NO_CHAT_ARCHITECTURE.fullmatch(architecture)),
    )
    return next((kind for kind, sign in signs if sign), Kind.UNKNOWN)


def _faults(entry: _Fields, kind: Kind) -> list[str]:
    """Return what keeps the copy from being whole."""
    if error := entry.text("error"):
        return [f"It cannot be read: {error}."]
    if entry.flag("empty"):
        return ["Nothing of it has been downloaded yet."]
    faults = [f"{trouble[:1].upper()}{trouble[1:]}." for trouble in entry.texts("troubles")]
    faults += _named(entry, "missing", "Weight files are missing")
    faults += _named(entry, "broken", "Links lead nowhere")
    faults += _named(entry, "cut", "Weight files are cut off or damaged")
    # Adapters, image models and GGUF files are laid out in their own way.
    if kind not in (Kind.ADAPTER, Kind.DIFFUSION) and entry.text("format") != "gguf":
        faults += _absent(entry)
    return faults


def _named(entry: _Fields, what: str, sentence: str) -> list[str]:
    count, names = entry.number(f"{what}_count"), entry.texts(what)
    if not count:
        return []
    more = ", …" if count > len(names) else ""
    return [f"{sentence} ({count}): {', '.join(names)}{more}."]


def _absent(entry: _Fields) -> list[str]:
    markers, absent = entry.texts("markers"), []
    if not {"config.json", "params.json"} & set(markers):
        absent.append("config.json")
    if not entry.flag("tokenizer"):
        absent.append("tokenizer")
    if not entry.number("weight_files"):
        absent.append("weights")
    return [f"Not there yet: {', '.join(absent)}."] if absent else []


def _remarks(entry: _Fields, partials: _Fields, now: float, *, whole: bool) -> list[str]:
    """Return what is worth saying of a copy that may be whole all the same."""
    remarks = []
    if entry.number("outside"):
        remarks.append("Some files are links out of the folder; the container will not find them.")
    if count := partials.number("count"):
        size = f"{partials.number('bytes') / 1e9:.1f} GB in {count} file{'s' if count > 1 else ''}"
        if now - partials.number("newest") < BUSY_S:
            remarks.append(f"A download is under way ({size} so far).")
        elif whole:
            remarks.append(f"An older download left parts behind ({size}).")
        else:
            remarks.append(f"A download stopped and can be resumed ({size} so far).")
    return remarks
