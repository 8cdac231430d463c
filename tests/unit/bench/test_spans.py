"""Time in commands: what ran at the same time counts once."""

import pytest

from bench.swapping import covered


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(0, 1), (2, 4)], 3),
        ([(0, 3), (1, 2)], 3),
        ([(1, 4), (0, 2)], 4),
        ([(5, 6), (5, 6)], 1),
    ],
)
def test_overlap_counts_once(spans: list[tuple[float, float]], seconds: float) -> None:
    assert covered(spans) == seconds
