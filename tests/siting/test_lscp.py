"""Set covering against brute force, and what it says where there is no cover."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from anlan.core.errors import AnlanError
from anlan.siting import lscp
from anlan.siting.covers import Sets, cheapest
from anlan.siting.essential import essential_rows
from anlan.siting.problem import Watch

STREET = np.array([[0, 300, 600], [300, 0, 300], [600, 300, 0]], float)
"""Three villages along a street, five minutes apart, each of them a candidate site."""


def world(seed, n=15, m=9):
    rng = np.random.default_rng(seed)
    return rng.random((n, m)) * 100, rng.integers(1, 6, m).astype(float)


def cheapest_by_hand(cost, reach, cover, price, must=(), never=()):
    m = cost.shape[1]
    return min(
        price[list(s)].sum()
        for k in range(1, m + 1)
        for s in combinations([j for j in range(m) if j not in never], k)
        if set(must) <= set(s) and ((cost[:, list(s)] <= reach).sum(1) >= cover).all()
    )


def test_the_middle_village_serves_the_street():
    answer = lscp(STREET, 300)
    assert answer.sites.tolist() == [1]
    assert answer.objective == answer.bound == 1
    assert answer.status == "optimal"
    assert answer.assignment.tolist() == [1, 1, 1]


@pytest.mark.parametrize("cover", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_finds_the_cheapest_cover_of_a_small_random_world(seed, cover):
    cost, price = world(seed)
    reach = np.sort(cost, axis=1)[:, cover - 1].max() * 1.05
    answer = lscp(cost, reach, cover=cover, site_cost=price if seed % 3 else None)
    price = price if seed % 3 else np.ones(9)
    assert answer.objective == cheapest_by_hand(cost, reach, cover, price)
    assert answer.status == "optimal"
    assert np.all((cost[:, answer.sites] <= reach).sum(axis=1) >= cover)
    assert np.all(cost[np.arange(15), answer.assignment] <= reach)


@pytest.mark.parametrize("seed", range(6))
def test_fixed_and_forbidden_sites_are_kept(seed):
    cost, price = world(seed)
    reach = np.sort(cost, axis=1)[:, 1].max() * 1.05  # so that any one site can be missed
    answer = lscp(cost, reach, fixed=[3], forbidden=[5], site_cost=price)
    assert 3 in answer.sites
    assert 5 not in answer.sites
    assert answer.objective == cheapest_by_hand(cost, reach, 1, price, must=[3], never=[5])


def test_sites_that_are_open_already_cost_nothing():
    cost, price = world(1)
    reach = cost.min(axis=1).max() * 1.1
    answer = lscp(cost, reach, existing=[2, 4], site_cost=price)
    free = price.copy()
    free[[2, 4]] = 0
    assert {2, 4} <= set(answer.sites.tolist())
    assert answer.objective == cheapest_by_hand(cost, reach, 1, free)


def test_a_sparse_reach_gives_the_same_answer():
    cost, price = world(3, 40, 12)
    reach = cost.min(axis=1).max() * 1.2
    within = sparse.csr_matrix(np.where(cost <= reach + 5, cost, 0.0))
    dense, thin = lscp(cost, reach, site_cost=price), lscp(within, reach, site_cost=price)
    assert thin.objective == dense.objective
    assert np.array_equal(thin.sites, dense.sites)


def test_demand_of_no_weight_need_not_be_covered():
    cost = np.array([[0, 900], [900, 0], [2000, 2000]], float)
    assert lscp(cost, 300, weight=[1, 1, 0]).sites.tolist() == [0, 1]
    assert lscp(cost, 300, weight=[1, 0, 0]).sites.tolist() == [0]
    assert lscp(cost, 300, weight=[1, 0, 0]).assignment.tolist() == [0, -1, -1]


def test_names_the_demand_that_is_out_of_reach_and_the_reach_that_would_do():
    answer = lscp(STREET, 299, forbidden=[1])
    assert answer.status == "infeasible"
    assert answer.unreachable.tolist() == [1]
    assert answer.relaxation == {"reach": 300.0}
    assert "Demand 1 is not within 299 s" in answer.message
    assert lscp(STREET, answer.relaxation["reach"], forbidden=[1]).status == "optimal"


def test_names_the_demand_that_lacks_a_backup():
    answer = lscp(STREET, 300, cover=3)
    assert answer.unreachable.tolist() == [0, 2]
    assert answer.relaxation == {"reach": 600.0}
    assert "2 of the 3 sites it needs" in answer.message
    assert lscp(STREET, 600, cover=3).sites.tolist() == [0, 1, 2]


def test_says_so_where_no_reach_would_do():
    cost = np.array([[10, np.inf], [np.inf, np.inf]])
    answer = lscp(cost, 60)
    assert answer.unreachable.tolist() == [1]
    assert answer.relaxation == {"demands_left_out": 1.0}
    thin = lscp(sparse.csr_matrix(np.array([[10.0, 0.0], [0.0, 0.0]])), 60)
    assert thin.relaxation == answer.relaxation


def test_an_answer_that_ran_out_of_time_is_a_cover_with_a_bound():
    rng = np.random.default_rng(0)
    cost = np.hypot(*(rng.random((2000, 1, 2)) - rng.random((1, 300, 2))).transpose(2, 0, 1))
    weight = cost.min(axis=1) <= 0.1
    answer = lscp(cost, 0.1, weight=weight.astype(float), time_limit_s=1e-6)
    assert answer.status == "time_limit"
    assert 1 <= answer.bound < answer.objective == len(answer.sites)
    assert np.all(cost[weight][:, answer.sites].min(axis=1) <= 0.1)


def test_closing_a_site_of_a_least_cover_leaves_demand_behind():
    answer = lscp(STREET, 0)
    loss = answer.without(1)
    assert loss.objective == np.inf
    assert loss.left.tolist() == [1]


def test_alternatives_differ_and_are_priced():
    cost, price = world(8)
    reach = np.sort(cost, axis=1)[:, 1].max() * 1.05
    answer = lscp(cost, reach, site_cost=price)
    others = answer.alternatives(2)
    seen = [set(answer.sites.tolist())]
    for other in others:
        assert other.price >= 0
        assert all(len(s - set(other.sites.tolist())) >= 1 for s in seen)
        assert (cost[:, other.sites] <= reach).any(axis=1).all()
        seen.append(set(other.sites.tolist()))
    covers = [
        price[list(s)].sum()
        for k in range(1, 10)
        for s in combinations(range(9), k)
        if (cost[:, list(s)] <= reach).any(axis=1).all() and not seen[0] <= set(s)
    ]
    assert others[0].objective == min(covers)


@pytest.mark.parametrize("seed", range(8))
def test_parts_that_share_nothing_add_up(seed):
    """Two separate towns: the cover of both costs what the covers of each do."""
    here, there = world(seed)[0], world(seed + 100)[0]
    apart = np.full((30, 18), np.inf)
    apart[:15, :9], apart[15:, 9:] = here, there
    reach = max(here.min(axis=1).max(), there.min(axis=1).max())
    assert lscp(apart, reach).objective == lscp(here, reach).objective + lscp(there, reach).objective


def test_the_question_whether_a_price_is_enough_is_answered_both_ways():
    cost, _ = world(5, 40, 14)
    reach = cost.min(axis=1).max() * 1.02
    best = lscp(cost, reach).objective
    inside = cost <= reach
    sets = Sets(
        np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).astype(np.int64),
        np.nonzero(inside)[1].astype(np.int32), np.ones(40, np.int32), np.ones(14),
    )  # fmt: skip
    none = np.empty(0, np.int64)
    assert cheapest(sets, none, Watch(10.0), target=best).cost == best
    no = cheapest(sets, none, Watch(10.0), target=best - 1)
    assert no.cost > best - 1
    assert no.bound > best - 1


def test_rows_that_contain_another_row_do_not_matter():
    rows = [[0, 1], [0, 1, 2], [3], [0, 1], [2, 3]]
    start = np.cumsum([0] + [len(r) for r in rows]).astype(np.int64)
    column = np.concatenate(rows).astype(np.int32)
    assert essential_rows(start, column, 4).tolist() == [0, 2]
    needs = np.array([1.0, 2.0, 1.0, 2.0, 2.0])
    assert essential_rows(start, column, 4, needs).tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"reach": -1}, None, "a reach is one number"),
        ({"reach": 10, "cover": -1}, None, "whole number of sites"),
        ({"reach": 10, "cover": 1.5}, None, "whole number of sites"),
        ({"reach": 10, "weight": [1, -1, 1]}, "weight_negative", "weight"),
        ({"reach": 10, "fixed": [7]}, None, "numbered from 0 to 2"),
        ({"reach": 10, "fixed": [1], "forbidden": [1]}, None, "fixed and forbidden"),
    ],
)
def test_bad_input_gets_its_sentence(options, code, words):
    with pytest.raises(AnlanError, match=words) as caught:
        lscp(STREET, **options)
    assert code is None or caught.value.code == code


def test_no_demand_in_reach_at_all_is_an_error():
    with pytest.raises(AnlanError, match="no demand is within reach") as caught:
        lscp(STREET + 100, 50)
    assert caught.value.code == "no_demand_in_reach"


@given(seed=st.integers(0, 10_000), slack=st.floats(1.0, 2.0))
@settings(max_examples=25, deadline=None)
def test_properties_of_every_answer(seed, slack):
    cost, price = world(seed)
    reach = cost.min(axis=1).max() * slack
    answer = lscp(cost, reach, site_cost=price)
    assert answer.bound == answer.objective == price[answer.sites].sum()
    wider = np.column_stack([cost, np.full(len(cost), reach)])
    assert lscp(wider, reach, site_cost=np.append(price, 3.0)).objective <= min(answer.objective, 3.0)
    assert lscp(cost, reach * 1.1, site_cost=price).objective <= answer.objective
    again = lscp(cost, reach, site_cost=price, fixed=answer.sites)
    assert np.array_equal(again.sites, answer.sites)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(cost)), rng.permutation(cost.shape[1])
    mixed = lscp(cost[np.ix_(rows, columns)], reach, site_cost=price[columns])
    assert mixed.objective == answer.objective
