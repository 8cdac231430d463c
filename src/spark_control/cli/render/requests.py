"""Requests: one line each."""

from rich.console import RenderableType
from rich.text import Text

from spark_control.cli.answer import Answer
from spark_control.cli.render.tables import plain_table
from spark_control.cli.words import DASH, one_line, time_of_day

HEADS = ("Time", "Model", "Client", "Status", "First", "Took", "Tokens", "Tokens/s")
SUMS = ("Model", "Requests", "Errors", "First p50", "First p95", "Tokens/s", "Tokens in",
        "Tokens out")  # fmt: skip
WIDTHS = (8, 20, 16, 24, 8, 8, 14, 8)


def render(answer: Answer) -> RenderableType:
    """Return the table of `GET /api/requests`."""
    rows = answer["requests"].items
    if not rows:
        return Text("No requests yet. `spark-control status` shows the base URL for them.")
    table = plain_table(*HEADS)
    for row in rows:
        table.add_row(
            *(Text(cell, style) for cell, style in zip(_cells(row), _styles(row), strict=True))
        )
    return table


def sums(answer: Answer, window: str) -> RenderableType:
    """Return the table of `GET /api/requests/models`; its first bytes are those of streams."""
    rows = answer["models"].items
    if not rows:
        return Text(f"No requests in the last {one_line(window)}.")
    table = plain_table(*SUMS)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        bad = row["errors"].number
        table.add_row(
            Text(one_line(row["model"].text or "(no engine)"), "bold"),
            _whole(row["requests"].number), Text(_whole(bad), "red" if bad else ""),
            _ms(row["ttft_p50_ms"].number), _ms(row["ttft_p95_ms"].number),
            _speed(row["tokens_per_s_p50"].number), _known(row["tokens_in"].number),
            _known(row["tokens_out"].number),
        )  # fmt: skip
    return table


def heads() -> RenderableType:
    """Return the heads of the lines of `--follow`."""
    return Text(_fixed(HEADS), "dim")


def line(row: Answer) -> RenderableType:
    """Return one request as a line of fixed columns."""
    return Text(_fixed(_cells(row)), "red" if _failed(row) else "")


def _fixed(cells: tuple[str, ...]) -> str:
    return "  ".join(
        f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)
    ).rstrip()


def _cells(row: Answer) -> tuple[str, ...]:
    return (
        time_of_day(row["at"].text),
        one_line(row["model"].text or row["asked"].text or DASH),
        one_line(row["client"].text or DASH),
        _status(row),
        _ms(row["ttft_ms"].number if row["streamed"].flag else None),
        _ms(row["duration_ms"].number),
        _tokens(row),
        _speed(row["tokens_per_s"].number),
    )


def _styles(row: Answer) -> tuple[str, ...]:
    return ("dim", "bold", "", "red" if _failed(row) else "green", "", "", "", "")


def _failed(row: Answer) -> bool:
    return (row["status"].number or 0) >= 400 or row["error"].given


def _status(row: Answer) -> str:
    number = row["status"].number
    code = row["error"].text
    shown = DASH if number is None else f"{number:.0f}"
    return f"{shown} {one_line(code)}" if code else shown


def _tokens(row: Answer) -> str:
    """Return `12 → 101`; what was only counted from events has a tilde."""
    into, out = row["tokens_in"].number, row["tokens_out"].number
    if into is None and out is None:
        return DASH
    about = "~" if row["estimated"].flag else ""
    shown = [DASH if value is None else f"{value:.0f}" for value in (into, out)]
    return f"{shown[0]} → {about}{shown[1]}"


def _speed(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def _whole(value: float | None) -> str:
    return DASH if value is None else f"{value:.0f}"


def _known(value: float | None) -> str:
    """Return a sum of what engines said; none of them said anything when it is zero."""
    return _whole(value or None)


def _ms(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"
