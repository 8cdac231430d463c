"""A job's state moves by the table only."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.jobs.domain import NEXT, Job, JobState
from spark_control.jobs.errors import IllegalMove

T0 = datetime(2026, 1, 1, tzinfo=UTC)
JOB = Job("sw_1", "swap", "qwen36", T0)


def at(seconds: int) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_a_life() -> None:
    job = JOB.advance(JobState.RUNNING, at=at(1)).enter("checking", at=at(2))
    assert (job.phase, job.started_at, job.ended) == ("checking", at(1), False)
    job = job.enter("loading", at=at(5))
    assert [time.seconds(at(9)) for time in job.phases] == [3, 4]
    job = job.advance(JobState.FAILED, at=at(10), error={"code": "x", "message": "y"})
    assert job.ended
    assert job.phases[-1].ended_at == job.ended_at == at(10)
    assert job.error == {"code": "x", "message": "y"}


def test_a_job_without_phases_ends() -> None:
    job = JOB.advance(JobState.CANCELLED, at=at(1))
    assert (job.phase, job.phases, job.ended_at) == (None, (), at(1))


def test_phases_only_while_running() -> None:
    with pytest.raises(IllegalMove):
        JOB.enter("checking", at=at(1))


@given(st.lists(st.sampled_from(list(JobState)), max_size=6))
def test_no_way_leads_out_of_an_end(moves: list[JobState]) -> None:
    job = JOB
    for n, to in enumerate(moves):
        if to in NEXT[job.state]:
            job = job.advance(to, at=at(n))
        else:
            with pytest.raises(IllegalMove):
                job.advance(to, at=at(n))
        assert job.ended == (job.state in {JobState.DONE, JobState.FAILED, JobState.CANCELLED})


def test_an_ended_phase_is_not_ended_again() -> None:
    job = JOB.advance(JobState.RUNNING, at=at(1)).enter("a", at=at(2))
    job = job.advance(JobState.DONE, at=at(3))
    assert job.phases[0].ended_at == at(3)
    assert job.phases[0].seconds(at(99)) == 1
