"""Studies and lists of them: the same result wherever and however often the work was done."""

import importlib.util
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.evaluation.listen import listen
from anlan.evaluation.response import respond
from anlan.simulation import compare
from anlan.simulation.pool import Processes, Serial, pool_of
from anlan.simulation.scenarios import play_scenarios, read_scenarios
from anlan.simulation.study import Study, play

QUICK = {"weeks": 1, "learn_weeks": 6, "replications": 2}


@pytest.fixture(scope="module")
def two_runs(mill_folder):
    return play([Study(mill_folder, policy=p, **QUICK) for p in ("closest", "dmexclp")])


def test_policies_meet_the_same_calls_and_work(two_runs):
    a, b = two_runs
    comparison = compare(a, b)
    assert comparison["mean_s"].a == pytest.approx(np.nanmean(a.outcomes.response_s))
    assert a.outcomes.replication.tolist() == b.outcomes.replication.tolist()
    assert set(a.outcomes.replication.tolist()) == {0, 1}


def test_events_and_outcomes_tell_the_same(two_runs, mill):
    run = two_runs[0]
    since = run.outcomes.received.min()
    heard = listen(run.events, mill.tz, run.rings_s, since).overall
    direct = respond(run.outcomes, run.rings_s)
    assert heard.calls == direct.calls
    assert heard.within == direct.within
    for name in ("mean_s", "travel_s", "turnout_s", "dispatch_to_arrival_s", "queued_s", "served_share"):
        assert getattr(heard, name) == pytest.approx(getattr(direct, name), abs=2e-6), name


def test_more_calls_and_fewer_units_make_it_slower(mill_folder):
    base = {**QUICK, "synthetic": True}
    usual, many, few = play(
        [
            Study(mill_folder, **base),
            Study(mill_folder, factor=3.0, **base),
            Study(mill_folder, units=0.5, **base),
        ]
    )
    assert len(many.outcomes) == pytest.approx(3 * len(usual.outcomes), rel=0.15)
    assert len(few.workload.id) == 2
    assert many.summary().response.mean_s > usual.summary().response.mean_s
    assert few.summary().response.mean_s > usual.summary().response.mean_s
    own = [set(usual.outcomes.received[usual.outcomes.replication == r]) for r in range(2)]
    assert not own[0] & own[1]


@pytest.mark.parametrize(
    "wrong", [{"factor": 2.0}, {"units": 0.0}, {"weeks": 0}, {"synthetic": True, "factor": -1.0}]
)
def test_impossible_studies_are_refused(mill_folder, wrong):
    with pytest.raises(AnlanError):
        Study(mill_folder, **wrong)


LIST = """
weeks = 1
learn_weeks = 6
replications = 1
[[scenario]]
city = "{city}"
policy = ["closest", "dmexclp"]
seed = [1, 2]
[[scenario]]
city = "nowhere"
name = "a mistake"
"""


@pytest.fixture
def scenario_file(mill_folder, tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(LIST.replace("{city}", str(mill_folder)))
    return path


def test_lists_multiply_and_mistakes_stay_in_their_row(scenario_file, tmp_path):
    studies = read_scenarios(scenario_file)
    assert [(s.policy, s.seed) for s in studies[:4]] == [
        ("closest", 1),
        ("closest", 2),
        ("dmexclp", 1),
        ("dmexclp", 2),
    ]
    done = play_scenarios(studies, tmp_path / "out")
    assert [bool(r["error"]) for r in done.rows] == [False] * 4 + [True]
    assert "anlan city build" in done.rows[4]["error"]
    table = pq.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    assert table[0]["mean_s"] == done.rows[0]["mean_s"]
    assert table[0]["within_180_s"] == done.rows[0]["within"]["180"]
    assert "1 with errors" in done.lines()[0]


def test_a_stopped_list_goes_on_with_the_same_result(scenario_file, tmp_path, monkeypatch):
    from anlan.simulation import scenarios

    monkeypatch.setattr(scenarios, "PIECE", 2)
    studies = read_scenarios(scenario_file)
    whole = play_scenarios(studies, tmp_path / "whole")
    job = Job(lambda progress: job.cancel() if progress.done >= 2 else None)
    part = play_scenarios(studies, tmp_path / "part", job=job)
    assert (len(part.rows), part.missing) == (2, 3)
    rest = play_scenarios(studies, tmp_path / "part")
    assert (rest.missing, rest.reused) == (0, 2)
    assert rest.rows == whole.rows
    names = ("results.csv", "results.parquet")
    assert all((tmp_path / "part" / n).read_bytes() == (tmp_path / "whole" / n).read_bytes() for n in names)


def test_processes_give_the_same_and_report_a_refusal(scenario_file, tmp_path, monkeypatch):
    from anlan.simulation import scenarios

    monkeypatch.setattr(scenarios, "PIECE", 2)
    studies = read_scenarios(scenario_file)
    here = play_scenarios(studies, tmp_path / "here", Serial())
    there = play_scenarios(studies, tmp_path / "there", Processes(2))
    assert json.dumps(here.rows) == json.dumps(there.rows)
    with pytest.raises(AnlanError, match="anlan city build"):
        play([Study(tmp_path / "nowhere")], Processes(1))


def test_replications_in_processes_are_those_of_this_one(mill_folder):
    study = Study(mill_folder, synthetic=True, **QUICK)
    (here,), (there,) = play([study]), play([study], Processes(2))
    for name, column in here.outcomes.columns().items():
        assert np.array_equal(column, there.outcomes.columns()[name], equal_nan=column.dtype == float), name
    assert np.array_equal(here.workload.busy_share, there.workload.busy_share)
    assert len(there.events) == 0  # they were played elsewhere


def test_ray_absent_is_one_sentence():
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("Ray is installed here")
    with pytest.raises(AnlanError, match=r"pip install 'anlan\[ray\]'"):
        pool_of(1, "auto")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[scenario]]\ncity = 'x'\ncolour = 1", "colour"),
        ("[[scenario]]\nweeks = 2", "city"),
        ("weeks = ", "TOML"),
        ("[[scenario]]\ncity = 'none/*'", "pattern"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(tmp_path, text, named):
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(AnlanError, match=named):
        read_scenarios(tmp_path / "list.toml")


def test_a_pattern_names_many_cities_and_a_folder_many_lists(mill_folder, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    for k in range(2):
        (lists / f"{k}.toml").write_text(f"[[scenario]]\ncity = '{mill_folder.parent}/*'\nseed = {k}")
    studies = read_scenarios(lists)
    assert [(s.city.name, s.seed) for s in studies] == [("mill-town", 0), ("mill-town", 1)]
