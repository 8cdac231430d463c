"""Read recipe documents that YAML has parsed already: good entries are used, bad ones named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

from spark_control.models import checks
from spark_control.models.domain import NO_KNOBS, Catalogue, Knobs, Origin, Problem, Recipe
from spark_control.models.errors import BadRecipe

ENTRY_FIELDS = tuple(
    "key name repo local_path mode vllm_args env image mods notes".split()  # noqa: SIM905 - one line
)
_KNOB_NAMES = tuple(knob.name for knob in fields(Knobs))


@dataclass(slots=True)
class _Reading:
    """What is found while one document is read."""

    source: str
    recipes: dict[str, Recipe] = field(default_factory=dict)
    knobs: dict[str, Knobs] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def skip(self, entry: str | None, reason: str) -> None:
        self.problems.append(Problem(self.source, entry, reason))


def recipe_of(
    entry: Mapping[str, object], *, origin: Origin, base: Recipe | None = None
) -> Recipe:
    """Return the recipe of one entry, laid over `base` when given. Raises BadRecipe."""
    found = base or Recipe(key=checks.key(entry.get("key")), name="")
    found = _placed(found, entry)
    found = replace(found, origin=origin if base is None else base.origin)
    for name, check in _CHECKS.items():
        if entry.get(name) is not None:
            found = check(found, entry[name])
    if found.local_path is not None:
        checks.chat_template(found.vllm_args, found.local_path)
    return found if found.name else replace(found, name=found.source)


def _placed(recipe: Recipe, entry: Mapping[str, object]) -> Recipe:
    """Set the repo or the folder; an entry that names neither keeps what it is laid over."""
    named = [name for name in ("repo", "local_path") if entry.get(name) is not None]
    if len(named) > 1 or not (named or recipe.source):
        raise BadRecipe("Exactly one of repo and local_path must be given.", param="repo")
    if not named:
        return recipe
    if named == ["repo"]:
        return replace(recipe, repo=checks.repo(entry["repo"]), local_path=None)
    return replace(recipe, local_path=checks.local_path(entry["local_path"]), repo=None)


_CHECKS: Mapping[str, Callable[[Recipe, object], Recipe]] = {
    "name": lambda recipe, value: replace(recipe, name=checks.line(value, "name", longest=120)),
    "mode": lambda recipe, value: replace(recipe, mode=checks.mode(value)),
    "vllm_args": lambda recipe, value: replace(recipe, vllm_args=checks.vllm_args(value)),
    "env": lambda recipe, value: replace(recipe, env=checks.env(value)),
    "image": lambda recipe, value: replace(recipe, image=checks.image(value)),
    "mods": lambda recipe, value: replace(recipe, mods=checks.mods(value)),
    "notes": lambda recipe, value: replace(recipe, notes=checks.notes(value)),
}


def read_bundled(document: object, *, source: str) -> Catalogue:
    """Read `models.yaml`: a list of entries below `models`."""
    reading = _Reading(source)
    for label, entry in _entries(reading, _section(reading, document, "models")):
        _add(reading, label, entry, Origin.BUNDLED)
    return Catalogue(tuple(reading.recipes.values()), {}, tuple(reading.problems))


def read_overrides(document: object, bundled: Catalogue, *, source: str) -> Catalogue:
    """Lay `models-overrides.yaml` over the bundled recipes: custom entries and knobs.

    An entry under a bundled key changes only the fields it names. Entries and knobs that cannot
    be used are reported and stay in the file.
    """
    reading = _Reading(source, {recipe.key: recipe for recipe in bundled.recipes})
    reading.problems.extend(bundled.problems)
    for label, entry in _entries(reading, _section(reading, document, "models")):
        _add(reading, label, entry, Origin.CUSTOM)
    for label, entry in _entries(reading, _section(reading, document, "knobs")):
        _add_knobs(reading, label, entry)
    _unknown(reading, None, document if isinstance(document, Mapping) else {}, ("models", "knobs"))
    return Catalogue(tuple(reading.recipes.values()), reading.knobs, tuple(reading.problems))


def _section(reading: _Reading, document: object, name: str) -> object:
    if document is None:
        return None
    if not isinstance(document, Mapping):
        if name == "models":
            reading.skip(None, "The file must hold `models:` (and `knobs:`) at its top.")
        return None
    return document.get(name)


def _entries(reading: _Reading, section: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each entry with its key; a mapping gives the key outside, a list inside."""
    if section is None:
        return
    if isinstance(section, Mapping):
        pairs = [(_label(key), entry, {"key": key}) for key, entry in section.items()]
    elif isinstance(section, list):
        pairs = [(f"entry {at}", entry, {}) for at, entry in enumerate(section, 1)]
    else:
        reading.skip(None, "`models:` and `knobs:` must hold entries by key.")
        return
    for label, entry, outside in pairs:
        if isinstance(entry, Mapping):
            yield _label(entry.get("key") or label), {**entry, **outside}
        else:
            reading.skip(label, "The entry must hold fields with values.")


def _label(key: object) -> str:
    return str(key)[:80] if isinstance(key, str | int | float) else "an entry"


def _add(reading: _Reading, label: str, entry: Mapping[str, object], origin: Origin) -> None:
    base = reading.recipes.get(label)
    if base is not None and origin is Origin.BUNDLED:
        reading.skip(label, "The key is there twice; the first entry is used.")
        return
    try:
        recipe = recipe_of(entry, origin=origin, base=base)
    except BadRecipe as error:
        reading.skip(label, error.message)
        return
    reading.recipes[recipe.key] = recipe
    _unknown(reading, label, entry, ENTRY_FIELDS)


def _unknown(
    reading: _Reading, label: str | None, entry: Mapping[str, object], known: tuple[str, ...]
) -> None:
    odd = sorted(_label(name) for name in entry if name not in known)
    if odd:
        reading.skip(label, f"Not known and not used: {', '.join(odd)}.")


def _add_knobs(reading: _Reading, label: str, entry: Mapping[str, object]) -> None:
    if label not in reading.recipes:
        reading.skip(label, "No recipe has this key; its knobs are kept and not used.")
    knobs = NO_KNOBS
    for name in _KNOB_NAMES:
        if entry.get(name) is None:
            continue
        try:
            knobs = with_knob(knobs, name, entry[name])
        except BadRecipe as error:
            reading.skip(label, error.message)
    reading.knobs[label] = knobs
    _unknown(reading, label, entry, ("key", *_KNOB_NAMES))


def with_knob(knobs: Knobs, name: str, value: object) -> Knobs:
    """Return `knobs` with one of them set. Raises BadRecipe for a value that does not fit."""
    if name == "max_model_len":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**8:
            raise BadRecipe("max_model_len must be a whole number of tokens.", param=name)
        return replace(knobs, max_model_len=value)
    if name == "gpu_memory_utilization":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise BadRecipe("gpu_memory_utilization must be above 0 and at most 1.", param=name)
        return replace(knobs, gpu_memory_utilization=float(value))
    if not isinstance(value, bool):
        raise BadRecipe(f"{name} must be true or false.", param=name)
    match name:
        case "fastsafetensors":
            return replace(knobs, fastsafetensors=value)
        case "prefix_caching":
            return replace(knobs, prefix_caching=value)
        case _:
            return replace(knobs, kv_cache_fp8=value)
