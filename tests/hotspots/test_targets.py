from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.core.time import DAY_S, WEEK_S
from anlan.hotspots.accuracy import accuracy
from anlan.hotspots.choose import choose
from anlan.model import Calls

UTC = ZoneInfo("UTC")
START = 1_704_067_200.0  # Monday 1 January 2024


def town(seed: int = 0, n: int = 3000, weeks: int = 60, spread_m: float = 60.0, **columns: Any) -> Calls:
    """Two busy corners in a quiet town of 4 km²."""
    rng = np.random.default_rng(seed)
    corner = rng.random(n)
    x = np.where(corner < 0.25, rng.normal(480, spread_m, n), rng.uniform(0, 2000, n))
    y = np.where(corner < 0.25, rng.normal(520, spread_m, n), rng.uniform(0, 2000, n))
    second = (corner >= 0.25) & (corner < 0.4)
    x[second], y[second] = rng.normal(1510, spread_m, second.sum()), rng.normal(1490, spread_m, second.sum())
    given_ = {
        "id": [f"c{i}" for i in range(n)],
        "source": ["reported"] * n,
        "received": START + rng.uniform(0, weeks * WEEK_S, n),
        "x": np.clip(x, 0, 1999),
        "y": np.clip(y, 0, 1999),
    }
    return Calls.make(n, **(given_ | columns))


CELLS = hotspots.Cells("square", 100.0, 0, 0, 20, 20)


def find(calls: Calls, **settings: Any) -> hotspots.Targets:
    return hotspots.targets(calls, CELLS, tz=UTC, **({"bandwidth_m": 100.0} | settings))


def test_targets_are_the_busy_corners_and_beat_chance():
    found = find(town(), budget=10 * 10_000.0, study=np.ones(400, bool))
    assert len(found) == 10
    x, y = CELLS.centre(found.index)
    near = np.minimum(np.hypot(x - 480, y - 520), np.hypot(x - 1510, y - 1490))
    assert near.max() < 250
    assert (np.diff(found.score) <= 0).all()
    chosen, random = found.proof["chosen"], found.proof["random"]
    assert chosen.pai_interval[0] > random.pai_interval[1]
    assert random.pai == pytest.approx(1.0, abs=0.25)
    assert chosen.area_share == pytest.approx(10 / 400)
    assert 0 < chosen.pei <= 1


def test_the_indices_are_what_their_definitions_say():
    seen = np.array([[4.0, 1, 0, 3], [2, 1, 0, 1]])
    found = accuracy(seen, np.array([1.0, 1, 1, 1]), np.array([True, True, False, False]), 2.0)
    assert found.calls == 12
    assert found.hits == 8
    assert found.hit_rate == pytest.approx(8 / 12)
    assert found.pai == pytest.approx((8 / 12) / (2 / 4))
    assert found.pei == pytest.approx(8 / 10)
    low, high = found.hit_rate_interval
    assert low < 8 / 12 < high


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Weeks are over-dispersed: each has its own share of calls in the chosen places."""
    rng = np.random.default_rng(5)
    held = 0
    picked = np.array([True, False])
    for _ in range(120):
        p = rng.beta(6, 14, 8)
        n = rng.poisson(40, 8)
        inside = rng.binomial(n, p)
        found = accuracy(np.column_stack([inside, n - inside]).astype(float), np.ones(2), picked, 1.0)
        held += found.hit_rate_interval[0] <= 0.3 <= found.hit_rate_interval[1]
    assert held / 120 > 0.85


def test_the_held_out_weeks_are_never_learned_from():
    """All calls of the last 8 weeks at a corner that was silent before: no target can have known."""
    calls = town()
    late = calls.received >= START + 52 * WEEK_S
    moved = calls.replaced(x=np.where(late, 1950.0, calls.x), y=np.where(late, 50.0, calls.y))
    found = find(moved, window=(START, START + 60 * WEEK_S), budget=3 * 10_000.0)
    assert found.proof["chosen"].hits == 0
    assert found.proof["count"].hits == 0
    # The final list does learn from them.
    assert CELLS.index(np.array([1950.0]), np.array([50.0]))[0] in found.index


@pytest.mark.parametrize("method", ["expected", "density", "count"])
def test_every_method_runs_and_the_proof_compares_with_the_naive_rule(method):
    found = find(town(), method=method, budget_share=0.05)
    assert set(found.proof) == {"chosen", "count", "random"}
    if method == "count":
        assert found.proof["chosen"] == found.proof["count"]
    assert "held-out weeks" in found.sentence("en")
    assert "留出" in found.sentence("zh")


def test_expected_beats_the_naive_count_where_calls_are_few():
    """400 calls over 400 cells: neighbours know more than a cell's own one or two calls."""
    gain = []
    for seed in range(8):
        calls = town(seed=seed, n=400, spread_m=200.0)
        found = find(calls, budget_share=0.1, held_out_weeks=20, study=np.ones(400, bool))
        gain.append(found.proof["chosen"].hit_rate - found.proof["count"].hit_rate)
    assert np.mean(gain) > 0.02


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=12), st.integers(1, 40))
def test_a_choice_fits_the_budget_and_nothing_left_out_would_fit(places, budget):
    score, measure = np.array(places, float).T
    taken = choose(score, measure, float(budget))
    assert measure[taken].sum() <= budget + 1e-6
    assert (score[taken] > 0).all()
    left = np.setdiff1d(np.flatnonzero(score > 0), taken)
    assert (measure[left] > budget - measure[taken].sum()).all()


def test_unequal_reporting_shakes_close_calls_and_not_clear_ones():
    band = hotspots.reporting_band(np.array([100.0, 11, 10, 1]), np.ones(4), 2.0, factor=1.5)
    assert band.kept[0] == pytest.approx(1)
    assert band.kept[1] == pytest.approx(0.5, abs=0.3)
    assert 0 < band.kept[2] < band.kept[1] < 1
    assert band.kept[3] == 0
    even = hotspots.reporting_band(np.array([100.0, 11, 10, 1]), np.ones(4), 2.0, factor=1.0)
    assert even.kept.tolist() == pytest.approx([1, 1, 0, 0])


@pytest.mark.parametrize(
    ("change", "settings", "says"),
    [
        ({}, {"budget": 1.0}, "no place with calls fits"),
        ({}, {"budget": 1e12}, "at most the study area"),
        ({}, {"budget_share": 2.0}, "between 0 and 1"),
        ({}, {"method": "magic"}, "expected, density, count"),
        ({"received": np.linspace(START, START + 7 * DAY_S, 300)}, {}, "needs at least 84 days"),
    ],
)
def test_bad_input_gets_a_sentence(change, settings, says):
    with pytest.raises(AnlanError, match=says):
        find(town(n=300, **change), **settings)


def test_all_calls_at_one_point_is_one_target():
    calls = town(n=300, x=[50.0] * 300, y=[50.0] * 300)
    found = find(calls)
    assert len(found) == 1
    assert found.proof["chosen"].hit_rate == 1
