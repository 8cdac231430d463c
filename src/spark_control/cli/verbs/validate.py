"""`spark-control validate`: would a swap work, as far as that can be known without one."""

from typing import Annotated
from urllib.parse import quote

import typer

from spark_control.cli.failure import Exit
from spark_control.cli.render import preflight as view
from spark_control.cli.session import session_of


def validate(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Its key, as `models` lists it.")],
    host: Annotated[
        str | None, typer.Option("--host", metavar="SPARK", help="The Spark to check it on.")
    ] = None,
) -> None:
    """Check the arguments of MODEL with vLLM's own parser; starts no engine."""
    session = session_of(ctx)
    path = f"/api/swap/{quote(model, safe='')}/validate"
    with session.asking("Asking vLLM's parser"):
        answer = session.api.post(path, {"host": host} if host else {})
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.report(answer, model))
    if answer["ok"].flag is not True:
        raise typer.Exit(Exit.FAILED)
