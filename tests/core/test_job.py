import pytest

from anlan.core.errors import Cancelled
from anlan.core.job import Job
from anlan.core.seed import stream


def test_progress_reaches_the_listener_and_a_finished_stage_is_complete():
    seen = []
    job = Job(seen.append)
    with job.stage("siting", total=10):
        job.update(4, note="gap 3 %")
    assert [(p.stage, p.done, p.total) for p in seen] == [
        ("siting", 0, 10),
        ("siting", 4, 10),
        ("siting", 10, 10),
    ]
    assert seen[-1].note == "gap 3 %"


def test_a_stage_within_a_stage_lends_its_bar_and_keeps_the_name():
    seen = []
    job = Job(seen.append)
    with job.stage("prove", total=2):
        job.update(1)
        with job.stage("simulation", total=5):
            job.update(3)
        assert (job.progress.stage, job.progress.done, job.progress.total) == ("prove", 1, 2)
    assert ("prove", 3, 5, "simulation") in [(p.stage, p.done, p.total, p.note) for p in seen]
    assert {p.stage for p in seen} == {"prove"}


def test_a_cancelled_job_stops_at_the_next_check():
    job = Job()
    job.check()
    job.cancel()
    with pytest.raises(Cancelled):
        job.check()
    with pytest.raises(Cancelled), job.stage("next"):
        pass


def test_streams_are_named_and_repeatable():
    assert stream(7, "calls", 3).random() == stream(7, "calls", 3).random()
    assert stream(7, "calls", 3).random() != stream(7, "calls", 4).random()
    assert stream(7, "calls").random() != stream(8, "calls").random()
