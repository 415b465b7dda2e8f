"""p-center against brute force and OR-Library graphs; its finer order; what it says where p is too small."""

from __future__ import annotations

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
from anlan.siting import p_center

CENTERS = {"pmed2": 98, "pmed3": 93, "pmed5": 48, "pmed8": 55}
"""Optimal radius of the vertex p-center on OR-Library's p-median graphs (Daskin 1995; Calik & Tansel 2013)."""

STREET = np.array([[0, 300, 600], [300, 0, 300], [600, 300, 0]], float)
"""Three villages along a street, five minutes apart, each of them a candidate site."""


def world(seed, n=15, m=9, top=100):
    return np.round(np.random.default_rng(seed).random((n, m)) * top)


def in_order(cost, sites):
    return tuple(np.sort(cost[:, list(sites)].min(axis=1))[::-1])


@pytest.mark.parametrize("name", sorted(CENTERS))
def test_published_radius_is_proven(name):
    file = Path(os.environ.get("ANLAN_DATA", "")) / "pmedian" / f"{name}.txt"
    if "ANLAN_DATA" not in os.environ or not file.is_file():
        pytest.skip("ANLAN_DATA names no folder with OR-Library's p-median instances")
    numbers = np.array(file.read_text().split(), np.int64)
    n, _, p = numbers[:3]
    one, two, length = numbers[3:].reshape(-1, 3).T
    graph = np.zeros((n, n))
    for i, j, d in zip(one - 1, two - 1, length, strict=True):
        graph[i, j] = graph[j, i] = d
    answer = p_center(shortest_path(graph, directed=False), int(p))
    assert answer.status == "optimal"
    assert answer.objective == CENTERS[name]
    assert len(answer.sites) == p


@pytest.mark.parametrize("seed", range(20))
def test_finds_the_least_worst_time_of_a_small_random_world(seed):
    cost = world(seed)
    answer = p_center(cost, 3)
    assert answer.status == "optimal"
    assert answer.objective == min(in_order(cost, s)[0] for s in combinations(range(9), 3))
    assert answer.objective == cost[:, answer.sites].min(axis=1).max()
    assert len(answer.sites) == 3


@pytest.mark.parametrize("top", [9, 100])
@pytest.mark.parametrize("seed", range(8))
def test_the_finer_order_settles_every_time(seed, top):
    cost = world(seed, top=top)
    answer = p_center(cost, 3, lexicographic=True)
    best = min(in_order(cost, s) for s in combinations(range(9), 3))
    assert in_order(cost, answer.sites) == best
    assert answer.details["levels_complete"]
    times, counts = zip(*answer.details["levels"], strict=True)
    assert times == tuple(sorted(set(best), reverse=True))
    assert counts == tuple(sum(b >= t for b in best) for t in times)


def test_two_levels_of_the_finer_order_are_enough_if_two_are_asked():
    answer = p_center(world(3), 3, lexicographic=2)
    assert len(answer.details["levels"]) == 2
    assert answer.details["levels_complete"]


@pytest.mark.parametrize("seed", range(6))
def test_the_next_two_beside_open_sites(seed):
    cost = world(seed)
    answer = p_center(cost, 2, existing=[0, 4], forbidden=[7])
    assert len(answer.sites) == 4
    assert {0, 4} <= set(answer.sites.tolist())
    others = [j for j in range(9) if j not in (0, 4, 7)]
    assert answer.objective == min(in_order(cost, (0, 4, *s))[0] for s in combinations(others, 2))


@pytest.mark.parametrize("seed", range(6))
def test_weights_multiply_times(seed):
    cost, weight = world(seed), np.random.default_rng(seed).integers(0, 4, 15).astype(float)
    answer = p_center(cost, 3, weight)
    assert answer.objective == min(
        (cost[:, list(s)].min(axis=1) * weight).max() for s in combinations(range(9), 3)
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_budget_limits_the_sites(seed):
    cost, price = world(seed), np.random.default_rng(seed).integers(1, 6, 9).astype(float)
    answer = p_center(cost, None, site_cost=price, budget=9.0)
    assert price[answer.sites].sum() <= 9
    within = [s for k in range(1, 10) for s in combinations(range(9), k) if price[list(s)].sum() <= 9]
    assert answer.objective == min(in_order(cost, s)[0] for s in within)


@pytest.mark.parametrize("seed", range(4))
def test_p_and_a_budget_together(seed):
    cost, price = world(seed), np.random.default_rng(seed).integers(1, 6, 9).astype(float)
    answer = p_center(cost, 3, site_cost=price, budget=7.0)
    within = [s for s in combinations(range(9), 3) if price[list(s)].sum() <= 7]
    fewer = [s for k in (1, 2) for s in combinations(range(9), k) if price[list(s)].sum() <= 7]
    assert answer.objective == min(in_order(cost, s)[0] for s in within + fewer)


def test_a_sparse_reach_gives_the_same_answer():
    cost = world(2, 40, 12) + 1
    answer = p_center(cost, 4)
    within = sparse.csr_matrix(np.where(cost <= answer.objective + 10, cost, 0.0))
    thin = p_center(within, 4)
    assert thin.objective == answer.objective
    assert thin.status == "optimal"


def test_p_that_cannot_reach_everybody_is_told_how_many_can():
    islands = np.full((6, 6), np.inf)
    np.fill_diagonal(islands, 1.0)
    answer = p_center(islands, 4)
    assert answer.status == "infeasible"
    assert answer.relaxation == {"p": 6.0}
    assert "2 more" in answer.message
    assert p_center(islands, 6).objective == 1.0


def test_names_the_demand_that_no_site_reaches():
    cost = np.array([[10, np.inf], [np.inf, np.inf]])
    answer = p_center(cost, 1)
    assert answer.status == "infeasible"
    assert answer.unreachable.tolist() == [1]
    assert p_center(cost, 1, [1, 0]).sites.tolist() == [0]


def test_alternatives_and_closures():
    answer = p_center(STREET, 1)
    assert answer.sites.tolist() == [1]
    other = answer.alternatives(1)[0]
    assert other.objective == 600
    assert other.price == 1.0
    assert p_center(STREET, 2, existing=[0]).without(0).objective in (300, 600)


def test_an_answer_that_ran_out_of_time_has_an_honest_bound():
    rng = np.random.default_rng(0)
    cost = np.hypot(*(rng.random((400, 1, 2)) - rng.random((1, 120, 2))).transpose(2, 0, 1))
    hurried, proven = p_center(cost, 12, time_limit_s=1e-6), p_center(cost, 12)
    assert proven.status == "optimal"
    assert hurried.status == "time_limit"
    assert 0 < hurried.bound <= proven.objective <= hurried.objective


def test_p_beyond_the_sites_is_an_error():
    with pytest.raises(AnlanError) as caught:
        p_center(STREET, 4)
    assert caught.value.code == "p_exceeds_sites"


def test_a_negative_number_of_levels_is_an_error():
    with pytest.raises(AnlanError, match="number of levels"):
        p_center(STREET, 1, lexicographic=-1)


@given(seed=st.integers(0, 10_000), p=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_properties_of_every_answer(seed, p):
    cost = world(seed)
    answer = p_center(cost, p)
    assert answer.bound == answer.objective == cost[:, answer.sites].min(axis=1).max()
    assert p_center(cost, p + 1).objective <= answer.objective  # one more never hurts
    wider = np.column_stack([cost, np.full(len(cost), answer.objective)])
    assert p_center(wider, p).objective <= answer.objective  # nor does one more candidate
    again = p_center(cost, p, fixed=answer.sites)
    assert np.array_equal(again.sites, answer.sites)
    assert again.objective == answer.objective
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(cost)), rng.permutation(cost.shape[1])
    mixed = p_center(cost[np.ix_(rows, columns)], p)
    assert mixed.objective == cost[:, columns[mixed.sites]].min(axis=1).max() == answer.objective
