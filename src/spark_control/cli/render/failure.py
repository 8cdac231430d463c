"""A failure: what happened, then what to do."""

from rich.text import Text

from spark_control.cli.failure import Failure
from spark_control.cli.words import clean


def render(failure: Failure) -> Text:
    """Return message and hint."""
    text = Text().append(clean(failure.message), "bold red")
    return text.append(f"\n{clean(failure.hint)}") if failure.hint else text
