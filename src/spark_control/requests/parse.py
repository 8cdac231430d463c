"""Reads what a query asks for: statuses, times, windows, places."""

import re
from datetime import UTC, datetime, timedelta

from spark_control.requests.domain import Filter, Outcome, Place
from spark_control.requests.errors import QueryInvalid

MOST_STEPS = 500
_SPAN = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STEPS_S = (1, 5, 10, 30, 60, 300, 900, 1800, 3600, 6 * 3600, 86400)
_PLACE = re.compile(r"(\d{1,15})\.([A-Za-z0-9_-]{1,64})")


def statuses(text: str) -> tuple[Outcome | None, tuple[int, int] | None]:
    """Read `ok`, `error`, `404` or `4xx`. Raises QueryInvalid."""
    low = text.strip().lower()
    if low in set(Outcome):
        return Outcome(low), None
    if re.fullmatch(r"[1-5]xx", low):
        first = int(low[0]) * 100
        return None, (first, first + 99)
    if re.fullmatch(r"[1-5]\d\d", low):
        return None, (int(low), int(low))
    raise QueryInvalid(f"status: {text[:40]!r} is none of ok, error, 404, 4xx.", param="status")


def moment(text: str, now: datetime, name: str) -> datetime:
    """Read an ISO time, UTC unless it says otherwise, or a span ago such as `24h`."""
    try:
        return now - timedelta(seconds=span(text, name))
    except QueryInvalid:
        pass
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        said = f"{name}: {text[:40]!r} is neither an ISO time nor a span such as 24h."
        raise QueryInvalid(said, param=name) from error


def span(text: str, name: str) -> int:
    """Read `90s`, `15m`, `24h` or `7d` as seconds. Raises QueryInvalid."""
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _UNIT_S[found[2]] if found else 0
    if not 0 < seconds <= 3660 * 86400:
        said = f"{name}: {text[:40]!r} is no span such as 90s, 15m, 24h or 7d."
        raise QueryInvalid(said, param=name)
    return seconds


def step_of(window_s: int, step: str | None) -> int:
    """Return the step in seconds; without one, the smallest that gives at most 120 of them."""
    if step is None:
        return next((s for s in _STEPS_S if window_s / s <= 120), -(-window_s // 120))
    seconds = span(step, "step")
    if window_s / seconds > MOST_STEPS:
        said = f"step: that would be more than {MOST_STEPS} steps."
        raise QueryInvalid(said, param="step")
    return seconds


def chosen(
    now: datetime, *, model: str | None, client: str | None, status: str | None,
    since: str | None, until: str | None,
) -> Filter:  # fmt: skip
    """Return the filter of a query. Raises QueryInvalid."""
    outcome, between = statuses(status) if status else (None, None)
    return Filter(
        model=model or None,
        client=client or None,
        outcome=outcome,
        statuses=between,
        since=moment(since, now, "since") if since else None,
        until=moment(until, now, "until") if until else None,
    )


def place(text: str) -> Place:
    """Read the place that an earlier page gave. Raises QueryInvalid."""
    found = _PLACE.fullmatch(text)
    if not found:
        raise QueryInvalid("after: that is no place that a page gave.", param="after")
    return Place(int(found[1]), found[2])


def shown(where: Place) -> str:
    """Return a place as a page gives it."""
    return f"{where.at_ms}.{where.id}"
