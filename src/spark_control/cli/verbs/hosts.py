"""`spark-control hosts`: list the Sparks; test, add, trust and remove them; show our SSH key."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.render import hosts as view
from spark_control.cli.session import Session, session_of
from spark_control.cli.words import one_line

PATH = "/api/hosts"
Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, as `hosts` lists it.")]
User = Annotated[
    str, typer.Option("--user", metavar="USER", help="SSH user there; blank is ssh's own.")
]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="SSH port there.")]
Yes = Annotated[
    str,
    typer.Option(
        "--yes", metavar="FINGERPRINT", help="The SHA256:… you compared; then nothing is asked."
    ),
]
hosts = typer.Typer(
    help="The Sparks: list, test, add, trust, remove.", rich_markup_mode=None,
    add_completion=False,
)  # fmt: skip


@hosts.callback(invoke_without_command=True)
def look(ctx: typer.Context) -> None:
    """List the Sparks as they are configured."""
    if ctx.invoked_subcommand is None:
        show(ctx)


@hosts.command("list")
def show(ctx: typer.Context) -> None:
    """List the Sparks as they are configured."""
    session = session_of(ctx)
    answer = session.api.get(PATH)
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer))


@hosts.command("test")
def check(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="NAME|ADDRESS", help="A Spark of the fleet, or another one.")
    ],
    user: User = "",
    port: Port = 22,
) -> None:
    """Test a Spark, one line for each check; ends with 1 when one failed."""
    session = session_of(ctx)
    known = {row["name"].text for row in session.api.get(PATH)["hosts"].items}
    if target in known and not user and port == 22:
        answer = _tested(session, {"name": target})
    else:
        answer = _tested(session, {"host": target, "user": user, "port": port})
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.tested(answer))
    if not answer["ok"].flag:
        raise typer.Exit(Exit.FAILED)


@hosts.command()
def add(
    ctx: typer.Context,
    host: Annotated[str, typer.Argument(metavar="ADDRESS", help="Host name or address.")],
    user: User = "",
    port: Port = 22,
    name: Annotated[str, typer.Option("--name", help="Its name; sparkN when blank.")] = "",
    yes: Yes = "",
) -> None:
    """Test a Spark, show its host key, and add it once you have confirmed that."""
    session = session_of(ctx)
    wish: dict[str, object] = {"host": host, "user": user, "port": port}
    fingerprint = yes
    if not yes and not session.as_json:
        answer = _tested(session, wish)
        session.err.print(view.tested(answer))
        fingerprint = _confirmed(session, answer, "Add this Spark with this key?")
    added = session.api.post(PATH, {**wish, "name": name, "fingerprint": fingerprint})
    _show(session, added, f"{added['name'].text} is in the fleet.")


@hosts.command()
def trust(ctx: typer.Context, name: Name, yes: Yes = "") -> None:
    """Take the host key that a Spark shows now, after you have compared it."""
    session = session_of(ctx)
    fingerprint = yes
    if not yes and not session.as_json:
        answer = _tested(session, {"name": name})
        session.err.print(view.tested(answer))
        fingerprint = _confirmed(session, answer, "Trust this key?")
    if not fingerprint:
        raise _needs_yes()
    path = f"{PATH}/{quote(name, safe='')}/trust"
    _show(session, session.api.post(path, {"fingerprint": fingerprint}),
          f"{one_line(name)} is trusted with {one_line(fingerprint)}.")  # fmt: skip


@hosts.command()
def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a Spark out of the fleet; what runs on it goes on there."""
    session = session_of(ctx)
    if not yes and not session.as_json:
        typer.confirm(f"Remove {one_line(name)} from the fleet?", abort=True, err=True)
    session.api.delete(f"{PATH}/{quote(name, safe='')}")
    _show(session, Answer({"removed": name}), f"{one_line(name)} was removed.")


@hosts.command()
def key(ctx: typer.Context) -> None:
    """Show the public SSH key of Spark Control, and the line that lets it in."""
    session = session_of(ctx)
    answer = session.api.get("/api/ssh-key")
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.key(answer))


def _tested(session: Session, target: dict[str, object]) -> Answer:
    with session.asking("Testing the Spark"):
        return session.api.post(f"{PATH}/test", target)


def _confirmed(session: Session, answer: Answer, question: str) -> str:
    """Return the fingerprint that was shown, after a yes."""
    fingerprint = answer["key"]["fingerprint"].text
    if fingerprint is None:
        if answer["ok"].flag:
            return ""  # this machine itself has no key to show
        raise Failure(
            code="no_host_key",
            message="The Spark shows no host key, so there is nothing to confirm.",
            hint="Do what the failed check says, then try again.",
        )
    if answer["key"]["state"].text != "known":
        session.err.print(Text(f"Fingerprint: {fingerprint}", "bold"), soft_wrap=True)
    typer.confirm(question, abort=True, err=True)
    return fingerprint


def _needs_yes() -> Failure:
    return Failure(
        code="fingerprint_missing",
        message="With --json nothing is asked.",
        hint="Give the fingerprint you compared with --yes FINGERPRINT.",
        exit=Exit.WRONG_USE,
    )


def _show(session: Session, answer: Answer, words: str) -> None:
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(Text(words))
