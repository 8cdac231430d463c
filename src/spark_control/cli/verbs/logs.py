"""`spark-control logs`."""

import re
from typing import Annotated

import typer

from spark_control.cli.failure import Exit, Failure
from spark_control.cli.follow import Follower, News, Watched
from spark_control.cli.session import Session, session_of
from spark_control.cli.words import clean

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _job_id(text: str | None) -> str | None:
    if text is not None and not _ID.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is no job; `spark-control jobs` lists them.")
    return text


def logs(
    ctx: typer.Context,
    job: Annotated[
        str | None,
        typer.Argument(metavar="JOB", callback=_job_id, help="A job; the newest swap if none."),
    ] = None,
    spark: Annotated[
        str | None,
        typer.Option("--spark", metavar="SPARK", help="Its part on another Spark of a cluster."),
    ] = None,
    tail: Annotated[int, typer.Option("--tail", min=1, max=10000, help="How many lines.")] = 200,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")
    ] = False,
) -> None:
    """Show the log of a job."""
    session = session_of(ctx)
    job_id = job or _newest(session)
    if follow and spark:
        raise typer.BadParameter("Only the log of the first Spark can be followed.")
    if follow and _runs(session, job_id):
        _follow(session, job_id, tail)
        return
    asked: dict[str, str | int] = {"tail": tail} | ({"spark": spark} if spark else {})
    text = session.api.get_text(f"/api/jobs/{job_id}/log", asked)
    _show(session, text.splitlines())


def _newest(session: Session) -> str:
    found = session.api.get("/api/jobs", {"kind": "swap", "limit": 1})["jobs"].items
    newest = found[0]["id"].text if found else None
    if newest is None:
        raise Failure(
            code="no_swap",
            message="There was no swap yet.",
            hint="`spark-control swap MODEL` starts one.",
            exit=Exit.NOT_FOUND,
        )
    return newest


def _runs(session: Session, job_id: str) -> bool:
    job = session.api.get(f"/api/jobs/{job_id}")
    return job["kind"].text == "swap" and job["state"].text in {"queued", "running"}


def _follow(session: Session, job_id: str, tail: int) -> None:
    """Print what is held of the log, then each new line as it comes."""
    raw = session.api.get(f"/api/swap/{job_id}")
    watched = Watched(raw=raw, at=session.clock.monotonic())
    first = True
    for news in Follower(api=session.api, clock=session.clock).follow(watched):
        if news is News.LOG:
            _show(session, watched.fresh[-tail:] if first else watched.fresh)
            first = False


def _show(session: Session, lines: list[str]) -> None:
    for line in lines:
        if session.as_json:
            session.show_json({"line": line}, in_one_line=True)
        else:
            session.out.print(clean(line), soft_wrap=True)
