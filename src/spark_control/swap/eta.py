"""How long a swap will take, from earlier swaps of the same model; without history, not known."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median

from spark_control.jobs.domain import Job
from spark_control.swap.domain import Phase

PATIENCE = 3.0
"""A load that takes so many times as long as usual will not end any more."""
_PHASES = {phase.value: phase for phase in Phase}


def usual_seconds(earlier: Sequence[Job]) -> dict[Phase, float]:
    """Return the median seconds of each phase over earlier runs that ended well."""
    seen: dict[Phase, list[float]] = {}
    for job in earlier:
        for time in job.phases:
            phase = _PHASES.get(time.phase)  # None: another version wrote it
            if phase is not None and time.ended_at is not None:
                seen.setdefault(phase, []).append(time.seconds(time.ended_at))
    return {phase: median(values) for phase, values in seen.items()}


def load_seconds(limit: float, usual: Mapping[Phase, float]) -> float:
    """Return how long a load may take: one that has taken long before gets more than others."""
    return max(limit, PATIENCE * usual.get(Phase.LOADING, 0.0))


def remaining_seconds(job: Job, usual: Mapping[Phase, float], now: datetime) -> float | None:
    """Return the seconds left, or None without history or once the job has ended."""
    if not usual or job.ended:
        return None
    order = list(Phase)
    if not job.phases:
        return sum(usual.values())
    current = job.phases[-1]
    place = order.index(Phase(current.phase))
    left = max(0.0, usual.get(order[place], 0.0) - current.seconds(now))
    return left + sum(usual.get(phase, 0.0) for phase in order[place + 1 :])
