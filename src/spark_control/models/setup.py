"""Ask whether a model fits, have launch settings proposed, and keep or drop recipes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed

from spark_control.fleet.errors import HostUnknown
from spark_control.models.assess import assess, usual_spark
from spark_control.models.domain import Menu, Model, Origin, Recipe
from spark_control.models.errors import (
    BadRecipe,
    ModelUnknown,
    RecipeBundled,
    RecipeExists,
    RecipeUnknown,
)
from spark_control.models.fit import Fit
from spark_control.models.infer import Proposal, propose
from spark_control.models.ports import RecipeBook
from spark_control.models.recipes import recipe_of
from spark_control.models.upstream import Import, Left, documents, read_upstream, title_of
from spark_control.models.usecases import Models


@dataclass(frozen=True, slots=True)
class Question:
    """Whether it fits on which Spark, with how much context, for how many at a time."""

    spark: str | None = None
    context: int | None = None
    sequences: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipe that was not imported: its name, the field, and why."""

    name: str
    field: str
    reason: str


@dataclass(slots=True)
class Intake:
    """What came of an import."""

    imported: list[Import] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Setup:
    """Launch settings of models: proposed from what is on disk, kept after somebody has agreed."""

    models: Models
    book: RecipeBook

    async def fit(self, key: str, question: Question) -> tuple[str, Fit]:
        """Return the Spark that was meant and the fit there.

        Raises ModelUnknown, ModelNotOnDisk, HostUnknown.
        """
        model = await self.models.find(key)
        room = self.models.room(model)
        spark = question.spark or usual_spark(model, room)
        if spark not in {host.name for host in self.models.fleet.hosts()}:
            raise HostUnknown(f"There is no Spark {spark!r}.", param="spark")
        found = assess(model, room, spark, context=question.context, sequences=question.sequences)
        return spark, found

    async def suggest(self, *, key: str | None, repo: str | None) -> tuple[str, Proposal]:
        """Return a proposal for the model with that key or repo, and the Spark it is for.

        Raises ModelUnknown, ModelNotOnDisk.
        """
        model = await self._meant(key, repo)
        room = self.models.room(model)
        spark = usual_spark(model, room)
        return spark, propose(model, room.memory.get(spark))

    async def _meant(self, key: str | None, repo: str | None) -> Model:
        if key is not None or repo is None:
            return await self.models.find(key or "")
        menu = await self.models.menu()
        found = next((model for model in menu.models if model.source == repo), None)
        if found is None:
            raise ModelUnknown(f"{repo[:128]} is on no Spark.", param="repo")
        return found

    async def save(self, entry: Mapping[str, object], *, replace: bool) -> Recipe:
        """Check the whole recipe, then keep it.

        Raises BadRecipe, RecipeBundled, RecipeExists, and what the book raises.
        """
        recipe = recipe_of(entry, origin=Origin.CUSTOM)
        _free(recipe, self._recipes(await self.models.known()), replace=replace)
        await self.book.save(recipe)
        return recipe

    async def take_in(self, text: str, *, replace: bool, dry_run: bool) -> Intake:
        """Read recipes of spark-vllm-docker, and keep those that are usable unless `dry_run`.

        Raises BadRecipe when the text is no YAML, and what the book raises.
        """
        rows = await asyncio.to_thread(documents, text)
        known = self._recipes(await self.models.known())
        intake = Intake()
        for place, row in enumerate(rows, 1):
            try:
                one = _renamed(read_upstream(row), known)
                mine = replace and one.recipe.key not in {i.recipe.key for i in intake.imported}
                _free(one.recipe, known, replace=mine)
            except (BadRecipe, RecipeExists) as error:
                refusal = Refusal(title_of(row, place), error.param or "", error.message)
                intake.refused.append(refusal)
                continue
            if not dry_run:
                await self.book.save(one.recipe)
            known[one.recipe.key] = one.recipe
            intake.imported.append(one)
        return intake

    async def remove(self, key: str) -> None:
        """Remove a custom recipe. Raises RecipeBundled, RecipeUnknown, and what the book does."""
        there = self._recipes(await self.models.known()).get(key)
        if there is not None and there.origin is Origin.BUNDLED:
            raise RecipeBundled(f"{key} is a bundled recipe and stays.", param="key")
        if not await self.book.remove(key):
            raise RecipeUnknown(f"There is no custom recipe {key[:80]!r}.", param="key")

    @staticmethod
    def _recipes(menu: Menu) -> dict[str, Recipe]:
        held = [model.recipe for model in menu.models if model.recipe is not None]
        return {recipe.key: recipe for recipe in (*held, *menu.recipes_not_on_disk)}


def _free(recipe: Recipe, known: Mapping[str, Recipe], *, replace: bool) -> None:
    """Raise RecipeBundled or RecipeExists when the key is taken."""
    there = known.get(recipe.key)
    if there is not None and there.origin is Origin.BUNDLED:
        raise RecipeBundled(f"{recipe.key} is a bundled recipe.", param="key")
    if there is not None and not replace:
        raise RecipeExists(f"There is a recipe {recipe.key} already.", param="key")


def _renamed(one: Import, known: Mapping[str, Recipe]) -> Import:
    """Give an import another key where a bundled recipe has it."""
    there = known.get(one.recipe.key)
    if there is None or there.origin is not Origin.BUNDLED:
        return one
    key = f"{one.recipe.key[:55]}-imported"
    note = Left("name", f"{one.recipe.key} is a bundled recipe; the key is {key}.")
    return Import(changed(one.recipe, key=key), (*one.left, note))
