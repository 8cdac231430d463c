"""`spark-control models import`: recipes of spark-vllm-docker become custom ones."""

from pathlib import Path
from typing import Annotated

import typer

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit
from spark_control.cli.render import imports as view
from spark_control.cli.session import session_of

PATH = "/api/models/import"


def take_in(
    ctx: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="Recipe files."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be imported; keep nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put them in place of those with their keys.")
    ] = False,
) -> None:
    """Import recipes of spark-vllm-docker; tells what was left out of each."""
    session = session_of(ctx)
    answers: list[Answer] = []
    for file in files:
        wish = {"text": _text(file), "dry_run": dry_run, "replace": replace}
        answer = session.api.post(PATH, wish)
        answers.append(answer)
        if not session.as_json:
            session.show(view.render(answer))
    if session.as_json:
        names = ("imported", "refused")
        session.show_json({"dry_run": dry_run} | {
            name: [one.value for answer in answers for one in answer[name].items]
            for name in names
        })  # fmt: skip
    if any(answer["refused"].items for answer in answers):
        raise typer.Exit(Exit.FAILED)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}", param_hint="FILE") from error
