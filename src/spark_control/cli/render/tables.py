"""The one kind of table the command line has: no lines, quiet heads."""

from rich.table import Table


def plain_table(*heads: str) -> Table:
    """Return an empty table whose cells may wrap, and whose heads are quiet."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head)
    return table
