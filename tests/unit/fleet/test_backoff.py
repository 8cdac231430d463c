"""The wait before a Spark is tried again."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from spark_control.fleet.backoff import full_jitter


@pytest.mark.parametrize(
    ("failures", "most"), [(0, 0), (1, 0.5), (2, 1), (3, 2), (4, 4), (5, 5), (10_000, 5)]
)
def test_the_bound_doubles_up_to_the_cap(failures: int, most: float) -> None:
    assert full_jitter(failures, 1.0, base_s=0.5, cap_s=5) == most


@given(failures=st.integers(0), chance=st.floats(0, 1, exclude_max=True))
def test_the_whole_span_is_random(failures: int, chance: float) -> None:
    wait = full_jitter(failures, chance, base_s=0.5, cap_s=30)
    assert wait == chance * full_jitter(failures, 1.0, base_s=0.5, cap_s=30)
    assert 0 <= wait <= 30
