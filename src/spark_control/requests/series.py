"""From what the database counted to series for charts: a point a step, also where nothing was."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from spark_control.requests.bins import quantile
from spark_control.requests.domain import Slot

SPEED_PARTS = 100
"""Speeds are kept in bins of hundredths of a token a second."""


@dataclass(frozen=True, slots=True)
class Point:
    """What the requests of one span of time add up to. None where there is nothing to say."""

    at_ms: int
    requests: int
    errors: int
    tokens_in: int
    tokens_out: int
    ttft_p50_ms: float | None
    ttft_p95_ms: float | None
    tokens_per_s_p50: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A window cut into steps.

    Steps begin at whole multiples of their length, so that the points of two looks fit together;
    the first one may be cut, the last one is not over yet.
    """

    start_ms: int
    step_s: int
    count: int


def span_of(now_ms: int, window_s: int, step_s: int) -> Span:
    """Return the steps that cover the last `window_s` seconds."""
    step_ms = step_s * 1000
    first = (now_ms - window_s * 1000) // step_ms
    return Span(first * step_ms, step_s, now_ms // step_ms - first + 1)


def points(slots: Iterable[Slot], span: Span) -> list[Point]:
    """Return a point for each step of the span."""
    found = {slot.number: slot for slot in slots}
    empty = Slot(0, 0, 0, 0, 0, {}, {})
    return [
        _point(found.get(number, empty), span.start_ms + number * span.step_s * 1000)
        for number in range(span.count)
    ]


def total(slots: Iterable[Slot], span: Span) -> Point:
    """Return all of the span as one point."""
    ttft: Counter[int] = Counter()
    speed: Counter[int] = Counter()
    sums = [0, 0, 0, 0]
    for slot in slots:
        ttft.update(slot.ttft)
        speed.update(slot.speed)
        parts = (slot.requests, slot.errors, slot.tokens_in, slot.tokens_out)
        sums = [a + b for a, b in zip(sums, parts, strict=True)]
    return _point(Slot(0, sums[0], sums[1], sums[2], sums[3], ttft, speed), span.start_ms)


def _point(slot: Slot, at_ms: int) -> Point:
    speed = quantile(slot.speed, 0.5)
    return Point(
        at_ms, slot.requests, slot.errors, slot.tokens_in, slot.tokens_out,
        _short(quantile(slot.ttft, 0.5)), _short(quantile(slot.ttft, 0.95)),
        None if speed is None else _short(speed / SPEED_PARTS),
    )  # fmt: skip


def _short(value: float | None) -> float | None:
    """Three digits: the bins know no more."""
    return None if value is None else float(f"{value:.3g}")
