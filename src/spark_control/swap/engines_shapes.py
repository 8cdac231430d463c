"""Whose engines run, on the wire."""

from pydantic import BaseModel, Field

from spark_control.core.clock import iso
from spark_control.engines.shapes import EngineShape
from spark_control.engines.shapes import render as render_engine
from spark_control.swap.foreign import Holder, Kind, Ours
from spark_control.swap.takeover import Row


class RowShape(EngineShape):
    """The engine of one Spark and what it is.

    `ours` is yes, no or adopted, null where it is not known; `kind` is container, process or
    unknown, null where nothing listens. `confirm` is what stopping it must be confirmed with.
    """

    ours: str | None
    kind: str | None
    name: str
    pid: int | None
    image: str
    command: list[str]
    since: str | None
    confirm: str
    unit: str
    restarts: bool
    can_take_over: bool
    can_stop: bool
    problems: list[str]


class EnginesShape(BaseModel):
    """The engines of the fleet, one a Spark."""

    engines: list[RowShape]


class StopShape(BaseModel):
    """`confirm` is the name of the container, or the number of the process, that is meant."""

    confirm: str = Field(min_length=1, max_length=256)


def render(row: Row) -> RowShape:
    """Return one row as the API shows it."""
    there = row.holder or Holder(Kind.UNKNOWN, endable=False)
    known = there.kind is not Kind.UNKNOWN and there.endable
    foreign = row.ours in {Ours.NO, Ours.ADOPTED}
    problems = [*([row.problem] if row.problem else []), *there.problems]
    return RowShape(
        **render_engine(row.engine).model_dump(),
        ours=row.ours, kind=_kind(row), name=there.name, pid=there.pid, image=there.image,
        command=list(there.words), since=None if there.since is None else iso(there.since),
        confirm=there.mark, unit=there.unit, restarts=there.restarts,
        can_take_over=known and row.ours is Ours.NO, can_stop=known and foreign,
        problems=problems,
    )  # fmt: skip


def _kind(row: Row) -> str | None:
    if row.holder is None and not row.problem:
        return None
    return Kind.UNKNOWN if row.holder is None else row.holder.kind
