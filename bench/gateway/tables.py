"""The raw numbers behind the promises, one row for each way."""

from collections.abc import Callable

from bench.gateway.samples import Samples, added
from bench.gateway.way import DIRECT
from bench.table import Table, shown

WHOLE = (
    "way", "1 connection, req/s", "added p50/p99, µs", "32, req/s", "p50/p99, µs", "CPU/req, µs",
    "100 KB, 32, req/s", "CPU/req, µs", "wrong",
)  # fmt: skip
STREAMS = (
    "way", "64 streams at once, chunks/s", "256 x 50/s, added p50/p99, µs", "first chunk p50, µs",
    "CPU/chunk, µs", "PSS, MB", "aborts seen", "last after, ms", "wrong",
)  # fmt: skip
_RIGHT = frozenset(range(1, 9))


def whole(found: Samples) -> Table:
    """Return what was seen of whole answers."""
    return _table(found, WHOLE, _whole, {"one", "many", "big"})


def streams(found: Samples) -> Table:
    """Return what was seen of streams."""
    return _table(found, STREAMS, _streams, {"burst", "rate", "abort"})


def _table(
    found: Samples,
    heads: tuple[str, ...],
    row: Callable[[Samples, str], tuple[str, ...]],
    tests: set[str],
) -> Table:
    ways = [way for way in found.ways() if any(found.of(test, way) for test in tests)]
    rows = [(way, *row(found, way), _wrong(found, way, tests)) for way in ways]
    return Table(heads, tuple(rows), right=_RIGHT)


def _whole(found: Samples, way: str) -> tuple[str, ...]:
    return (
        _cell(found.get("one", way, "per_s")),
        _more(found, "one", way, "p50_us", "p99_us"),
        _cell(found.get("many", way, "per_s")),
        _both(found.get("many", way, "p50_us"), found.get("many", way, "p99_us")),
        _cost(found, "many", way),
        _cell(found.get("big", way, "per_s")),
        _cost(found, "big", way),
    )


def _streams(found: Samples, way: str) -> tuple[str, ...]:
    return (
        _cell(found.get("burst", way, "per_s")),
        _more(found, "rate", way, "delay_p50_us", "delay_p99_us"),
        _cell(found.get("rate", way, "first_p50_us")),
        _cost(found, "rate", way),
        _cell(found.get("rate", way, "pss_mb")),
        _cell(found.get("abort", way, "seen")),
        _cell(found.get("abort", way, "late_ms")),
    )


def _more(found: Samples, test: str, way: str, *numbers: str) -> str:
    """Return two numbers, as what they are more than those of `direct`."""
    if way == DIRECT:
        return ""
    near = [added(found.get(test, way, one), found.get(test, DIRECT, one)) for one in numbers]
    return _both(near[0], near[1])


def _both(one: float | None, other: float | None) -> str:
    return "" if one is None or other is None else f"{shown(one)} / {shown(other)}"


def _cost(found: Samples, test: str, way: str) -> str:
    """Return the CPU of a gateway, and that of our control process behind it."""
    behind = _cell(found.get(test, way, "control_us"))
    return _cell(found.get(test, way, "cpu_us")) + (f" + {behind}" if behind else "")


def _cell(value: float | None) -> str:
    return "" if value is None else shown(value)


def _wrong(found: Samples, way: str, tests: set[str]) -> str:
    mine = [one for one in found.found if one.way == way and one.test in tests]
    return f"{sum(one.numbers.get('wrong', 0) for one in mine):.0f}"
