"""Posts by period against brute force, and at both ends of the limit on moves."""

from itertools import combinations, combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.siting import mclp, p_median, periods
from anlan.siting.periods import moved

REACH = 350.0


def town(seed, demands, sites, slots):
    rng = stream(seed, "periods-test")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    cost = 1000 * np.hypot(apart[..., 0], apart[..., 1])
    hour = 1 + np.sin(np.arange(slots)[:, None] + 6 * rng.random(demands))
    return cost, np.round(hour * rng.integers(0, 20, demands), 3)


def brought(model, cost, weight, x, busy):
    """Of one period; x counts units per site."""
    if model == "p_median":
        return -float(cost[:, x > 0].min(axis=1) @ weight)
    held = (cost <= REACH) @ x
    return float(weight @ ((held > 0) if model == "mclp" else 1 - busy**held))


def best(model, cost, weight, units, limit, price, cyclic, busy):
    """By trying everything."""
    sites = cost.shape[1]
    pick = combinations_with_replacement if model == "mexclp" else combinations
    choices = [[np.bincount(c, minlength=sites) for c in pick(range(sites), int(u))] for u in units]
    worth = [[brought(model, cost, w, x, busy) for x in c] for w, c in zip(weight, choices, strict=True)]
    top = -np.inf
    for which in product(*(range(len(c)) for c in choices)):
        moves = moved(np.array([choices[t][k] for t, k in enumerate(which)]))
        if not cyclic:
            moves[0] = 0
        if limit is None or np.all(moves <= limit):
            top = max(top, sum(worth[t][k] for t, k in enumerate(which)) - price * moves.sum())
    return top


@pytest.mark.parametrize("model", ["mclp", "mexclp", "p_median"])
@given(
    st.integers(0, 999), st.sampled_from([None, 0, 1, 2]), st.sampled_from([0.0, 0.7, 300.0]), st.booleans(),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_brute_force(model, seed, limit, price, cyclic, varying):
    cost, weight = town(seed, 15, 5, 3)
    units = np.array([2, 1, 2]) if varying else np.array([2, 2, 2])
    if model != "mclp" and price:
        price *= 0.2 if model == "mexclp" else 10.0
    reach = None if model == "p_median" else REACH
    if reach and not (cost <= reach).any():
        return
    answer = periods(
        cost, units, weight, model=model, reach=reach, busy=0.4, moves=limit, price=price, cyclic=cyclic
    )
    sign = -1.0 if model == "p_median" else 1.0
    expected = best(model, cost, weight, units, limit, price, cyclic, 0.4)
    assert answer.status == "optimal"
    assert sign * answer.objective == pytest.approx(expected)
    assert sign * answer.bound >= sign * answer.objective - 1e-9
    np.testing.assert_array_equal(answer.units.sum(axis=1), units)
    assert limit is None or answer.moves.max() <= limit
    again = sum(brought(model, cost, weight[t], answer.units[t], 0.4) for t in range(3))
    assert sign * answer.objective == pytest.approx(again - price * answer.moves.sum())


@pytest.mark.parametrize("model", ["mclp", "p_median"])
def test_no_moves_is_one_set_for_the_summed_weights(model):
    cost, weight = town(3, 80, 20, 6)
    one = (
        mclp(cost, 4, REACH, weight.sum(axis=0)) if model == "mclp" else p_median(cost, 4, weight.sum(axis=0))
    )
    reach = None if model == "p_median" else REACH
    for cyclic in (False, True):
        answer = periods(cost, 4, weight, model=model, reach=reach, moves=0, cyclic=cyclic)
        assert answer.objective == pytest.approx(one.objective)
        assert answer.status == "optimal"
        assert not answer.moves.any()
        assert all(np.array_equal(sites, answer.sites[0]) for sites in answer.sites)


@pytest.mark.parametrize("model", ["mclp", "p_median"])
def test_free_moves_are_each_period_for_itself(model):
    cost, weight = town(4, 80, 20, 5)
    solve = (lambda w: mclp(cost, 4, REACH, w)) if model == "mclp" else (lambda w: p_median(cost, 4, w))
    alone = sum(solve(w).objective for w in weight)
    reach = None if model == "p_median" else REACH
    free = periods(cost, 4, weight, model=model, reach=reach)
    assert free.objective == pytest.approx(alone)
    wide = periods(cost, 4, weight, model=model, reach=reach, moves=4)
    assert wide.objective == pytest.approx(alone)
    assert free.status == wide.status == "optimal"


@pytest.mark.parametrize("model", ["mclp", "mexclp", "p_median"])
def test_fewer_moves_never_help(model):
    cost, weight = town(5, 50, 12, 6)
    sign = -1.0 if model == "p_median" else 1.0
    reach = None if model == "p_median" else REACH
    found = [
        periods(cost, 3, weight, model=model, reach=reach, busy=0.3, moves=m, cyclic=True)
        for m in (0, 1, 2, 3)
    ]
    values = [sign * answer.objective for answer in found]
    assert all(answer.status == "optimal" for answer in found)
    assert values == sorted(values)
    assert all(answer.moves.max() <= m for m, answer in enumerate(found))


def test_a_week_of_hours_with_few_moves_is_bounded():
    cost, weight = town(6, 60, 15, 24)
    answer = periods(cost, 4, weight, reach=250.0, moves=1, cyclic=True, gap=0.02, time_limit_s=20)
    assert answer.gap < 0.05
    assert answer.bound >= answer.objective
    assert answer.moves.max() <= 1
    short = periods(cost, 4, weight, reach=250.0, moves=1, cyclic=True, time_limit_s=0.05)
    assert short.status == "time_limit"
    assert np.inf > short.bound >= short.objective > 0
    job = Job()
    job.cancel()
    for moves in (1, None):
        stopped = periods(cost, 4, weight, reach=250.0, moves=moves, job=job)
        assert stopped.status == "time_limit"
        assert "request" in stopped.message
        assert stopped.bound >= stopped.objective > 0


def test_costs_and_units_by_period_and_rings():
    cost, weight = town(7, 40, 10, 3)
    slow = [cost, 1.5 * cost, cost]
    answer = periods(slow, [2, 3, 2], weight, reach=(200.0, 400.0), ring_weights=(1.0, 0.4), moves=1)
    assert answer.status == "optimal"
    for t in range(3):
        near = slow[t][:, answer.sites[t]].min(axis=1)
        value = np.where(near <= 200, 1.0, np.where(near <= 400, 0.4, 0.0))
        assert answer.objectives[t] == pytest.approx(value @ weight[t])
    assert answer.objective == pytest.approx(answer.objectives.sum())
    np.testing.assert_array_equal(answer.units.sum(axis=1), [2, 3, 2])


def test_fixed_and_forbidden_sites_hold_in_every_period():
    cost, weight = town(8, 40, 10, 4)
    answer = periods(cost, 3, weight, reach=REACH, moves=1, fixed=[2], forbidden=[0, 1])
    assert all(2 in sites and not {0, 1} & set(sites.tolist()) for sites in answer.sites)
    assert answer.status == "optimal"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "p_center"}, "mclp, mexclp or p_median"),
        ({"reach": None}, "needs one reach"),
        ({"reach": 0.001}, "no demand is within reach"),
        ({"moves": -1}, "0 or more"),
        ({"moves": [1, 1]}, "each of the 3 periods"),
        ({"price": -1.0}, "finite number, 0 or more"),
        ({"p": 0}, "1 unit or more"),
        ({"p": 6}, "hold only 5"),
        ({"p": [1, 2]}, "each of the 3 periods"),
        ({"p": 1, "fixed": [0, 1]}, "fixed and each takes a unit"),
        ({"busy": 1.0}, "below 1"),
        ({"capacity": 2}, "only mexclp"),
        ({"weight": np.ones(15)}, "for each period"),
        ({"weight": np.ones((3, 9))}, "each of the 15 demands"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    cost, weight = town(1, 15, 5, 3)
    good = {"cost": cost, "p": 2, "weight": weight, "reach": REACH}
    with pytest.raises(AnlanError, match=says):
        periods(**(good | change))
