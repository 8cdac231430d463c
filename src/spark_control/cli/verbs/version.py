"""`spark-control version`."""

import typer

from spark_control import __version__
from spark_control.cli.session import session_of


def version(ctx: typer.Context) -> None:
    """Show the version of this program."""
    session = session_of(ctx)
    if session.as_json:
        session.show_json({"version": __version__})
    else:
        session.show(f"spark-control {__version__}")
