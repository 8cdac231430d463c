"""Imported recipes on the wire."""

from pydantic import BaseModel, Field

from spark_control.models.setup import Intake, Refusal
from spark_control.models.shapes import RecipeShape, render_recipe
from spark_control.models.upstream import Import


class ImportWish(BaseModel):
    """The text of one or more recipe files of spark-vllm-docker."""

    text: str = Field(min_length=1, max_length=262_144)
    replace: bool = False
    dry_run: bool = False


class LeftShape(BaseModel):
    """A field, or a part of one, that was not taken over."""

    field: str
    reason: str


class ImportedShape(BaseModel):
    """A recipe that is usable, and what was left out of it."""

    recipe: RecipeShape
    left_out: list[LeftShape]


class RefusalShape(BaseModel):
    """A recipe that is not usable: its name, the field, and why."""

    name: str
    field: str
    reason: str


class IntakeShape(BaseModel):
    """What came of an import; with `dry_run` nothing was kept."""

    dry_run: bool
    imported: list[ImportedShape]
    refused: list[RefusalShape]


def render_intake(intake: Intake, *, dry_run: bool) -> IntakeShape:
    """Return what came of an import as the API shows it."""
    return IntakeShape(
        dry_run=dry_run,
        imported=[_imported(one) for one in intake.imported],
        refused=[_refusal(one) for one in intake.refused],
    )


def _imported(one: Import) -> ImportedShape:
    left = [LeftShape(field=part.field, reason=part.reason) for part in one.left]
    return ImportedShape(recipe=render_recipe(one.recipe), left_out=left)


def _refusal(one: Refusal) -> RefusalShape:
    return RefusalShape(name=one.name, field=one.field, reason=one.reason)
