"""Swaps on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from spark_control.core.clock import iso
from spark_control.jobs.domain import Job, JobState
from spark_control.jobs.shapes import ErrorShape, error_of, moment
from spark_control.swap.domain import Phase
from spark_control.swap.eta import remaining_seconds
from spark_control.swap.usecases import Running

STATES = {state: "ready" if state is JobState.DONE else state.value for state in JobState}
TAIL = 40


class WishShape(BaseModel):
    """`POST /api/swap`: the model's key, and a Spark to put it on."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=64)
    host: str | None = Field(default=None, max_length=128)
    rollback: bool = False
    dry_run: bool = False


class PhaseShape(BaseModel):
    """One phase (`done`, `current`, `coming`, `stopped`), its time and its usual time."""

    phase: str
    state: str
    seconds: float | None
    usual_s: float | None


class SwapShape(BaseModel):
    """One swap. `progress` is a percentage the engine itself gave, null when it gives none."""

    id: str
    model: str
    state: str
    phase: str | None
    spark: str | None
    sparks: list[str]
    replaces: list[str]
    progress: float | None
    activity: str | None
    eta_s: float | None
    elapsed_s: float | None
    phases: list[PhaseShape]
    log_tail: list[str]
    error: ErrorShape | None
    started_at: str | None
    ended_at: str | None
    at: str


def _phases(job: Job, usual: dict[Phase, float], now: datetime) -> list[PhaseShape]:
    times = {time.phase: time for time in job.phases}
    shapes = []
    for phase in Phase:
        time = times.get(phase)
        state = "coming" if time is None else "done"
        if time is not None and phase == job.phase and job.state is not JobState.DONE:
            state = "stopped" if job.ended else "current"
        seconds = None if time is None else round(time.seconds(now), 3)
        shapes.append(PhaseShape(
            phase=phase, state=state, seconds=seconds, usual_s=usual.get(phase)
        ))  # fmt: skip
    return shapes


def render(job: Job, running: Running | None, now: datetime, log_tail: list[str]) -> SwapShape:
    """Return the swap as the API shows it; `running` adds what is known only in memory."""
    usual = running.usual if running else {}
    progress = running.live.progress if running and not job.ended else None
    eta = remaining_seconds(job, usual, now)
    elapsed = (job.ended_at or now) - job.started_at if job.started_at else None
    return SwapShape(
        id=job.id, model=job.target, state=STATES[job.state], phase=job.phase,
        spark=running.plan.spark if running else None,
        sparks=list(running.plan.ranks) if running else [],
        replaces=list(running.plan.replaces) if running else [],
        progress=progress.percent if progress else None,
        activity=progress.activity if progress else None,
        eta_s=None if eta is None else round(eta, 1),
        elapsed_s=None if elapsed is None else max(0.0, round(elapsed.total_seconds(), 3)),
        phases=_phases(job, usual, now), log_tail=log_tail, error=error_of(job),
        started_at=moment(job.started_at), ended_at=moment(job.ended_at), at=iso(now),
    )  # fmt: skip


def of_running(running: Running, now: datetime) -> SwapShape:
    """Return a running swap with the newest lines of its log."""
    return render(running.job, running, now, running.live.tail(TAIL))
