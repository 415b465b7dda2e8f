"""The p-median against published optima, brute force, and what must hold of any answer."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import shortest_path

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.siting import p_median

PUBLISHED = {"pmed2": 4093, "pmed3": 4250, "pmed5": 1355, "pmed8": 4445}
"""Beasley (1990), OR-Library; where a file names an edge twice, the last one counts."""


def town(seed, demands, sites, whole=False):
    rng = stream(seed, "p-median-test")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    cost = 1000 * np.hypot(apart[..., 0], apart[..., 1])
    weight = rng.integers(0, 20, demands).astype(float)
    return (np.floor(cost) if whole else cost), weight


def total(cost, weight, sites):
    nearest = cost[:, list(sites)].min(axis=1)
    return float(nearest[weight > 0] @ weight[weight > 0])


def best(cost, weight, p, may=lambda sites: True):
    every = combinations(range(cost.shape[1]), p)
    return min((total(cost, weight, s) for s in every if may(s)), default=np.inf)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_optimum_is_proven(name):
    file = Path(os.environ.get("ANLAN_DATA", "")) / "pmedian" / f"{name}.txt"
    if "ANLAN_DATA" not in os.environ or not file.is_file():
        pytest.skip("ANLAN_DATA names no folder with OR-Library's p-median instances")
    numbers = np.array(file.read_text().split(), np.int64)
    n, _, p = numbers[:3]
    one, two, length = numbers[3:].reshape(-1, 3).T
    graph = np.zeros((n, n))
    for i, j, d in zip(one - 1, two - 1, length, strict=True):
        graph[i, j] = graph[j, i] = d
    answer = p_median(shortest_path(graph, directed=False), int(p))
    assert answer.status == "optimal"
    assert answer.objective == PUBLISHED[name]
    assert len(answer.sites) == p


@given(st.integers(0, 999), st.integers(1, 4), st.booleans())
@settings(max_examples=25, deadline=None)
def test_brute_force(seed, p, whole):
    cost, weight = town(seed, 20, 8, whole)
    answer = p_median(cost, p, weight)
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(best(cost, weight, p))
    assert answer.objective == pytest.approx(total(cost, weight, answer.sites))
    assert answer.bound <= answer.objective
    np.testing.assert_array_equal(answer.assignment, answer.sites[cost[:, answer.sites].argmin(axis=1)])


@given(st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_limits_against_brute_force(seed):
    cost, weight = town(seed, 20, 8)
    price = stream(seed, "price").integers(1, 5, 8).astype(float)
    answer = p_median(cost, 3, weight, fixed=[1], forbidden=[2, 5], site_cost=price, budget=price[1] + 4)
    limited = best(
        cost,
        weight,
        3,
        lambda s: 1 in s and 2 not in s and 5 not in s and price[list(s)].sum() <= price[1] + 4,
    )
    # p is the most that may be used; a tight budget can leave places empty.
    fewer = best(
        cost,
        weight,
        2,
        lambda s: 1 in s and 2 not in s and 5 not in s and price[list(s)].sum() <= price[1] + 4,
    )
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(min(limited, fewer, total(cost, weight, [1])))


@given(st.integers(0, 999), st.floats(250.0, 700.0))
@settings(max_examples=25, deadline=None)
def test_reach_against_brute_force(seed, reach):
    cost, weight = town(seed, 15, 8)
    near = np.where(cost <= reach, cost, np.inf)
    answer = p_median(cost, 3, weight, reach=reach)
    expected = best(near, weight, 3)
    if np.isfinite(expected):
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(expected)
        return
    assert answer.status == "infeasible"
    worst = min(cost[weight > 0][:, list(s)].min(axis=1).max() for s in combinations(range(8), 3))
    assert answer.relaxation["reach"] == pytest.approx(worst)
    assert p_median(cost, 3, weight, reach=answer.relaxation["reach"]).status == "optimal"
    np.testing.assert_array_equal(
        answer.unreachable, np.flatnonzero((weight > 0) & np.isinf(near).all(axis=1))
    )
    if "p" in answer.relaxation:
        needed = int(answer.relaxation["p"])
        assert np.isfinite(best(near, weight, needed))
        assert np.isinf(best(near, weight, needed - 1))


@given(st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_what_must_hold_of_any_answer(seed):
    cost, weight = town(seed, 120, 25)
    few, more = (p_median(cost, p, weight) for p in (4, 5))
    assert more.objective <= few.objective
    again = p_median(cost, 4, weight, fixed=few.sites)
    np.testing.assert_array_equal(again.sites, few.sites)
    assert again.objective == pytest.approx(few.objective)
    wider = p_median(np.hstack([cost, town(seed + 1, 120, 1)[0]]), 4, weight)
    assert wider.objective <= few.objective * (1 + 1e-9)
    rows, columns = stream(seed, "rows").permutation(120), stream(seed, "columns").permutation(25)
    moved = p_median(cost[rows][:, columns], 4, weight[rows])
    assert moved.objective == pytest.approx(few.objective)
    np.testing.assert_array_equal(np.sort(columns[moved.sites]), few.sites)


def test_next_sites_besides_those_that_stand():
    cost, weight = town(4, 60, 12)
    answer = p_median(cost, 2, weight, existing=[0, 7])
    assert answer.objective == pytest.approx(best(cost, weight, 4, lambda s: {0, 7} <= set(s)))
    assert len(answer.sites) == 4


def test_sparse_costs_give_the_same():
    cost, weight = town(6, 60, 15)
    cost[0, 0] = 0.0
    cells = np.nonzero(cost <= 900)
    within = sparse.csr_matrix((cost[cells], cells), cost.shape)
    few, dense = p_median(within, 4, weight), p_median(np.where(cost <= 900, cost, np.inf), 4, weight)
    assert few.objective == pytest.approx(dense.objective)
    assert few.status == dense.status == "optimal"


def test_demand_nobody_reaches_is_named():
    cost, weight = town(1, 10, 4)
    weight[:] = 1.0
    cost[3] = np.inf
    cost[7] = np.inf
    answer = p_median(cost, 2, weight)
    assert answer.status == "infeasible"
    np.testing.assert_array_equal(answer.unreachable, [3, 7])
    assert "Demand 3" in answer.message
    weight[[3, 7]] = 0.0
    assert p_median(cost, 2, weight).status == "optimal"


def test_too_few_sites_to_reach_everybody_say_how_many_it_takes():
    cost = np.where(np.eye(6, dtype=bool), 1.0, np.inf)
    answer = p_median(cost, 4)
    assert answer.status == "infeasible"
    assert answer.relaxation == {"p": 6.0}
    assert p_median(cost, 6).objective == 6.0


def test_expired_time_limit_is_never_called_optimal():
    rng = stream(1, "hard")
    cost = rng.random((400, 100))
    answer = p_median(cost, 12, time_limit_s=0.05)
    assert answer.status == "time_limit"
    assert answer.bound < answer.objective
    assert answer.gap > 0
    job = Job()
    job.cancel()
    stopped = p_median(cost, 12, job=job)
    assert stopped.status == "time_limit"
    assert "request" in stopped.message
    assert p_median(cost, 12, gap=0.9).status == "within_gap"


def test_questions_after_the_answer():
    cost, weight = town(2, 80, 14)
    answer = p_median(cost, 4, weight)
    others = answer.alternatives(2)
    ranked = sorted(total(cost, weight, s) for s in combinations(range(14), 4))
    assert [o.objective for o in others] == pytest.approx(ranked[1:3])
    closed = int(answer.sites[0])
    loss = answer.without(closed, reoptimise=True)
    rest = answer.sites[answer.sites != closed]
    assert loss.objective == pytest.approx(total(cost, weight, rest))
    assert loss.replaced is not None
    assert loss.replaced.objective == pytest.approx(best(cost, weight, 4, lambda s: closed not in s))
    told = answer.explain(5)
    assert told.site == answer.assignment[5]
    assert told.cost == pytest.approx(cost[5, answer.sites].min())
    assert told.second_cost == pytest.approx(np.sort(cost[5, answer.sites])[1])


def test_same_seed_gives_the_same_course():
    cost, weight = town(9, 300, 60)
    one, two = (p_median(cost, 8, weight, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.sites, two.sites)
    assert [m.objective for m in one.history] == [m.objective for m in two.history]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"p": 0}, "1 or more"),
        ({"p": 9}, "only 4 candidate sites"),
        ({"p": 1, "fixed": [0, 1]}, "count in p"),
        ({"p": None}, "give p or budget"),
        ({"weight": [-1.0] * 10}, "finite number, 0 or more"),
        ({"fixed": [0], "forbidden": [0]}, "fixed and forbidden"),
        ({"reach": -1.0}, "a reach is seconds"),
        ({"cost": np.full((10, 4), np.nan)}, "NaN"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    good = {"cost": town(1, 10, 4)[0], "p": 2, "weight": np.ones(10)}
    with pytest.raises(AnlanError, match=says):
        p_median(**(good | change))
