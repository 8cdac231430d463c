"""`spark-control engines`: whose engines run; take one over that is not ours, or stop it."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.lock_token import LockToken, TokenFile, header
from spark_control.cli.render import engines as view
from spark_control.cli.session import Session, session_of

PATH = "/api/engines"
engines = typer.Typer(
    help="Show whose engines run; take over or stop one that is not ours.",
    rich_markup_mode=None, add_completion=False,
)  # fmt: skip
Spark = Annotated[str, typer.Argument(metavar="SPARK", help="The Spark it runs on.")]


@engines.callback(invoke_without_command=True)
def every(ctx: typer.Context) -> None:
    """List the engines of all Sparks."""
    if ctx.invoked_subcommand is None:
        show(ctx)


@engines.command("list")
def show(ctx: typer.Context) -> None:
    """List the engines of all Sparks."""
    session = session_of(ctx)
    answer = _look(session)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer))


def _look(session: Session) -> Answer:
    with session.asking("Asking the Sparks"):
        return session.api.get(PATH, {"fresh": "true"})


@engines.command("take-over")
def take_over(
    ctx: typer.Context, spark: Spark, lock_token: LockToken = "", token_file: TokenFile = None
) -> None:
    """Let switches replace the engine on SPARK, now and after a restart."""
    session = session_of(ctx)
    path = f"{PATH}/{quote(spark, safe='')}/take-over"
    row = session.api.post(path, {}, headers=header(lock_token, token_file))
    _told(session, row, f"Taken over: {view.what(row)}. The next switch replaces it.")


@engines.command()
def stop(
    ctx: typer.Context,
    spark: Spark,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="NAME", help="Its container or process number.")
    ] = "",
    lock_token: LockToken = "",
    token_file: TokenFile = None,
) -> None:
    """Stop the engine on SPARK that is not ours; without --confirm it is shown and asked first."""
    session = session_of(ctx)
    word = confirm or _asked(session, spark)
    path = f"{PATH}/{quote(spark, safe='')}/stop"
    row = session.api.post(path, {"confirm": word}, headers=header(lock_token, token_file))
    _told(session, row, f"Stopped {word} on {spark}.")


def _asked(session: Session, spark: str) -> str:
    """Show what runs there and return its name once somebody has agreed. Raises Failure."""
    if session.as_json:
        raise typer.BadParameter("With --json name it.", param_hint="--confirm")
    rows = [row for row in _look(session)["engines"].items if row["spark"].text == spark]
    name = rows[0]["confirm"].text if rows else None
    if name is None:
        raise Failure(
            code="engine_absent",
            message=f"No engine that could be stopped is known on {spark}.",
            hint="`spark-control engines` shows what runs where.",
            exit=Exit.NOT_FOUND,
        )
    session.err.print(view.question(rows[0]), soft_wrap=True)
    typer.confirm("Stop it?", abort=True, err=True)
    return name


def _told(session: Session, row: Answer, words: str) -> None:
    if session.as_json:
        session.show_json(row.value)
    else:
        session.show(Text(words))
