"""`spark-control status`."""

from typing import Annotated

import typer

from spark_control.cli.render import status as view
from spark_control.cli.session import session_of


def status(
    ctx: typer.Context,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask every Spark now, whatever was seen before.")
    ] = False,
) -> None:
    """Show the Sparks, what is loaded, and the swap that runs."""
    session = session_of(ctx)
    with session.asking("Asking the Sparks"):
        hardware = session.api.get("/api/hardware", {"fresh": "true"} if fresh else None)
        answer = session.api.get("/api/status")
    if session.as_json:
        session.show_json({"status": answer.value, "hardware": hardware.value})
    else:
        session.show(view.render(answer, hardware, session.url))
