"""Records as lines of a table for a spreadsheet, in which no cell can be taken for a formula."""

import csv
import io
from collections.abc import Sequence

from spark_control.requests.domain import Record

NAMES = (
    "id", "at", "path", "asked", "model", "target", "client", "status", "error", "streamed",
    "queue_ms", "ttft_ms", "duration_ms", "tokens_in", "tokens_out", "estimated", "tokens_per_s",
    "bytes_in", "bytes_out",
)  # fmt: skip
_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def head() -> str:
    """Return the line of names."""
    return _line(NAMES)


def lines(records: Sequence[Record]) -> str:
    """Return a line for each record."""
    return "".join(_line([_cell(record, name) for name in NAMES]) for record in records)


def _cell(record: Record, name: str) -> str:
    if name == "at":
        return record.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    value = getattr(record, name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return _harmless(value) if isinstance(value, str) else str(value)


def _harmless(text: str) -> str:
    """Return a text that a spreadsheet takes for one."""
    return f"'{text}" if text.lstrip(" ").startswith(_BEGINS) else text


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
