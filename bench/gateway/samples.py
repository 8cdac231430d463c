"""What was seen, and the numbers made of it: medians of the quiet runs."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

QUIET = 0.3
"""Cores that others may use during a sample before it counts as disturbed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One test on one way, once. `foreign` are the cores that others used meanwhile."""

    test: str
    way: str
    numbers: Mapping[str, float]
    foreign: float


@dataclass(frozen=True, slots=True)
class Samples:
    """All of a run."""

    found: tuple[Sample, ...]

    def of(self, test: str, way: str) -> list[Sample]:
        """Return the quiet samples; where none was quiet the quietest third, at least one."""
        mine = [one for one in self.found if (one.test, one.way) == (test, way)]
        quiet = [one for one in mine if one.foreign <= QUIET]
        return quiet or sorted(mine, key=lambda one: one.foreign)[: max(1, len(mine) // 3)]

    def get(self, test: str, way: str, number: str) -> float | None:
        """Return the median of a number, None when it was not measured."""
        values = [one.numbers[number] for one in self.of(test, way) if number in one.numbers]
        return statistics.median(values) if values else None

    def ways(self) -> list[str]:
        """Return the ways in the order in which they were first measured."""
        return list(dict.fromkeys(one.way for one in self.found))

    def noise(self) -> str:
        """Tell how much others used, and how many samples that disturbed."""
        cores = [one.foreign for one in self.found] or [0.0]
        loud = sum(core > QUIET for core in cores)
        return (
            f"{len(cores)} samples; foreign CPU {statistics.median(cores):.2f} cores at the "
            f"median, {max(cores):.2f} at most; above {QUIET} in {loud} of them"
        )


def ratio(of: float | None, to: float | None) -> float | None:
    """Return one by the other, None when one of them is missing."""
    return None if of is None or not to else of / to


def added(through: float | None, direct: float | None) -> float | None:
    """Return what one has more than the other."""
    return None if through is None or direct is None else max(0.0, through - direct)


def worst_delay_ms(left: Iterable[int], seen: Iterable[int]) -> float:
    """Return the longest time from a reader's leaving to the upstream's seeing it.

    Who left when is not known to the upstream: the first that it saw is taken for the first.
    """
    pairs = zip(sorted(left), sorted(seen), strict=False)
    return max((after - before for before, after in pairs), default=0) / 1e6
