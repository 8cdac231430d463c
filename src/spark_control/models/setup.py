"""Ask whether a model fits, have launch settings proposed, and keep or drop recipes."""

from collections.abc import Mapping
from dataclasses import dataclass

from spark_control.fleet.errors import HostUnknown
from spark_control.models.assess import assess, usual_spark
from spark_control.models.domain import Menu, Model, Origin, Recipe
from spark_control.models.errors import (
    ModelUnknown,
    RecipeBundled,
    RecipeExists,
    RecipeUnknown,
)
from spark_control.models.fit import Fit
from spark_control.models.infer import Proposal, propose
from spark_control.models.ports import RecipeBook
from spark_control.models.recipes import recipe_of
from spark_control.models.usecases import Models


@dataclass(frozen=True, slots=True)
class Question:
    """Whether it fits on which Spark, with how much context, for how many at a time."""

    spark: str | None = None
    context: int | None = None
    sequences: int = 1


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
        there = self._recipes(await self.models.known()).get(recipe.key)
        if there is not None and there.origin is Origin.BUNDLED:
            raise RecipeBundled(f"{recipe.key} is a bundled recipe.", param="key")
        if there is not None and not replace:
            raise RecipeExists(f"There is a recipe {recipe.key} already.", param="key")
        await self.book.save(recipe)
        return recipe

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
