"""Estimates from history, and none without."""

from datetime import UTC, datetime, timedelta

from spark_control.jobs.domain import Job, JobState
from spark_control.swap.domain import Phase
from spark_control.swap.eta import load_seconds, remaining_seconds, usual_seconds

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def done(load: float) -> Job:
    job = Job("sw_1", "swap", "m", T0).advance(JobState.RUNNING, at=T0)
    job = (
        job.enter("launching", at=at(0))
        .enter("loading", at=at(2))
        .enter("verifying", at=at(2 + load))
    )
    return job.advance(JobState.DONE, at=at(3 + load))


USUAL = usual_seconds([done(10), done(30), done(20)])


def test_a_phase_of_another_version_counts_for_nothing() -> None:
    job = Job("sw_1", "swap", "m", T0).advance(JobState.RUNNING, at=T0)
    job = job.enter("warming", at=at(0)).enter("loading", at=at(2))
    assert usual_seconds([job.advance(JobState.DONE, at=at(5))]) == {Phase.LOADING: 3}


def test_the_median_of_each_phase() -> None:
    assert USUAL == {Phase.LAUNCHING: 2, Phase.LOADING: 20, Phase.VERIFYING: 1}


def test_a_phase_that_never_ended_does_not_count() -> None:
    running = Job("sw_2", "swap", "m", T0).advance(JobState.RUNNING, at=T0).enter("loading", at=T0)
    assert usual_seconds([running]) == {}


def test_what_is_left() -> None:
    job = Job("sw_2", "swap", "m", T0)
    assert remaining_seconds(job, USUAL, at(0)) == 23
    job = job.advance(JobState.RUNNING, at=T0).enter("checking", at=at(0))
    assert remaining_seconds(job, USUAL, at(1)) == 23
    job = job.enter("loading", at=at(2))
    assert remaining_seconds(job, USUAL, at(7)) == 16
    assert remaining_seconds(job, USUAL, at(99)) == 1


def test_nothing_is_known_without_history_or_after_the_end() -> None:
    assert remaining_seconds(done(1), USUAL, at(0)) is None
    assert remaining_seconds(Job("sw_2", "swap", "m", T0), {}, at(0)) is None


def test_a_model_that_takes_long_may_take_longer_than_others() -> None:
    assert load_seconds(45.0, {}) == 45.0
    assert load_seconds(45.0, USUAL) == 60.0
    assert load_seconds(2700.0, USUAL) == 2700.0
