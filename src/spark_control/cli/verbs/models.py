"""`spark-control models`."""

from typing import Annotated

import typer

from spark_control.cli.render import models as view
from spark_control.cli.session import session_of


def models(
    ctx: typer.Context,
    recipes: Annotated[
        bool, typer.Option("--recipes", help="Also list recipes for models on no Spark.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Look at the disks now, whatever was seen before.")
    ] = False,
) -> None:
    """List the models on the Sparks and what can be done with them."""
    session = session_of(ctx)
    with session.asking("Looking at the disks of the Sparks"):
        answer = session.api.get("/api/models", {"fresh": "true"} if fresh else None)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer, recipes=recipes, width=session.out.width))
