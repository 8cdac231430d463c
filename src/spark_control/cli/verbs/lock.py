"""`spark-control lock`: take the swap lock, look at it, renew it, give it back, break it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Failure
from spark_control.cli.lock_token import LockToken, TokenFile, header
from spark_control.cli.render import lock as view
from spark_control.cli.session import Session, session_of
from spark_control.core.files import write_private

PATH = "/api/swap/lock"
lock = typer.Typer(
    help="Keep swaps to yourself for a while.", no_args_is_help=True, rich_markup_mode=None,
    add_completion=False,
)  # fmt: skip
Ttl = Annotated[
    int | None,
    typer.Option("--ttl", metavar="SECONDS", min=5, max=86_400, help="For how long from now on."),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="What others are told.")]


@lock.command()
def acquire(
    ctx: typer.Context,
    holder: Annotated[str, typer.Option("--holder", metavar="NAME", help="Who takes it.")],
    ttl: Ttl = 3600,
    reason: Reason = "",
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="Keep the token there, not printed."),
    ] = None,
) -> None:
    """Take the lock; without --token-file its token is printed, this once."""
    session = session_of(ctx)
    wish: dict[str, object] = {"holder": holder, "ttl_s": ttl}
    answer = session.api.post(PATH, wish | ({"reason": reason} if reason else {}))
    kept = token_file is not None and _keep(session, answer, token_file)
    if session.as_json:
        session.show_json(_without_token(answer) if kept else answer.value)
        return
    session.show(view.taken(answer, renewed=False))
    if not kept:
        session.show(Text(f"Token, shown only now:\n  {answer['token'].text or ''}"))


@lock.command()
def show(ctx: typer.Context) -> None:
    """Show who holds the lock."""
    session = session_of(ctx)
    _show(session, session.api.get(PATH))


@lock.command()
def renew(
    ctx: typer.Context,
    ttl: Ttl = None,
    reason: Reason = "",
    lock_token: LockToken = "",
    token_file: TokenFile = None,
) -> None:
    """Start its time anew; without --ttl as long as it was asked for."""
    session = session_of(ctx)
    wish = {"ttl_s": ttl, "reason": reason or None}
    asked = {name: value for name, value in wish.items() if value is not None}
    answer = session.api.post(PATH, asked, headers=_shown(lock_token, token_file))
    if session.as_json:
        session.show_json(_without_token(answer))
    else:
        session.show(view.taken(answer, renewed=True))


@lock.command()
def release(ctx: typer.Context, lock_token: LockToken = "", token_file: TokenFile = None) -> None:
    """Give the lock back; a token file is removed."""
    session = session_of(ctx)
    answer = session.api.delete(PATH, headers=_shown(lock_token, token_file))
    if token_file is not None:
        token_file.unlink(missing_ok=True)
    _show(session, answer)


@lock.command("break")
def break_lock(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Goes to the log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the lock from its holder, whose next swap is then refused."""
    session = session_of(ctx)
    if not yes and not session.as_json:
        held = session.api.get(PATH)
        if held["holder"].given:
            session.err.print(view.render(held), soft_wrap=True)
            typer.confirm("Break it?", abort=True, err=True)
    _show(session, session.api.post(f"{PATH}/break", {"reason": reason}))


def _show(session: Session, answer: Answer) -> None:
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.show(view.render(answer))


def _shown(token: str, file: Path | None) -> dict[str, str]:
    """Return the header with the token. Without one the server would take it for a new wish."""
    found = header(token, file)
    if not found:
        raise typer.BadParameter(
            "Give --lock-token or --token-file.", param_hint="SPARK_CONTROL_LOCK_TOKEN"
        )
    return found


def _keep(session: Session, answer: Answer, file: Path) -> bool:
    """Write the token to the file, for its owner only; what cannot be kept is given back."""
    token = answer["token"].text or ""
    try:
        write_private(file, f"{token}\n".encode())
    except OSError as error:
        session.api.delete(PATH, headers=header(token, None))
        raise Failure(
            code="token_file",
            message=f"{file} cannot be written ({error.strerror}); the lock was given back.",
            hint="Choose another file, or leave --token-file out.",
        ) from error
    return True


def _without_token(answer: Answer) -> dict[str, object]:
    return {name: value for name, value in answer.mapping.items() if name != "token"}
