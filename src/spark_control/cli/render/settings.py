"""Settings: name, value and where it comes from, by group; a secret is set or not set."""

from collections.abc import Collection, Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table, warning
from spark_control.cli.words import DASH, one_line

BLANK = "blank"
TITLES = {"start": "Start", "access": "Who gets in"}


def value_of(row: Answer) -> Text:
    """Return the value in force with its unit."""
    if row["secret"].flag:
        return Text("set" if row["set"].flag else "not set", "italic")
    if not row["set"].flag and not row["value"].text:
        return Text(BLANK, "dim")
    unit = row["unit"].text
    return Text(one_line(row["value"].text or BLANK) + (f" {one_line(unit)}" if unit else ""))


def render(answer: Answer, *, everything: bool) -> RenderableType:
    """Return `GET /api/settings` by group, then what was wrong with some values."""
    rows = answer["settings"].items
    shown = [row for row in rows if everything or row["used"].flag is not False]
    table = _table()
    for group in dict.fromkeys(_group(row) for row in shown):
        if table.row_count:
            table.add_row()
        table.add_row(Text(TITLES.get(group, one_line(group).capitalize()), "bold"))
        for row in shown:
            if _group(row) == group:
                _add(table, row, indent="  ")
    parts: list[RenderableType] = [table]
    if hidden := len(rows) - len(shown):
        parts += [Text(), Text(f"{hidden} for later versions are left out: --all.", "dim")]
    wrong = troubles(answer)
    return Group(*parts, *([Text(), *wrong] if wrong else []))


def table_of(rows: Iterable[Answer]) -> RenderableType:
    """Return some settings as a table."""
    table = _table()
    for row in rows:
        _add(table, row)
    return table


def _table() -> Table:
    return plain_table("Name", "Value", "From")


def _group(row: Answer) -> str:
    return row["group"].text or "other"


def _add(table: Table, row: Answer, indent: str = "") -> None:
    source = one_line(row["source"].text or DASH)
    name = one_line(row["name"].text or DASH)
    style = "dim" if source == "default" else ""
    table.add_row(Text(f"{indent}{name}"), value_of(row), Text(source, style))


def changed(answer: Answer, names: Collection[str]) -> RenderableType:
    """Return the settings of these names after a change, and what was wrong with them."""
    rows = [row for row in answer["settings"].items if row["name"].text in names]
    wrong = [one for one in answer["problems"].items if one["name"].text in names]
    return Group(table_of(rows), *(warning(_trouble(problem)) for problem in wrong))


def troubles(answer: Answer) -> list[Text]:
    """Return what was not taken as written."""
    found = [warning(_trouble(problem)) for problem in answer["problems"].items]
    if unknown := answer["unknown"].texts:
        found.append(warning(f"Not known here, kept as they are: {one_line(', '.join(unknown))}"))
    return found


def _trouble(problem: Answer) -> str:
    name, source = problem["name"].text or DASH, problem["source"].text or DASH
    return one_line(f"{name} ({source}): {problem['reason'].text or DASH}")


def one(row: Answer) -> RenderableType:
    """Return all that is known of one setting, with a line between it and the next."""
    grid = plain_table("", "")
    grid.show_header = False
    live = "at once" if row["live"].flag else "at the next start, from the environment"
    later = row["used"].flag is False
    facts = {
        "Value": value_of(row),
        "From": Text(one_line(row["source"].text or DASH)),
        "Default": Text(one_line(row["default"].text or BLANK)),
        "Counts": Text("in a later version" if later else live),
    }
    for name, fact in facts.items():
        grid.add_row(Text(name, "dim"), fact)
    return Group(
        Text(one_line(row["name"].text or DASH), "bold"),
        Text(one_line(row["help"].text or "")),
        Text(),
        grid,
        Text(),
    )
