"""Jobs: one line each, the newest first."""

from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, ago, duration, one_line

STYLES = {"done": "green", "ready": "green", "failed": "red", "cancelled": "yellow"}


def render(answer: Answer, now: datetime) -> RenderableType:
    """Return the table of `GET /api/jobs`."""
    jobs = answer["jobs"].items
    if not jobs:
        return Text("No jobs yet. `spark-control swap MODEL` starts one.")
    table = plain_table("Job", "Kind", "For", "State", "Took", "Started")
    for job in jobs:
        _add(table, job, now)
    return table


def _add(table: Table, job: Answer, now: datetime) -> None:
    state = job["state"].text or DASH
    shown = Text(state.capitalize(), STYLES.get(state, "blue"))
    if state not in STYLES and (phase := job["phase"].text):
        shown.append(f", {one_line(phase)}")
    if code := job["error"]["code"].text:
        shown.append(f" ({one_line(code)})", "dim")
    table.add_row(
        Text(one_line(job["id"].text or DASH)),
        Text(one_line(job["kind"].text or DASH)),
        Text(one_line(job["target"].text or DASH), "bold"),
        shown,
        Text(duration(_took(job, now))),
        Text(ago(job["started_at"].text or job["created_at"].text, now), "dim"),
    )


def _took(job: Answer, now: datetime) -> float | None:
    """Return how long the job ran, or has run until now; None before its start."""
    try:
        start = datetime.fromisoformat(job["started_at"].text or "")
        end = datetime.fromisoformat(job["ended_at"].text or "") if job["ended_at"].text else now
        return (end - start).total_seconds()
    except (ValueError, TypeError):
        return None
