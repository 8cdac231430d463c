"""`/api/models`: the menu, whether a model fits, and recipes proposed, added and removed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from spark_control.models.fit_shapes import (
    EntryShape,
    FitShape,
    SuggestShape,
    render_fit,
    render_proposal,
)
from spark_control.models.import_shapes import ImportWish, IntakeShape, render_intake
from spark_control.models.setup import Question, Setup
from spark_control.models.shapes import Loaded, MenuShape, RecipeShape, render, render_recipe
from spark_control.models.usecases import Models

Tokens = Annotated[int | None, Query(ge=1, le=10**8)]
Many = Annotated[int, Query(ge=1, le=10**4)]
Name = Annotated[str | None, Query(max_length=200)]


def router(models: Models, loaded: Callable[[], Loaded], setup: Setup | None = None) -> APIRouter:
    """Return the routes of the menu; `loaded` tells which names the engines answer to now."""
    routes = APIRouter(prefix="/api/models", tags=["models"])

    @routes.get("")
    async def menu(*, fresh: bool = False) -> MenuShape:
        return render(await models.menu(fresh=fresh), loaded(), models.fits)

    if setup is not None:
        _setup_routes(routes, setup)
    return routes


def _setup_routes(routes: APIRouter, setup: Setup) -> None:
    # Before every route with a key in it: no model can have the key `suggest`.
    @routes.get("/suggest")
    async def suggest(key: Name = None, repo: Name = None) -> SuggestShape:
        spark, proposal = await setup.suggest(key=key, repo=repo)
        return render_proposal(proposal, spark)

    @routes.get("/{key}/fit")
    async def fit(
        key: str, spark: Name = None, context: Tokens = None, sequences: Many = 1
    ) -> FitShape:
        where, found = await setup.fit(key, Question(spark, context, sequences))
        return render_fit(key, where, found)

    @routes.post("", status_code=201)
    async def add(body: EntryShape, *, replace: bool = False) -> RecipeShape:
        return render_recipe(await setup.save(body.model_dump(), replace=replace))

    @routes.post("/import")
    async def take_in(body: ImportWish) -> IntakeShape:
        """Import recipes of spark-vllm-docker as custom ones."""
        intake = await setup.take_in(body.text, replace=body.replace, dry_run=body.dry_run)
        return render_intake(intake, dry_run=body.dry_run)

    @routes.delete("/{key}", status_code=204)
    async def remove(key: str) -> None:
        await setup.remove(key)
