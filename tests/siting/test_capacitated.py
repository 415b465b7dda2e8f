"""The capacitated p-median against brute force, and what must hold of any answer."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.siting import p_median


def town(seed, demands, sites):
    rng = stream(seed, "capacitated-test")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    return 1000 * np.hypot(apart[..., 0], apart[..., 1]), rng.integers(1, 20, demands).astype(float)


def best(cost, weight, p, room):
    """By trying every assignment of whole demands."""
    n, m = cost.shape
    top = np.inf
    for sites in combinations(range(m), p):
        which = np.array(list(product(sites, repeat=n)))
        load = np.stack([(which == j) @ weight for j in sites], axis=1)
        fits = np.all(load <= room[list(sites)] + 1e-9, axis=1)
        if fits.any():
            top = min(top, float((cost[np.arange(n), which[fits]] @ weight).min()))
    return top


@given(st.integers(0, 999), st.sampled_from([1.02, 1.2, 1.6]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_brute_force(seed, slack, uneven):
    cost, weight = town(seed, 8, 5)
    room = np.full(5, slack * weight.sum() / 2)
    if uneven:
        room *= stream(seed, "room").uniform(0.6, 1.4, 5)
    answer = p_median(cost, 2, weight, capacity=room)
    expected = best(cost, weight, 2, room)
    if np.isinf(expected):
        assert answer.status == "infeasible"
        assert answer.message
        return
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(expected)
    assert answer.bound <= answer.objective
    load = np.bincount(answer.assignment, weight, 5)
    assert np.all(load <= room + 1e-9)
    assert set(answer.assignment) <= set(answer.sites)
    assert answer.objective == pytest.approx(cost[np.arange(8), answer.assignment] @ weight)


@given(st.integers(0, 99))
@settings(max_examples=6, deadline=None)
def test_what_must_hold_of_any_answer(seed):
    cost, weight = town(seed, 40, 12)
    room = 1.3 * weight.sum() / 4
    tight = p_median(cost, 4, weight, capacity=room)
    wide = p_median(cost, 4, weight, capacity=2 * room)
    free = p_median(cost, 4, weight)
    assert tight.status == "optimal"
    assert free.objective <= wide.objective * (1 + 1e-9) <= tight.objective * (1 + 2e-9)
    assert p_median(cost, 4, weight, capacity=weight.sum()).objective == pytest.approx(free.objective)
    assert p_median(cost, 5, weight, capacity=room).objective <= tight.objective * (1 + 1e-9)
    again = p_median(cost, 4, weight, capacity=room, fixed=tight.sites)
    assert again.objective == pytest.approx(tight.objective)


def test_limits_are_kept():
    cost, weight = town(5, 30, 10)
    room = 1.4 * weight.sum() / 3
    answer = p_median(cost, 3, weight, capacity=room, fixed=[4], forbidden=[0, 1], reach=900.0)
    assert answer.status == "optimal"
    assert 4 in answer.sites
    assert not {0, 1} & set(answer.sites.tolist())
    assert cost[np.arange(30), answer.assignment].max() <= 900


def test_too_little_room_says_how_much_it_takes():
    cost, weight = town(2, 20, 6)
    room = np.full(6, weight.sum() / 4 + 1)
    answer = p_median(cost, 2, weight, capacity=room)
    assert answer.status == "infeasible"
    assert answer.relaxation["p"] == 4.0
    assert answer.relaxation["capacity_factor"] == pytest.approx(weight.sum() / (2 * room[0]))
    heavy = p_median(cost, 6, weight, capacity=weight.max() - 0.5)
    np.testing.assert_array_equal(heavy.unreachable, np.flatnonzero(weight == weight.max()))


def test_expired_time_limit_is_never_called_optimal():
    cost, weight = town(3, 300, 60)
    answer = p_median(cost, 10, weight, capacity=1.05 * weight.sum() / 10, time_limit_s=0.2)
    assert answer.status == "time_limit"
    assert np.isnan(answer.objective) or answer.bound < answer.objective


def test_questions_after_the_answer():
    cost, weight = town(6, 25, 8)
    room = 1.5 * weight.sum() / 3
    answer = p_median(cost, 3, weight, capacity=room)
    others = answer.alternatives(2)
    assert len(others) == 2
    assert all(o.price >= -1e-9 for o in others)
    loss = answer.without(int(answer.sites[0]), reoptimise=True)
    assert loss.replaced is not None
    assert loss.replaced.objective >= answer.objective
    far = int(np.argmax(cost[np.arange(25), answer.assignment] - cost[:, answer.sites].min(axis=1)))
    told = answer.explain(far)
    assert told.site == answer.assignment[far]
    if told.second_cost < told.cost:
        assert "has no room" in told.reason


def test_bad_capacity_is_one_sentence():
    cost, weight = town(1, 10, 4)
    for wrong in (-1.0, [1.0, 2.0]):
        with pytest.raises(AnlanError, match="one for each of the 4 sites"):
            p_median(cost, 2, weight, capacity=wrong)
