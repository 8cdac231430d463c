"""What came of an import: recipes that are usable now, and what was left out of them."""

from rich.console import Group, RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import warning
from spark_control.cli.words import DASH, one_line


def render(answer: Answer) -> RenderableType:
    """Return the answer of `POST /api/models/import`."""
    done = "Would import" if answer["dry_run"].flag else "Imported"
    lines = [line for one in answer["imported"].items for line in _imported(one, done)]
    return Group(*lines, *(_refused(one) for one in answer["refused"].items))


def _imported(one: Answer, done: str) -> list[Text]:
    recipe = one["recipe"]
    source = recipe["repo"].text or recipe["local_path"].text or DASH
    head = Text.assemble(f"{done} ", (one_line(recipe["key"].text or DASH), "bold"),
                         f" ({one_line(source)}, {_said(recipe, 'mode')})")  # fmt: skip
    left = [
        Text(f"  left out: {_said(part, 'field')}: {_said(part, 'reason')}", "dim")
        for part in one["left_out"].items
    ]
    return [head, *left]


def _refused(one: Answer) -> Text:
    where = f" ({_said(one, 'field')})" if one["field"].text else ""
    return warning(f"Not imported: {_said(one, 'name')}{where}: {_said(one, 'reason')}")


def _said(row: Answer, name: str) -> str:
    return one_line(row[name].text or DASH)
