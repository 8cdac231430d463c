"""A piece of a JSON answer that may lack anything: another version of the server, or a bad day.

Asking for what is not there gives an empty piece, never an error; texts come out safe to print.
"""

import math
from dataclasses import dataclass

from spark_control.cli.words import clean


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON value and ways to read it; None where it is not what was asked for."""

    value: object = None

    def __getitem__(self, key: str) -> "Answer":
        return Answer(self.value.get(key) if isinstance(self.value, dict) else None)

    @property
    def given(self) -> bool:
        """Tell whether there is a value: null is none, zero and blank are."""
        return self.value is not None

    @property
    def text(self) -> str | None:
        """Return a text, null when it is blank."""
        return (clean(self.value) or None) if isinstance(self.value, str) else None

    @property
    def number(self) -> float | None:
        """Return a number that can be reckoned with."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return None
        return float(self.value) if math.isfinite(self.value) else None

    @property
    def flag(self) -> bool | None:
        """Return true or false; null is neither."""
        return self.value if isinstance(self.value, bool) else None

    @property
    def items(self) -> "list[Answer]":
        """Return the pieces of a list; nothing for anything else."""
        return [Answer(item) for item in self.value] if isinstance(self.value, list) else []

    @property
    def texts(self) -> list[str]:
        """Return the texts of a list."""
        return [text for item in self.items if (text := item.text) is not None]

    @property
    def mapping(self) -> dict[str, object]:
        """Return an object as it came; empty for anything else."""
        return dict(self.value) if isinstance(self.value, dict) else {}
