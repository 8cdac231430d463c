"""A pre-flight and a dry run: what would go wrong, and what would be run."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import warning
from spark_control.cli.words import DASH, clean, listed, one_line


def report(answer: Answer, model: str) -> RenderableType:
    """Return a pre-flight: the verdict, errors, warnings, and how it was checked."""
    spark = one_line(answer["spark"].text or DASH)
    if answer["ok"].flag:
        head = Text.assemble(
            ("Nothing against it: ", "bold green"), (model, "bold"), f" on {spark}"
        )
    else:
        head = Text.assemble(("Will not start: ", "bold red"), (model, "bold"), f" on {spark}")
    errors = [Text.assemble(("✗ ", "red"), one_line(text)) for text in answer["errors"].texts]
    warnings = [warning(one_line(text)) for text in answer["warnings"].texts]
    note = answer["note"].text
    return Group(head, *errors, *warnings, *([Text(one_line(note), "dim")] if note else []))


def dry_run(answer: Answer) -> RenderableType:
    """Return what a swap would run on each Spark, ready to be read or copied."""
    parts: list[RenderableType] = []
    if ends := answer["ends"].texts:
        names = one_line(listed(list(ends)))
        parts.append(warning(f"{names} loses its part of the model that stops."))
    for host in answer["hosts"].items:
        parts.append(Text(f"On {one_line(host['spark'].text or DASH)}:", "bold"))
        for step in host["steps"].items:
            parts.append(Text(f"# {one_line(step['does'].text or DASH)}", "dim"))
            parts.append(Text(one_line(step["command"].text or DASH)))
            if stdin := step["stdin"].text:
                parts.append(Padding(Text(clean(stdin).rstrip(), "dim"), (0, 0, 0, 2)))
    return Group(*parts, Text("Nothing was done.", "dim"))
