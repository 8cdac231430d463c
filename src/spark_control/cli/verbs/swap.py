"""`spark-control swap`: start one, follow it, cancel it."""

from typing import Annotated

import typer
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.failure import Exit, Failure
from spark_control.cli.follow import Follower, Watched
from spark_control.cli.lock_token import LockToken, TokenFile, header
from spark_control.cli.render import outcome, preflight
from spark_control.cli.render import status as status_view
from spark_control.cli.render import swap as view
from spark_control.cli.render.swap import SwapView
from spark_control.cli.screens import screen_for
from spark_control.cli.session import Session, session_of


def swap(  # noqa: PLR0913, PLR0917 - each is an option
    ctx: typer.Context,
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Its key, as `models` lists it.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="SPARK", help="The Spark to put it on.")
    ] = None,
    follow: Annotated[
        bool | None,
        typer.Option(
            "--follow/--no-follow",
            help="Watch it to its end. Default: in a terminal yes, else no.",
            show_default=False,
        ),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="If it fails, bring back what ran before.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the commands on each Spark; do nothing.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the swap that runs.")] = False,
    lock_token: LockToken = "",
    token_file: TokenFile = None,
) -> None:
    """Switch to MODEL. The same wish again joins the swap that runs."""
    session = session_of(ctx)
    if cancel:
        _cancel(session, model)
        return
    if model is None:
        raise typer.BadParameter(
            "Name one; `spark-control models` lists them.", param_hint="MODEL"
        )
    wish: dict[str, object] = {"model": model}
    wish |= {"host": host} if host else {}
    wish |= {"rollback": True} if rollback else {}
    if dry_run:
        _rehearse(session, wish)
        return
    raw = _request(session, wish, header(lock_token, token_file))
    again = f"spark-control swap {model}{f' --host {host}' if host else ''} --follow"
    watching = session.on_terminal and not session.as_json
    if watching if follow is None else follow:
        _watch(session, raw, again)
    elif session.as_json:
        session.show_json(raw.value)
    else:
        session.show(view.title(SwapView.of(raw)), Text(f"`{again}` follows it."))


def _rehearse(session: Session, wish: dict[str, object]) -> None:
    with session.asking(f"Asking about {wish['model']}"):
        answer = session.api.post("/api/swap", {**wish, "dry_run": True})
    if session.as_json:
        session.show_json(answer.value)
    else:
        session.out.print(preflight.dry_run(answer), soft_wrap=True)


def _request(session: Session, wish: dict[str, object], headers: dict[str, str]) -> Answer:
    try:
        with session.asking(f"Asking for {wish['model']}"):
            return session.api.post("/api/swap", wish, headers=headers)
    except Failure as failure:
        if failure.code == "swap_running":
            failure.hint = (
                "`spark-control status` shows it, `spark-control swap --cancel` cancels it."
            )
        raise


def _watch(session: Session, raw: Answer, again: str) -> None:
    """Follow the swap to its end; Ctrl-C ends the watching and nothing else."""
    watched = Watched(raw=raw, at=session.clock.monotonic())
    try:
        with screen_for(session, watched) as screen:
            for news in Follower(api=session.api, clock=session.clock).follow(watched):
                screen.take(news)
    except KeyboardInterrupt:
        cancel = "spark-control swap --cancel"
        session.err.print("Stopped watching; the swap goes on.")
        for command, does in ((again, "watches again"), (cancel, "cancels it")):
            session.err.print(f"  {command:<{len(again)}}  {does}", soft_wrap=True)
        raise typer.Exit(Exit.STOPPED) from None
    _conclude(session, watched)


def _conclude(session: Session, watched: Watched) -> None:
    swap = watched.swap
    if not session.as_json:
        session.show(outcome.render(swap, watched.lines))
    if swap.state != "ready":
        back = watched.raw["error"]["detail"]["rolls_back_to"].text
        if back and not session.as_json:
            session.show(Text(f"{back} is brought back: `spark-control swap {back} --follow`."))
        raise typer.Exit(Exit.FAILED)
    if not session.as_json:
        _invite(session, swap)


def _invite(session: Session, swap: SwapView) -> None:
    """Say how to ask the model something, and whether it is a real one."""
    try:
        status = session.api.get("/api/status")
    except Failure:
        status = Answer()  # the swap is ready all the same
    for one in status["loaded"].items:
        if one["model"].text == swap.model and (note := status_view.played(one)):
            session.show(Text(note.capitalize(), "yellow"))
    base = status["base_url"].text or f"{session.url}/v1"
    command = outcome.try_it(swap.model, base, with_token=bool(session.token))
    session.out.print(Text("\n"), command, sep="", soft_wrap=True)


def _cancel(session: Session, model: str | None) -> None:
    running = SwapView.of(session.api.get("/api/status")["swap"])
    if not running.id or running.ended:
        raise Failure(code="no_swap", message="No swap runs.", exit=Exit.NOT_FOUND)
    if model is not None and model != running.model:
        raise Failure(
            code="swap_running",
            message=f"The swap that runs is to {running.model}.",
            hint=f"`spark-control swap {running.model} --cancel` cancels it.",
            exit=Exit.CONFLICT,
        )
    with session.asking("Cancelling, and stopping what was started"):
        raw = session.api.delete(f"/api/swap/{running.id}")
    ended = SwapView.of(raw)
    if session.as_json:
        session.show_json(raw.value)
    else:
        session.show(outcome.render(ended, ()))
    if ended.state != "cancelled":
        raise typer.Exit(Exit.FAILED)
