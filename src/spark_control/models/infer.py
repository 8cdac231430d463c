"""Propose how to launch a model nobody has described, with where each value came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spark_control.models.demand import PAIR, demand_of
from spark_control.models.domain import Mode, Model, Origin, Recipe
from spark_control.models.families import Family, family_of, thinks
from spark_control.models.fit import GIB, Fit, Verdict, fit
from spark_control.models.menu import needs_large_batch

USUAL = int(121.7 * GIB)
"""The memory of a DGX Spark, for as long as none was asked."""
SHARES = ("0.7", "0.8", "0.85")
LEAST = 8192
STEP = 4096
TRUST = "--trust-remote-code"


@dataclass(frozen=True, slots=True)
class Finding:
    """One value of a proposal and where it came from; `words` are what it adds to the launch.

    With `confirm` the words are left out until the operator has agreed to them.
    """

    name: str
    value: str
    source: str
    words: tuple[str, ...] = ()
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recipe to start from, why it is so, and whether it fits."""

    recipe: Recipe
    findings: tuple[Finding, ...]
    fit: Fit


@dataclass(frozen=True, slots=True)
class _Place:
    """How a model is laid out: mode, context and share of the memory."""

    mode: Mode
    context: int | None
    share: str
    fit: Fit


def propose(model: Model, memory: int | None) -> Proposal:
    """Return the proposal for `model` on Sparks with `memory` bytes each."""
    place = _place(model, memory or USUAL)
    findings = (
        *_placed(model, place, memory),
        *_batch(model),
        *_pictures(model),
        *_parsers(model),
        *_tokenizer(model),
        *_code(model),
    )
    recipe = replace(_bare(model, place.mode), vllm_args=words_of(findings))
    demand = demand_of(model, recipe, recipe.vllm_args)
    return Proposal(recipe, findings, fit(demand, memory))


def words_of(findings: Sequence[Finding], *, agreed: bool = False) -> tuple[str, ...]:
    """Return the words of a launch; those to be agreed to only with `agreed`."""
    return tuple(w for one in findings if agreed or not one.confirm for w in one.words)


def _bare(model: Model, mode: Mode) -> Recipe:
    return Recipe(
        key=model.key, name=_title(model), mode=mode, repo=model.repo,
        local_path=model.local_path, origin=Origin.INFERRED,
    )  # fmt: skip


def _title(model: Model) -> str:
    if model.name != model.source:
        return model.name
    return model.source.rstrip("/").rpartition("/")[2] or model.source


def _place(model: Model, memory: int) -> _Place:
    """Take one Spark if it can hold the model with some context, else several."""
    solo = _on(model, Mode.SOLO, memory)
    if solo.fit.verdict is not Verdict.NO and (solo.context or LEAST) >= _least(model):
        return solo
    return _on(model, Mode.CLUSTER, memory)


def _least(model: Model) -> int:
    return min(LEAST, model.facts.context or LEAST)


def _on(model: Model, mode: Mode, memory: int) -> _Place:
    """Give the model its own context with the smallest share that has room for it."""
    native = model.facts.context
    fits = [(share, _fit(model, mode, native, share, memory)) for share in SHARES]
    for share, found in fits:
        if found.verdict is Verdict.FITS:
            return _Place(mode, native, share, found)
    share, found = fits[-1]
    room = (found.max_context or 0) // STEP * STEP
    if native is None or found.max_context is None or room >= native:
        return _Place(mode, native, share, found)
    shorter = _fit(model, mode, max(1, room), share, memory)
    return _Place(mode, max(1, room), share, shorter)


def _fit(model: Model, mode: Mode, context: int | None, share: str, memory: int) -> Fit:
    length = ("--max-model-len", str(context)) if context else ()
    words = ("--gpu-memory-utilization", share, *length, *words_of(tuple(_batch(model))))
    return fit(demand_of(model, _bare(model, mode), words, sparks=PAIR), memory)


def _placed(model: Model, place: _Place, memory: int | None) -> Iterator[Finding]:
    known = "memory of the Spark" if memory else "memory of a DGX Spark (not asked yet)"
    sized = f"weights on disk, {known}"
    yield Finding("mode", place.mode.value, sized)
    if place.context is not None:
        native = place.context == model.facts.context
        source = "config.json: max_position_embeddings"
        if not native:
            source = f"what there is room for; {source} is {model.facts.context}"
        words = ("--max-model-len", str(place.context))
        yield Finding("context", str(place.context), source, words)
    source = f"the smallest with room for the context; {known}"
    share = ("--gpu-memory-utilization", place.share)
    yield Finding("memory share", place.share, source, share)
    method = model.facts.quantization
    yield Finding(
        "quantization",
        f"{method}, found by vLLM itself" if method else "none",
        "config.json: quantization_config" if method else "config.json has no quantization_config",
    )


def _batch(model: Model) -> Iterator[Finding]:
    facts = model.facts
    if needs_large_batch(facts):
        why = "linear attention or Mamba layers" if facts.hybrid else "vision_config, audio_config"
        words = ("--max-num-batched-tokens", "16384")
        yield Finding("batched tokens", "16384", f"config.json: {why}", words)


def _pictures(model: Model) -> Iterator[Finding]:
    if model.facts.vision:
        words = ("--limit-mm-per-prompt", '{"image": 4}')
        yield Finding("images", "4 in a prompt", "config.json: vision_config", words)


def _parsers(model: Model) -> Iterator[Finding]:
    facts = model.facts
    if facts.template is None and not facts.tekken and not _has_own_format(model):
        yield Finding("tool parser", "none", "no chat template: it completes text only")
        return
    kin = family_of(model.source, facts)
    if kin is None:
        yield Finding("tool parser", "none", "no known family, no sign in the chat template")
        return
    yield _tool(kin)
    sign = thinks(facts)
    if kin.reasoning and (kin.always or sign):
        source = _table(kin) if kin.always else f"{_table(kin)}; chat template: {sign}"
        words = ("--reasoning-parser", kin.reasoning)
        yield Finding("reasoning parser", kin.reasoning, source, words)


def _tool(kin: Family) -> Finding:
    if kin.tool is None:
        return Finding("tool parser", "none", _table(kin))
    source = _table(kin) if kin.pattern else f"chat template: {kin.sign}"
    # vLLM refuses to start when tools are to be chosen and nobody says how they are read.
    words = ("--enable-auto-tool-choice", "--tool-call-parser", kin.tool)
    return Finding("tool parser", kin.tool, source, words)


def _table(kin: Family) -> str:
    return f"family table: {kin.name}"


def _has_own_format(model: Model) -> bool:
    """Tell whether vLLM itself writes the prompts of this model, without a template."""
    kin = family_of(model.source, model.facts)
    return kin is not None and kin.tool in {"deepseek_v32", "deepseek_v4"}


def _tokenizer(model: Model) -> Iterator[Finding]:
    if model.facts.tekken:
        words = ("--tokenizer-mode", "mistral")
        yield Finding("tokenizer", "mistral", "tekken.json, no tokenizer.json", words)


def _code(model: Model) -> Iterator[Finding]:
    if model.facts.remote_code:
        yield Finding(
            "code of the model",
            "runs only when you agree",
            "config.json: auto_map",
            (TRUST,),
            confirm=True,
        )
