"""Recipes from the bundled `models.yaml`, and from and into `models-overrides.yaml`."""

import asyncio
from importlib.resources import files
from pathlib import Path

import yaml

from spark_control.core.files import write_private
from spark_control.models.domain import Catalogue, Problem, Recipe
from spark_control.models.entries import with_entry, without_entry
from spark_control.models.errors import OverridesUnreadable, OverridesUnwritable
from spark_control.models.recipes import read_bundled, read_overrides

MAX_BYTES = 1 << 20
Stamp = tuple[int, int, int] | None


class RecipeFiles:
    """Implements RecipeSource and RecipeBook. A changed file is read again."""

    def __init__(self, overrides: Path) -> None:
        self._overrides = overrides
        self._bundled: Catalogue | None = None
        self._known: tuple[Stamp, Catalogue] | None = None
        self._writing = asyncio.Lock()

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

    async def save(self, recipe: Recipe) -> None:
        async with self._writing:
            await asyncio.to_thread(self._save, recipe)

    async def remove(self, key: str) -> bool:
        async with self._writing:
            return await asyncio.to_thread(self._remove, key)

    def _save(self, recipe: Recipe) -> None:
        self._write(with_entry(self._document(), recipe))

    def _remove(self, key: str) -> bool:
        left = without_entry(self._document(), key)
        if left is not None:
            self._write(left)
        return left is not None

    def _document(self) -> object:
        return None if _stamp(self._overrides) is None else read_document(self._overrides)

    def _write(self, document: object) -> None:
        """Write the file anew. Comments are lost in that, so the first one is kept beside."""
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        beside = self._overrides.with_name(f"{self._overrides.name}.bak")
        try:
            if self._overrides.exists() and not beside.exists():
                write_private(beside, self._overrides.read_bytes())
            write_private(self._overrides, text.encode())
        except OSError as error:
            raise OverridesUnwritable(
                f"{self._overrides} cannot be written: {error.strerror}."
            ) from error

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
