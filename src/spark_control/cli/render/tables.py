"""What all views look alike in: tables without lines, and the mark of what needs a person."""

from rich.table import Table
from rich.text import Text


def plain_table(*heads: str) -> Table:
    """Return an empty table whose cells may wrap, and whose heads are quiet."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def warning(*words: str | tuple[str, str], style: str = "yellow") -> Text:
    """Return a line with the mark before it."""
    return Text.assemble(("! ", style), *words)
