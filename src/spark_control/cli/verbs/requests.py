"""`spark-control requests`."""

import sys
from typing import Annotated

import typer

from spark_control.cli.answer import Answer
from spark_control.cli.feed import Feed, Query
from spark_control.cli.render import requests as view
from spark_control.cli.session import Session, session_of

PATH = "/api/requests"


def requests(  # noqa: PLR0913, PLR0917 - each is an option of the verb
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 20,
    model: Annotated[str, typer.Option("--model", metavar="KEY", help="Only of one model.")] = "",
    client: Annotated[
        str, typer.Option("--client", metavar="NAME", help="Only of one address or key.")
    ] = "",
    status: Annotated[
        str, typer.Option("--status", metavar="S", help="ok, error, 404 or 4xx.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="T", help="An ISO time, or a span such as 24h.")
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those that end from now on.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All that match, as a table.")] = False,
) -> None:
    """List requests to the models, without what was asked or answered."""
    session = session_of(ctx)
    named = {"model": model, "client": client, "status": status, "since": since}
    query: Query = {"limit": limit} | {name: value for name, value in named.items() if value}
    if as_csv and (follow or session.as_json):
        raise typer.BadParameter("--csv goes with neither --follow nor --json.")
    if as_csv:
        sys.stdout.write(session.api.get_text(PATH, {**query, "format": "csv"}))
    elif follow:
        _follow(session, query, limit)
    else:
        _list(session, session.api.get(PATH, query))


def _list(session: Session, answer: Answer) -> None:
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer))


def _follow(session: Session, query: Query, limit: int) -> None:
    if not session.as_json:
        session.show(view.heads())
    feed = Feed(api=session.api, clock=session.clock, query=query, limit=limit)
    for rows in feed.rows():
        for row in rows:
            if session.as_json:
                session.show_json(row.value, in_one_line=True)
            else:
                session.show(view.line(row))
