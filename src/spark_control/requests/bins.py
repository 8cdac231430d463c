"""Bins for numbers whose quantiles are asked for: each is ten percent wider than the one before.

A record keeps the bins of its numbers, so the database counts bins instead of sorting numbers, and
a quantile is right to about five percent.
"""

import math
from collections.abc import Mapping
from itertools import accumulate

WIDTH = math.log(1.1)
LAST = 220
"""The bin of everything from some 1.3 billion up; 0 is the bin of everything up to 1."""


def bin_of(value: float | None) -> int | None:
    """Return the bin of a number, None for none."""
    if value is None:
        return None
    return 0 if value <= 1 else min(LAST, math.ceil(round(math.log(value) / WIDTH, 9)))


def middle(number: int) -> float:
    """Return the number that stands for a bin: the geometric middle of its edges."""
    return math.exp((number - 0.5) * WIDTH) if number else 1.0


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the number below which `share` of what is in the bins lies, None without any."""
    total = sum(counts.values())
    if not total:
        return None
    rank = max(1, math.ceil(share * total))
    numbers = sorted(counts)
    reached = accumulate(counts[number] for number in numbers)
    return middle(next(n for n, below in zip(numbers, reached, strict=True) if below >= rank))
