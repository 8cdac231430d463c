"""What a view looks like, without a terminal."""

import io

from rich.console import Console, RenderableType


def look(view: RenderableType, *, width: int = 80) -> str:
    """Return the view as plain text, blanks at line ends left out."""
    page = io.StringIO()
    console = Console(file=page, width=width, markup=False, highlight=False, emoji=False)
    console.print(view)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
