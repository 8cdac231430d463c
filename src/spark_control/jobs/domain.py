"""A job: its state moves by a table, the reason of its end is another field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from spark_control.jobs.errors import IllegalMove


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


S = JobState
NEXT: Mapping[JobState, frozenset[JobState]] = {
    S.QUEUED: frozenset({S.RUNNING, S.FAILED, S.CANCELLED}),
    S.RUNNING: frozenset({S.DONE, S.FAILED, S.CANCELLED}),
    S.DONE: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """One phase of a job: when it began, and ended if it has."""

    phase: str
    started_at: datetime
    ended_at: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """Return how long the phase took, or has taken until `now`; the clock may have jumped."""
        return max(0.0, ((self.ended_at or now) - self.started_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. `error` is `{code, message, hint?, detail?}` once it has failed."""

    id: str
    kind: str
    target: str
    created_at: datetime
    args: Mapping[str, object] = field(default_factory=dict)
    state: JobState = JobState.QUEUED
    phases: tuple[PhaseTime, ...] = ()
    error: Mapping[str, object] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Tell whether nothing will happen to it any more."""
        return not NEXT[self.state]

    @property
    def phase(self) -> str | None:
        """Return the phase it is in, or ended in."""
        return self.phases[-1].phase if self.phases else None

    def advance(
        self, to: JobState, *, at: datetime, error: Mapping[str, object] | None = None
    ) -> "Job":
        """Return the job in state `to`. Raises IllegalMove when there is no such move."""
        if to not in NEXT[self.state]:
            raise IllegalMove(f"A job cannot go from {self.state} to {to}.")
        moved = replace(self, state=to, error=error)
        if to is JobState.RUNNING:
            return replace(moved, started_at=at)
        return replace(moved, phases=_closed(self.phases, at), ended_at=at)

    def enter(self, phase: str, *, at: datetime) -> "Job":
        """Return the job in `phase`; the one before ends. Raises IllegalMove if not running."""
        if self.state is not JobState.RUNNING:
            raise IllegalMove(f"A job that is {self.state} has no phase {phase}.")
        return replace(self, phases=(*_closed(self.phases, at), PhaseTime(phase, at)))


def _closed(phases: tuple[PhaseTime, ...], at: datetime) -> tuple[PhaseTime, ...]:
    if not phases or phases[-1].ended_at is not None:
        return phases
    return (*phases[:-1], replace(phases[-1], ended_at=at))
