"""`spark-control jobs`."""

from typing import Annotated

import typer

from spark_control.cli.render import jobs as view
from spark_control.cli.session import session_of


def jobs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only one kind, such as swap.")
    ] = None,
) -> None:
    """List the newest jobs."""
    session = session_of(ctx)
    query: dict[str, str | int] = {"limit": limit} | ({"kind": kind} if kind else {})
    answer = session.api.get("/api/jobs", query)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer, session.clock.now()))
