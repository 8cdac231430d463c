"""`spark-control settings`: list, look at one, change."""

import sys
from typing import Annotated

import typer

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.render import settings as view
from spark_control.cli.session import Session, session_of

PATH = "/api/settings"


def settings(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME[=VALUE]",
            help="A setting to look at, or its new value. NAME=- reads the value from the input.",
        ),
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="NAME", help="Take out what was saved; may be repeated."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those kept for later versions.")
    ] = False,
) -> None:
    """Show settings or change them; a change counts at once."""
    session = session_of(ctx)
    looked_at = [_name(word) for word in words or [] if "=" not in word]
    wish = _wish([word for word in words or [] if "=" in word], unset or [])
    answer = session.api.get(PATH)
    _known(answer, looked_at)
    if wish:
        answer = session.api.put(PATH, {"version": answer["version"].text, "values": wish})
    _show(session, answer, [*looked_at, *wish], changed=bool(wish), everything=everything)


def _wish(changes: list[str], unset: list[str]) -> dict[str, str | None]:
    """Return the new texts by name; None takes a value out."""
    if sum(word.endswith("=-") for word in changes) > 1:
        raise typer.BadParameter("Only one value can be read from the input.")
    wish: dict[str, str | None] = {_name(name): None for name in unset}
    for word in changes:
        name, _, value = word.partition("=")
        if _name(name) in wish:
            raise typer.BadParameter(f"{_name(name)} is named twice.")
        wish[_name(name)] = _from_input(name) if value == "-" else value
    return wish


def _name(text: str) -> str:
    return text.strip().upper()


def _from_input(name: str) -> str:
    """Read one line; what is typed at a terminal is not shown."""
    if sys.stdin.isatty():
        return str(typer.prompt(_name(name), hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _known(answer: Answer, names: list[str]) -> None:
    """Raise Failure for a name of no setting, before anything is changed."""
    known = {row["name"].text for row in answer["settings"].items}
    for name in names:
        if name not in known:
            raise Failure(
                code="setting_unknown",
                message=f"There is no setting {name!r}.",
                hint="`spark-control settings --all` lists them.",
                exit=Exit.WRONG_USE,
            )


def _show(
    session: Session, answer: Answer, names: list[str], *, changed: bool, everything: bool
) -> None:
    rows = [row for row in answer["settings"].items if row["name"].text in names]
    if session.as_json:
        session.show_json([row.value for row in rows] if names else answer.value)
    elif changed:
        session.show(view.changed(answer, names))
    elif names:
        session.show(*(view.one(row) for row in rows))
    else:
        session.show(view.render(answer, everything=everything))
