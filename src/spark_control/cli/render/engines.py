"""Whose engines run, and what may be done with those that somebody else started."""

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, one_line

OURS = {"yes": ("ours", ""), "no": ("not ours", "yellow"), "adopted": ("taken over", "")}
HINT = (
    "`spark-control engines take-over SPARK` lets switches replace it, "
    "`spark-control engines stop SPARK` ends it."
)


def render(answer: Answer) -> RenderableType:
    """Return `GET /api/engines` as a table; below it what could not be seen, and what to do."""
    rows = answer["engines"].items
    if not rows:
        return Text("There is no Spark yet, or none was looked at.")
    table = plain_table("Spark", "Port", "State", "Serves", "Whose", "What", "Since")
    for row in rows:
        whose, style = OURS.get(row["ours"].text or "", (DASH, ""))
        table.add_row(
            Text(_said(row, "spark"), "bold"), f"{row['port'].number or 0:.0f}",
            _said(row, "state"), one_line(", ".join(row["served"].texts[:1])) or DASH,
            Text(whose, style), what(row), _since(row),
        )  # fmt: skip
    return Group(table, *_below(rows))


def _said(row: Answer, name: str) -> str:
    return one_line(row[name].text or DASH)


def what(row: Answer) -> str:
    """Return the container or the process in a few words."""
    name, pid = one_line(row["name"].text or ""), row["pid"].number
    match row["kind"].text:
        case "container":
            return f"container {name}"
        case "process":
            return f"process {pid or 0:.0f} ({name})"
        case "unknown":
            return "cannot be told"
        case _:
            return DASH


def _since(row: Answer) -> str:
    return _said(row, "since").replace("T", " ").partition(".")[0]


def _below(rows: list[Answer]) -> list[Text]:
    lines = [
        Text(f"{_said(row, 'spark')}: {one_line(problem)}", "dim")
        for row in rows
        for problem in row["problems"].texts
    ]
    if any(row["ours"].text == "no" for row in rows):
        lines.append(Text(HINT))
    return lines


def question(row: Answer) -> Text:
    """Return what is about to be stopped, with the command that runs there."""
    text = Text.assemble((what(row), "bold"), f" on {_said(row, 'spark')}, since {_since(row)}")
    if command := one_line(" ".join(row["command"].texts)):
        text.append(f"\n  {command}", "dim")
    if row["kind"].text == "container":
        text.append("\nThe container is removed; its image and mounted folders stay.")
    if row["restarts"].flag or row["unit"].text:
        text.append("\nSomething on the Spark may start it again.", "yellow")
    return text
