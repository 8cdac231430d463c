"""A picture of a run, as SVG: requests a second and CPU per chunk, a bar for each way."""

from html import escape

from bench.gateway.samples import Samples
from bench.gateway.way import DIRECT, OURS
from bench.table import shown

WIDTH, LEFT, ROW, TOP = 720, 130, 26, 36
_OURS, _OTHER = "#2f6fde", "#9aa5b1"
PANELS = (
    ("many", "per_s", "Requests a second, 1 KB, 32 connections, one core (more is better)"),
    ("rate", "cpu_us", "CPU per streamed chunk, µs (less is better)"),
)


def picture(found: Samples) -> str:
    """Return the picture."""
    parts, top = list[str](), 0
    for test, number, title in PANELS:
        values = [(way, found.get(test, way, number)) for way in found.ways() if way != DIRECT]
        bars = [(way, value) for way, value in values if value is not None]
        if bars:
            parts.append(_panel(title, bars, top))
            top += TOP + ROW * len(bars) + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>\n{"".join(parts)}</svg>\n'
    )


def _panel(title: str, bars: list[tuple[str, float]], top: int) -> str:
    most = max(value for _, value in bars) or 1.0
    rows = [f'<text x="8" y="{top + 22}" font-weight="bold">{escape(title)}</text>\n']
    for n, (way, value) in enumerate(bars):
        y, long = top + TOP + ROW * n, max(1, round((WIDTH - LEFT - 90) * value / most))
        colour = _OURS if way == OURS else _OTHER
        rows.append(
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(way)}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{long}" height="{ROW - 8}" fill="{colour}"/>'
            f'<text x="{LEFT + long + 6}" y="{y + 14}">{shown(value)}</text>\n'
        )
    return "".join(rows)
