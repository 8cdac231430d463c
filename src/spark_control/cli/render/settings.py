"""Settings: name, value and where it comes from, by group; a secret is set or not set."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, one_line

TITLES = {"start": "Start", "access": "Who gets in"}


def value_of(row: Answer) -> Text:
    """Return the value in force with its unit."""
    if row["secret"].flag:
        return Text("set" if row["set"].flag else "not set", "italic")
    if not row["set"].flag and not row["value"].text:
        return Text(DASH, "dim")
    unit = row["unit"].text
    return Text(one_line(row["value"].text or DASH) + (f" {one_line(unit)}" if unit else ""))


def render(answer: Answer, *, everything: bool) -> RenderableType:
    """Return `GET /api/settings` by group, then what was wrong with some values."""
    rows = answer["settings"].items
    shown = [row for row in rows if everything or row["used"].flag is not False]
    parts: list[RenderableType] = []
    for group in dict.fromkeys(row["group"].text or "other" for row in shown):
        mine = [row for row in shown if (row["group"].text or "other") == group]
        head = TITLES.get(group, one_line(group).capitalize())
        parts += [Text(head, "bold"), table_of(mine), Text()]
    if hidden := len(rows) - len(shown):
        parts.append(Text(f"{hidden} more are kept for later versions: --all lists them.", "dim"))
    return Group(*parts, *troubles(answer))


def table_of(rows: Iterable[Answer]) -> RenderableType:
    """Return some settings as a table."""
    table = plain_table("Name", "Value", "From")
    table.columns[0].min_width = 20
    for row in rows:
        source = one_line(row["source"].text or DASH)
        table.add_row(
            Text(one_line(row["name"].text or DASH)),
            value_of(row),
            Text(source, "dim" if source == "default" else ""),
        )
    return table


def troubles(answer: Answer) -> list[Text]:
    """Return what was not taken as written."""
    found = [
        Text("! ", "yellow").append(
            one_line(f"{p['name'].text or DASH} ({p['source'].text or DASH}): {p['reason'].text}"),
            "default",
        )
        for p in answer["problems"].items
    ]
    unknown = answer["unknown"].texts
    if unknown:
        names = one_line(", ".join(unknown))
        found.append(Text("! ", "yellow").append(f"Not known here, kept: {names}", "default"))
    return found


def one(row: Answer) -> RenderableType:
    """Return all that is known of one setting."""
    grid = plain_table("", "")
    grid.show_header = False
    live = "at once" if row["live"].flag else "at the next start, from the environment"
    later = row["used"].flag is False
    facts = {
        "Value": value_of(row),
        "From": Text(one_line(row["source"].text or DASH)),
        "Default": Text(one_line(row["default"].text or DASH)),
        "Counts": Text("in a later version" if later else live),
    }
    for name, fact in facts.items():
        grid.add_row(Text(name, "dim"), fact)
    return Group(
        Text(one_line(row["name"].text or DASH), "bold"),
        Text(one_line(row["help"].text or "")),
        Text(),
        grid,
    )
