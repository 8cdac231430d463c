"""Quantiles out of bins are right to about five percent."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.requests.bins import LAST, bin_of, middle, quantile

VALUES = st.floats(1.0, 1e8)


@given(st.lists(VALUES, min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_near_the_truth(values: list[float], share: float) -> None:
    bins = Counter(number for value in values if (number := bin_of(value)) is not None)
    found = quantile(bins, share)
    rank = max(1, -(-int(share * len(values) * 100) // 100))
    truth = sorted(values)[rank - 1]
    assert found is not None
    assert found == pytest.approx(truth, rel=0.05)


def test_edges() -> None:
    assert bin_of(None) is None
    assert bin_of(0) == bin_of(-3) == bin_of(1) == 0
    assert bin_of(1.1) == 1
    assert bin_of(1e300) == LAST
    assert middle(0) == 1.0
    assert quantile({}, 0.5) is None
