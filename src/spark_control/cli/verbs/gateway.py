"""`spark-control gateway`."""

import typer

from spark_control.cli.render import gateway as view
from spark_control.cli.session import session_of


def gateway(ctx: typer.Context) -> None:
    """Show where every model name goes, the aliases, the limits and the workers."""
    session = session_of(ctx)
    answer = session.api.get("/api/gateway")
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer))
