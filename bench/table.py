"""What a measure found: rows of numbers, what each must be, and the two ways to show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HEADS = ("what", "p50", "p99", "max", "n", "unit", "must", "")
ENOUGH_FOR_P99 = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One number with its spread. `must` is an upper bound; `p99` needs enough samples."""

    what: str
    unit: str
    p50: float
    top: float
    count: int
    p99: float | None = None
    must: float | None = None

    @property
    def verdict(self) -> str:
        """Tell whether the promise is held: by the worst sample, by half of them, or not."""
        if self.must is None:
            return ""
        if self.top <= self.must:
            return "held"
        return "held at p50, not at max" if self.p50 <= self.must else "MISSED"

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `HEADS`."""
        one = self.count == 1
        return (
            self.what,
            shown(self.p50),
            "" if self.p99 is None else shown(self.p99),
            "" if one else shown(self.top),
            "" if one else str(self.count),
            self.unit,
            "" if self.must is None else f"≤ {self.must:g}",
            self.verdict,
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of another form: heads, rows as text, and which columns stand to the right."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one measure found, and what a reader must know of it.

    `tables` come after the rows; `pictures` are files beside the results, by their names.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Table, ...]:
        """Return all tables, that of the rows first."""
        rows = Table(HEADS, tuple(row.cells() for row in self.rows), right=frozenset(range(1, 5)))
        return (rows, *self.tables) if self.rows else self.tables


def spread(what: str, unit: str, values: Iterable[float], *, must: float | None = None) -> Row:
    """Return the row of many samples."""
    found = sorted(values)
    p99 = quantile(found, 0.99) if len(found) >= ENOUGH_FOR_P99 else None
    return Row(what, unit, quantile(found, 0.5), found[-1], len(found), p99, must)


def single(what: str, unit: str, value: float, *, must: float | None = None) -> Row:
    """Return the row of one number."""
    return Row(what, unit, value, value, 1, None, must)


def quantile(found: Sequence[float], share: float) -> float:
    """Return the quantile of sorted samples: one of them, never something between two."""
    return found[min(len(found) - 1, int(share * len(found)))]


def shown(value: float) -> str:
    """Return a number with three digits that count."""
    if value == 0:
        return "0"
    digits = 2 if abs(value) >= 1 else 3
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"


def plain(outcome: Outcome) -> str:
    """Return the tables for a terminal."""
    return "\n\n".join(_plain(table) for table in outcome.shown)


def _plain(table: Table) -> str:
    cells = [table.heads, *table.rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(table.heads))]
    return "\n".join(_line(line, widths, table.right) for line in cells)


def _line(cells: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    """Put words to the left, numbers to the right."""
    placed = [
        cell.rjust(width) if place in right else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(placed).rstrip()


def markdown(outcome: Outcome) -> str:
    """Return the tables for `RESULTS.md`."""
    return "\n\n".join(_markdown(table) for table in outcome.shown)


def _markdown(table: Table) -> str:
    rule = ["---:" if place in table.right else "---" for place in range(len(table.heads))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (table.heads, rule, *table.rows))
