"""Fit and proposals on the wire."""

from pydantic import BaseModel, ConfigDict, Field

from spark_control.models.domain import Recipe
from spark_control.models.entries import entry_of
from spark_control.models.fit import Fit
from spark_control.models.infer import Proposal


class TermShape(BaseModel):
    """One line of the arithmetic: bytes of one Spark, `basis` measured or estimated."""

    name: str
    bytes: int | None
    basis: str
    note: str


class FitBriefShape(BaseModel):
    """The verdict of a line of the menu: fits, tight, no, unknown."""

    verdict: str
    needed_bytes: int | None
    max_context: int | None


class FitShape(FitBriefShape):
    """Whether a model fits a Spark, and why. `spare_bytes` is below 0 by what is missing."""

    model: str
    spark: str
    reason: str
    context: int | None
    sequences: int
    spare_bytes: int | None
    max_sequences: int | None
    basis: str
    terms: list[TermShape]


class FindingShape(BaseModel):
    """One proposed value, where it came from, and the words it adds; see `confirm`."""

    name: str
    value: str
    source: str
    words: list[str]
    confirm: bool


class SuggestShape(BaseModel):
    """A proposal. `recipe` is what `POST /api/models` takes; words to confirm are not in it."""

    recipe: dict[str, object]
    values: list[FindingShape]
    fit: FitShape


class EntryShape(BaseModel):
    """A recipe as it is sent; its fields are checked one by one, with their names."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=200)
    name: str | None = None
    repo: str | None = None
    local_path: str | None = None
    mode: str | None = None
    vllm_args: list[str | int | float] | None = None
    env: dict[str, str | int | float] | None = None
    image: str | None = None
    mods: list[str] | None = None
    notes: str | None = None


def brief(fit: Fit) -> FitBriefShape:
    """Return the fit as the menu shows it."""
    return FitBriefShape(
        verdict=fit.verdict, needed_bytes=fit.needed_bytes, max_context=fit.max_context
    )


def render_fit(model: str, spark: str, fit: Fit) -> FitShape:
    """Return the fit with its arithmetic."""
    return FitShape(
        model=model, spark=spark, verdict=fit.verdict, reason=fit.reason, context=fit.context,
        sequences=fit.sequences, needed_bytes=fit.needed_bytes, spare_bytes=fit.spare_bytes,
        max_context=fit.max_context, max_sequences=fit.max_sequences, basis=fit.basis,
        terms=[TermShape(name=t.name, bytes=t.bytes, basis=t.basis, note=t.note)
               for t in fit.terms],
    )  # fmt: skip


def render_entry(recipe: Recipe) -> dict[str, object]:
    """Return the recipe in the fields of an entry."""
    return {"key": recipe.key, **entry_of(recipe)}


def render_proposal(proposal: Proposal, spark: str) -> SuggestShape:
    """Return the proposal."""
    return SuggestShape(
        recipe=render_entry(proposal.recipe),
        values=[
            FindingShape(name=one.name, value=one.value, source=one.source,
                         words=list(one.words), confirm=one.confirm)
            for one in proposal.findings
        ],
        fit=render_fit(proposal.recipe.key, spark, proposal.fit),
    )  # fmt: skip
