"""`spark-control requests`."""

import sys
from typing import Annotated

import typer

from spark_control.cli.answer import Answer
from spark_control.cli.feed import Feed, Query
from spark_control.cli.render import requests as view
from spark_control.cli.session import Session, session_of

PATH = "/api/requests"
requests = typer.Typer(rich_markup_mode=None, add_completion=False)


@requests.callback(invoke_without_command=True)
def listed(  # noqa: PLR0913, PLR0917 - each is an option of the verb
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
    until: Annotated[str, typer.Option("--until", metavar="T", help="Only before then.")] = "",
    after: Annotated[
        str, typer.Option("--after", metavar="PLACE", help="Go on where a page ended.")
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those that end from now on.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All that match, as a table.")] = False,
) -> None:
    """List requests to the models, without what was asked or answered."""
    if ctx.invoked_subcommand is not None:
        return
    session = session_of(ctx)
    named = {"model": model, "client": client, "status": status, "since": since, "until": until,
             "after": after}  # fmt: skip
    query: Query = {"limit": limit} | {name: value for name, value in named.items() if value}
    if as_csv and (follow or session.as_json):
        raise typer.BadParameter("--csv goes with neither --follow nor --json.")
    if follow and (until or after):
        raise typer.BadParameter("--follow goes with neither --until nor --after.")
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
        if place := answer["next"].text:
            session.err.print(f"Older ones: the same with --after {place}", soft_wrap=True)


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


@requests.command()
def stats(
    ctx: typer.Context,
    window: Annotated[
        str, typer.Option("--window", metavar="SPAN", help="How far back, such as 15m or 7d.")
    ] = "1h",
    client: Annotated[
        str, typer.Option("--client", metavar="NAME", help="Only of one address or key.")
    ] = "",
) -> None:
    """Add up the last hour by model."""
    session = session_of(ctx)
    query: Query = {"window": window}
    if client:
        query["client"] = client
    answer = session.api.get(f"{PATH}/models", query)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.sums(answer, window))
