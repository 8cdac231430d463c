"""Recipes from the bundled `models.yaml` and the operator's `models-overrides.yaml`."""

import asyncio
from importlib.resources import files
from pathlib import Path

import yaml

from spark_control.models.domain import Catalogue, Problem
from spark_control.models.errors import OverridesUnreadable
from spark_control.models.recipes import read_bundled, read_overrides

MAX_BYTES = 1 << 20
Stamp = tuple[int, int, int] | None


class RecipeFiles:
    """Implements RecipeSource. The overrides are read again whenever the file has changed."""

    def __init__(self, overrides: Path) -> None:
        self._overrides = overrides
        self._bundled: Catalogue | None = None
        self._known: tuple[Stamp, Catalogue] | None = None

    async def load(self) -> Catalogue:
        return await asyncio.to_thread(self._load)

    def _load(self) -> Catalogue:
        try:
            stamp = _stamp(self._overrides)
            if self._known is None or self._known[0] != stamp:
                document = None if stamp is None else read_document(self._overrides)
                self._known = stamp, self._laid_over(document)
        except OverridesUnreadable as error:
            # Not remembered: rights can change and leave the time of the file as it was.
            self._known = None
            bundled = self._bundled_recipes()
            problem = Problem(str(self._overrides), None, error.message)
            return Catalogue(bundled.recipes, {}, (*bundled.problems, problem))
        return self._known[1]

    def _laid_over(self, document: object) -> Catalogue:
        return read_overrides(document, self._bundled_recipes(), source=str(self._overrides))

    def _bundled_recipes(self) -> Catalogue:
        if self._bundled is None:
            text = (files("spark_control.models") / "models.yaml").read_text("utf-8")
            self._bundled = read_bundled(yaml.safe_load(text), source="models.yaml")
        return self._bundled


def _stamp(path: Path) -> Stamp:
    """Return what changes when the file does, or None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OverridesUnreadable(f"The file cannot be read: {error.strerror}.") from error
    return found.st_mtime_ns, found.st_size, found.st_ino


def read_document(path: Path) -> object:
    """Return the file as YAML gives it. Raises OverridesUnreadable, naming the line."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OverridesUnreadable(f"The file cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise OverridesUnreadable("The file is larger than 1 MiB.")
    try:
        return yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise OverridesUnreadable(f"The file is not YAML{where}: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise OverridesUnreadable("The file is not YAML: it holds bytes no text has.") from error
