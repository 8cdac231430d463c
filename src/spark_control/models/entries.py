"""Put a recipe into the document of `models-overrides.yaml`, or take one out; the rest stays."""

from collections.abc import Mapping

from spark_control.models.domain import Recipe
from spark_control.models.errors import OverridesUnreadable

Document = dict[str, object]


def entry_of(recipe: Recipe) -> Document:
    """Return the fields of `recipe` as the file holds them; empty ones are left out."""
    entry: Document = {"name": recipe.name, "repo": recipe.repo, "local_path": recipe.local_path}
    entry |= {
        "mode": recipe.mode.value,
        "vllm_args": list(recipe.vllm_args),
        "env": dict(recipe.env),
        "image": recipe.image,
        "mods": list(recipe.mods),
        "notes": recipe.notes,
    }
    return {name: value for name, value in entry.items() if value}


def with_entry(document: object, recipe: Recipe) -> Document:
    """Return the document with `recipe` in the place of its key's entry, else at the end.

    Raises OverridesUnreadable.
    """
    whole = _whole(document)
    models = whole.get("models")
    if isinstance(models, list):
        entry: object = {"key": recipe.key, **entry_of(recipe)}
        found = [entry if _is(one, recipe.key) else one for one in models]
        return {**whole, "models": found if entry in found else [*found, entry]}
    if models is not None and not isinstance(models, Mapping):
        raise OverridesUnreadable("`models:` in the file holds no entries.")
    return {**whole, "models": {**(models or {}), recipe.key: entry_of(recipe)}}


def without_entry(document: object, key: str) -> Document | None:
    """Return the document without the entry of `key`, or None when it has none."""
    whole = _whole(document)
    models = whole.get("models")
    if isinstance(models, list):
        left: object = [one for one in models if not _is(one, key)]
        return None if left == models else {**whole, "models": left}
    if not isinstance(models, Mapping) or key not in models:
        return None
    return {**whole, "models": {name: one for name, one in models.items() if name != key}}


def _whole(document: object) -> Document:
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise OverridesUnreadable("The file must hold `models:` (and `knobs:`) at its top.")
    return dict(document)


def _is(entry: object, key: str) -> bool:
    return isinstance(entry, Mapping) and entry.get("key") == key
