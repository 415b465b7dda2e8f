"""What must hold in any run: nothing is lost, time runs forwards, the log tells what the outcomes say."""

from collections import Counter

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.kernels import simulation_types as kinds
from anlan.simulation import replay

SIDE = 9
RULES = {
    "closest, redispatch": {"dispatch": {"redispatch": [[2, 1], [3, 1], [3, 2]], "reserve": {"3": 1}}},
    "jurisdiction": {"dispatch": {"rule": "jurisdiction", "tolerance_s": 90}},
    "coverage, dmexclp": {"dispatch": {"rule": "coverage"}, "standby": {"rule": "dmexclp", "busy": 0.4}},
    "preference": {"dispatch": {"rule": "preference", "order": {"N": ["u3", "u1", "u0", "u2", "u5", "u4"]}}},
    "compliance": {
        "dispatch": {"redispatch": [[2, 1]]},
        "standby": {"rule": "compliance", "table": {"1": ["s0"], "3": ["s0", "s1", "s2"]}},
        "burden": {"moves_per_hour": 2, "stay_s": 300},
    },
    "patrol": {
        "dispatch": {"redispatch": [[2, 1]]},
        "standby": {"rule": "patrol", "beats": {"*": ["s0", "s1", "s2", "s3"]}},
    },
    "everything": {
        "dispatch": {"redispatch": [[2, 1], [3, 1]], "reserve": {"3": 1}},
        "standby": {"rule": "dmexclp", "busy": 0.5, "reach_s": 200},
        "run_cards": {"fight": "patrol + supervisor", "*": "any"},
        "shifts": {"last_s": 900, "change_over_s": 300},
        "breaks": {"windows": "11:00-13:00,18:00-20:00", "length_s": 1200},
        "own_work": {"per_hour": 1.0},
        "out_of_service": [{"unit": "u2", "since": 20_000, "until": 50_000}],
    },
}


def world(seed, n=500):
    random = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    b = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    seconds = random.uniform(20, 50, 2 * len(a))
    slow = Travel.from_arcs(SIDE * SIDE, np.r_[a, b], np.r_[b, a], seconds)
    fast = Travel.from_arcs(SIDE * SIDE, np.r_[a, b], np.r_[b, a], seconds * 0.7)
    calls = {
        "at_s": np.sort(random.uniform(0, n * 220.0, n)),
        "place": random.integers(0, SIDE * SIDE, n),
        "priority": random.integers(1, 4, n),
        "dispatch_delay_s": random.uniform(0, 60, n),
        "on_scene_s": random.exponential(600, n),
        "category": random.choice(["fight", "theft"], n, p=[0.2, 0.8]),
        "area": random.choice(["N", "S"], n),
    }
    stations = {
        "place": np.array([0, 8, 40, 76]),
        "id": ["s0", "s1", "s2", "s3"],
        "area": ["N", "N", "S", "S"],
    }
    units = {
        "station": np.array([0, 1, 2, 3, 2, 0]),
        "turnout_s": np.full(6, 30.0),
        "id": [f"u{k}" for k in range(6)],
        "kind": ["patrol"] * 4 + ["supervisor"] * 2,
        "shift": ["", "", "06:00-18:00", "18:00-06:00", "", "08:00-20:00"],
    }
    return {"lights": fast, "ordinary": slow}, calls, units, stations


def run(name, seed=3):
    travel, calls, units, stations = world(seed)
    return calls, replay(travel, calls, units, stations, RULES[name], seed=1, events=True)


@pytest.fixture(scope="module", params=list(RULES))
def played(request):
    return request.param, *run(request.param)


def test_every_call_ends_once(played):
    _, _, got = played
    assert np.isfinite(got.response_s).all()
    log, n = got.played.log, len(got.requests.tasks)
    count = {kind: np.bincount(log["task"][log["kind"] == kind], minlength=n) for kind in range(8)}
    for kind in (kinds.ARRIVED, kinds.CLEARED, kinds.DEPARTED):
        assert (count[kind] == 1).all()
    assert np.array_equal(count[kinds.DISPATCHED], 1 + count[kinds.DIVERTED])
    assert np.array_equal(count[kinds.DIVERTED], got.played.outcome["taken"])


def test_time_never_runs_backwards(played):
    _, _, got = played
    o, t = got.played.outcome, got.requests.tasks
    assert (np.diff(got.played.log["at"]) >= 0).all()
    assert (o["dispatched"] >= t["ready"]).all()
    assert (o["departed"] >= o["dispatched"]).all()
    assert (o["arrived"] >= o["departed"]).all()
    np.testing.assert_allclose(o["cleared"] - o["arrived"], t["on_scene"], atol=1e-6)
    assert (got.complete_s >= got.response_s).all()


def test_the_log_says_what_the_outcomes_say(played):
    _, _, got = played
    log, o = got.played.log, got.played.outcome
    for kind, column in (
        (kinds.DEPARTED, "departed"),
        (kinds.ARRIVED, "arrived"),
        (kinds.CLEARED, "cleared"),
    ):
        rows = log[log["kind"] == kind]
        assert np.array_equal(o[column][rows["task"]], rows["at"])
        assert np.array_equal(o["unit"][rows["task"]], rows["unit"])
    last = {}
    for row in log[log["kind"] == kinds.DISPATCHED]:
        last[row["task"]] = row["at"], row["unit"]
    assert [last[k][0] for k in range(len(o))] == o["dispatched"].tolist()
    assert [last[k][1] for k in range(len(o))] == o["unit"].tolist()


def test_a_unit_does_one_thing_at_a_time_and_its_seconds_add_up(played):
    _, calls, got = played
    log, end = got.played.log, got.played.log["at"].max()
    start = calls["at_s"].min()
    for u, unit in enumerate(got.played.units):
        mine = log[log["unit"] == u]
        state, since, spent = None, start, Counter()
        for row in mine:
            step = row["kind"]
            becomes = {
                kinds.DISPATCHED: "work",
                kinds.DIVERTED: None,
                kinds.CLEARED: None,
                kinds.PAUSED: "pause",
                kinds.RESUMED: None,
            }.get(step, state)
            if step == kinds.DISPATCHED:
                assert state in (None, "pause")
            if step in (kinds.CLEARED, kinds.DIVERTED):
                assert state == "work"
            if step == kinds.PAUSED:
                assert state is None
            if becomes != state:
                spent[state] += row["at"] - since
                state, since = becomes, row["at"]
        spent[state] += end - since
        assert unit["work_s"] >= spent["work"] - 1e-6
        assert unit["work_s"] <= spent["work"] + spent["pause"] + 1e-6
        assert unit["work_s"] <= unit["duty_s"] + 1e-6
        assert unit["driving_s"] <= unit["duty_s"] + 1e-6
        on = log["at"][(log["unit"] == u) & (log["kind"] == kinds.ON_DUTY)]
        off = log["at"][(log["unit"] == u) & (log["kind"] == kinds.OFF_DUTY)]
        if len(on) + len(off) == 0:
            assert unit["duty_s"] in (0.0, pytest.approx(end - start))
        else:
            first = min(on.min(initial=np.inf), off.min(initial=np.inf))
            begins = np.r_[on, start] if len(off) and off.min() == first else on
            ends = np.r_[off, end] if len(off) < len(begins) else off
            assert unit["duty_s"] == pytest.approx(ends.sum() - begins.sum())


def test_the_same_seed_gives_the_same_run(played):
    name, _, got = played
    again = run(name)[1]
    assert got.played.outcome.tobytes() == again.played.outcome.tobytes()
    assert got.played.log.tobytes() == again.played.log.tobytes()


def test_a_log_changes_nothing():
    travel, calls, units, stations = world(3)
    for policy in RULES.values():
        with_log, without = (
            replay(travel, calls, units, stations, policy, seed=1, events=e) for e in (True, False)
        )
        assert with_log.played.outcome.tobytes() == without.played.outcome.tobytes()
        assert len(without.played.log) == 0
