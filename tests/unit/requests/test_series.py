"""One point for each step, also where nothing was."""

from spark_control.requests.domain import Slot
from spark_control.requests.series import Point, Span, points, span_of, total

SPAN = Span(1_000_000, 10, 3)
SLOTS = (
    Slot(0, 2, 1, 10, 20, {50: 1, 60: 1}, {80: 2}),
    Slot(2, 3, 0, 5, 5, {50: 3}, {}),
)


def test_steps_begin_at_multiples() -> None:
    span = span_of(1_767_225_607_500, 60, 10)
    assert span == Span(1_767_225_540_000, 10, 7)
    assert span_of(1_767_225_600_000, 60, 60).count == 2


def test_points() -> None:
    first, second, third = points(SLOTS, SPAN)
    assert (first.requests, first.errors, first.tokens_in, first.tokens_out) == (2, 1, 10, 20)
    assert (first.ttft_p50_ms, first.ttft_p95_ms) == (112.0, 290.0)
    assert first.tokens_per_s_p50 == 19.5
    assert second == Point(1_010_000, 0, 0, 0, 0, None, None, None)
    assert (third.at_ms, third.requests, third.tokens_per_s_p50) == (1_020_000, 3, None)


def test_all_of_it() -> None:
    whole = total(SLOTS, SPAN)
    assert (whole.requests, whole.errors, whole.tokens_in, whole.tokens_out) == (5, 1, 15, 25)
    assert (whole.ttft_p50_ms, whole.ttft_p95_ms) == (112.0, 290.0)
    assert total((), SPAN).requests == 0
