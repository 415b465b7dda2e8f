"""Maximal covering against brute force: one reach, rings, decay, areas, and every option of a siting."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting import mclp

STREET = np.array([[0, 300, 600], [300, 0, 300], [600, 300, 0]], float)
"""Three villages along a street, five minutes apart, each of them a candidate site."""


def world(seed, n=12, m=8):
    rng = np.random.default_rng(seed)
    return rng.random((n, m)) * 100, rng.integers(1, 10, n).astype(float)


def city(seed, n=400, m=60):
    rng = np.random.default_rng(seed)
    apart = rng.random((n, 1, 2)) - rng.random((1, m, 2))
    return np.hypot(apart[..., 0], apart[..., 1]) * 1000, rng.integers(1, 50, n).astype(float)


def covered(cost, weight, sites, reach=35.0):
    return weight[(cost[:, list(sites)] <= reach).any(axis=1)].sum()


@pytest.mark.parametrize("seed", range(10))
def test_finds_the_best_cover_of_a_small_random_world(seed):
    cost, weight = world(seed)
    best = max(covered(cost, weight, s) for s in combinations(range(8), 3))
    answer = mclp(cost, 3, 35.0, weight)
    assert answer.objective == best
    assert answer.bound >= best
    assert answer.status == "optimal"


def test_one_post_goes_to_the_middle_of_the_street():
    answer = mclp(STREET, 1, 300)
    assert answer.sites.tolist() == [1]
    assert answer.objective == 3
    assert "within the reach" in answer.explain(0).reason
    assert answer.without(1).loss == 3


@pytest.mark.parametrize("seed", range(8))
def test_rings_count_with_the_innermost_one(seed):
    cost, weight = world(seed)
    rings, values = (15, 35, 60), np.array([1.0, 0.6, 0.1])

    def worth(sites):
        return float(
            weight @ np.append(values, 0.0)[np.searchsorted(rings, cost[:, list(sites)].min(axis=1))]
        )

    answer = mclp(cost, 2, rings, weight, ring_weights=values)
    assert answer.objective == pytest.approx(max(worth(s) for s in combinations(range(8), 2)), rel=1e-12)
    assert answer.objective == pytest.approx(worth(answer.sites), rel=1e-12)


@pytest.mark.parametrize("decay", ["linear", lambda share: 1 - share**2])
@pytest.mark.parametrize("seed", range(6))
def test_value_decays_between_two_reaches(seed, decay):
    cost, weight = world(seed)

    def worth(sites):
        share = np.clip((cost[:, list(sites)].min(axis=1) - 15) / 45, 0, 1)
        return float(weight @ (1 - share if decay == "linear" else 1 - share**2))

    answer = mclp(cost, 3, (15, 60), weight, decay=decay)
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(max(worth(s) for s in combinations(range(8), 3)), rel=1e-9)
    within = sparse.csr_matrix(np.where(cost <= 60, cost, 0))
    assert mclp(within, 3, (15, 60), weight, decay=decay).objective == pytest.approx(answer.objective)
    nearest = answer.sites[np.argmin(cost[:, answer.sites], axis=1)]
    assert np.array_equal(answer.assignment, np.where(cost[:, answer.sites].min(axis=1) < 60, nearest, -1))
    kept = mclp(cost, 2, (15, 60), weight, decay=decay, existing=[6], forbidden=[1])
    others = [j for j in range(8) if j not in (1, 6)]
    assert kept.objective == pytest.approx(max(worth((6, *s)) for s in combinations(others, 2)), rel=1e-9)


def test_a_step_is_the_limit_of_a_decay():
    cost, weight = world(3)
    steep = mclp(cost, 3, (35, 60), weight, decay=lambda share: np.zeros_like(share))
    assert steep.objective == mclp(cost, 3, 35, weight).objective


@pytest.mark.parametrize("seed", range(12))
def test_every_area_has_its_share(seed):
    cost, weight = world(seed, 15, 8)
    areas = np.random.default_rng(seed).integers(0, 3, 15)
    total = np.bincount(areas, weight, 3)

    def by_area(sites):
        return np.bincount(areas, weight * (cost[:, list(sites)] <= 30).any(axis=1), 3)

    best = [by_area(s).sum() for s in combinations(range(8), 3) if np.all(by_area(s) >= 0.5 * total - 1e-9)]
    answer = mclp(cost, 3, 30, weight, areas=areas, min_share=0.5)
    if best:
        assert answer.status == "optimal"
        assert answer.objective == max(best)
        assert np.all(by_area(answer.sites) >= 0.5 * total - 1e-9)
        assert answer.details["share"][0] == pytest.approx(by_area(answer.sites)[0] / total[0])
    else:
        assert answer.status == "infeasible"
        assert len(answer.relaxation) == 1


def test_a_far_village_is_served_if_its_area_asks_for_it():
    cost = np.array([[10, 900], [20, 900], [900, 30]], float)
    weight = [50, 40, 1]
    assert mclp(cost, 1, 60, weight).sites.tolist() == [0]
    answer = mclp(cost, 1, 60, weight, areas=["town", "town", "hills"], min_share={"hills": 0.5})
    assert answer.sites.tolist() == [1]
    assert answer.details["share"] == {"hills": 1.0, "town": 0.0}


def test_shares_that_need_more_sites_say_how_many():
    islands = np.where(np.eye(4, dtype=bool), 10.0, 900.0)
    answer = mclp(islands, 2, 60, areas=[0, 1, 2, 3], min_share={0: 1, 1: 1, 2: 1})
    assert answer.status == "infeasible"
    assert answer.relaxation == {"p": 3.0}
    assert "it takes 3" in answer.message


def test_shares_beyond_everybodys_reach_name_the_demand():
    cost = np.array([[10, 20], [900, 10], [900, 900]], float)
    answer = mclp(cost, 1, 60, areas=["a", "b", "b"], min_share=0.8)
    assert answer.status == "infeasible"
    assert answer.unreachable.tolist() == [2]
    assert answer.relaxation == {"min_share": 0.5}
    assert mclp(cost, 2, 60, areas=["a", "b", "b"], min_share=0.5).objective == 2


def test_shares_in_a_larger_city_are_kept_with_an_honest_bound():
    cost, weight = city(5)
    quarter = np.arange(400) % 4
    weight[quarter == 0] *= 0.1
    free = mclp(cost, 6, 180, weight)
    answer = mclp(cost, 6, 180, weight, areas=quarter, min_share=0.55, gap=0.02, time_limit_s=20)
    share = [
        weight[quarter == a] @ (cost[quarter == a][:, answer.sites].min(axis=1) <= 180)
        / weight[quarter == a].sum()
        for a in range(4)
    ]  # fmt: skip
    assert min(share) >= 0.55
    assert answer.objective <= free.objective + 1e-6
    assert answer.bound >= answer.objective
    assert answer.gap <= 0.02


@pytest.mark.parametrize("seed", range(4))
def test_fixed_forbidden_and_open_sites(seed):
    cost, weight = world(seed)
    others = [j for j in range(8) if j not in (2, 5)]
    within_p = mclp(cost, 3, 35.0, weight, fixed=[2], forbidden=[5])
    assert within_p.objective == max(covered(cost, weight, (2, *s)) for s in combinations(others, 2))
    beside = mclp(cost, 2, 35.0, weight, existing=[2], forbidden=[5])
    assert beside.objective == within_p.objective
    assert {2} <= set(beside.sites.tolist())
    assert len(beside.sites) == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_budget_limits_the_sites(seed):
    cost, weight = world(seed)
    price = np.random.default_rng(seed).integers(1, 6, 8).astype(float)
    answer = mclp(cost, None, 35.0, weight, site_cost=price, budget=8.0)
    every = [s for k in range(1, 9) for s in combinations(range(8), k) if price[list(s)].sum() <= 8]
    assert answer.objective == max(covered(cost, weight, s) for s in every)
    assert price[answer.sites].sum() <= 8
    both = mclp(cost, 2, 35.0, weight, site_cost=price, budget=8.0)
    assert both.objective == max(covered(cost, weight, s) for s in every if len(s) <= 2)


def test_a_sparse_reach_and_float32_give_the_same_answer():
    cost, weight = city(1)
    dense = mclp(cost, 6, 150, weight)
    thin = mclp(sparse.csr_matrix(np.where(cost <= 200, cost, 0)), 6, 150, weight)
    assert thin.objective == dense.objective
    assert np.array_equal(thin.sites, dense.sites)
    assert mclp(cost.astype(np.float32), 6, 150, weight).objective == dense.objective


def test_the_same_seed_gives_the_same_answer_and_alternatives_are_priced():
    cost, weight = city(2, 150, 25)
    one, two = mclp(cost, 4, 150, weight, seed=7), mclp(cost, 4, 150, weight, seed=7)
    assert np.array_equal(one.sites, two.sites)
    others = one.alternatives(3)
    prices = [a.price for a in others]
    assert prices == sorted(prices)
    assert min(prices) >= 0
    assert len({tuple(a.sites) for a in others} | {tuple(one.sites)}) == 4


def test_an_answer_that_ran_out_of_time_at_once_still_has_a_bound():
    cost, weight = city(9)
    hurried, proven = mclp(cost, 6, 150, weight, time_limit_s=1e-6), mclp(cost, 6, 150, weight)
    assert proven.status == "optimal"
    assert hurried.status == "time_limit"
    assert np.isfinite(hurried.bound)
    assert hurried.objective <= proven.objective < hurried.bound


def test_a_cancelled_job_gives_the_best_so_far():
    cost, weight = city(3)
    job = Job()
    job.cancel()
    answer = mclp(cost, 6, 150, weight, job=job)
    assert answer.status == "time_limit"
    assert "Stopped on request" in answer.message
    assert answer.bound >= answer.objective > 0
    assert len(answer.sites) == 6


def test_the_asked_gap_is_proven_and_no_more_is_claimed():
    cost, weight = city(4)
    answer = mclp(cost, 8, 120, weight, gap=0.05)
    assert answer.gap <= 0.05
    assert answer.status == ("optimal" if answer.gap <= 1e-6 else "within_gap")
    assert answer.objective <= mclp(cost, 8, 120, weight).objective <= answer.bound


def test_a_search_that_begins_anew_all_the_time_still_proves_the_optimum(monkeypatch):
    cost, weight = city(6, 300, 40)
    patient = mclp(cost, 8, 130, weight)
    monkeypatch.setattr("anlan.siting.covering.RESTART", 1)
    restless = mclp(cost, 8, 130, weight)
    assert restless.details["nodes"] > 0
    assert restless.status == patient.status == "optimal"
    assert restless.objective == patient.objective


@given(seed=st.integers(0, 10_000), p=st.integers(1, 4), reach=st.floats(5, 80))
@settings(max_examples=25, deadline=None)
def test_properties_of_every_answer(seed, p, reach):
    cost, weight = world(seed)
    if not (cost <= reach).any():
        return
    answer = mclp(cost, p, reach, weight)
    assert answer.bound >= answer.objective
    assert answer.objective == covered(cost, weight, answer.sites, reach)
    assert mclp(cost, p + 1, reach, weight).objective >= answer.objective  # one more never hurts
    wider = np.column_stack([cost, np.full(len(cost), reach / 2)])
    assert mclp(wider, p, reach, weight).objective >= answer.objective  # nor does one more candidate
    again = mclp(cost, p, reach, weight, fixed=answer.sites)
    assert np.array_equal(again.sites, answer.sites)
    assert again.objective == answer.objective
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(cost)), rng.permutation(cost.shape[1])
    mixed = mclp(cost[np.ix_(rows, columns)], p, reach, weight[rows])
    assert mixed.objective == answer.objective
    assert covered(cost, weight, columns[mixed.sites], reach) == answer.objective


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"p": 4}, "p_exceeds_sites", "only 3 candidate sites"),
        ({"p": 0}, None, "p = 0"),
        ({"fixed": [0, 1]}, "fixed_exceeds_p", "2 sites are fixed"),
        ({"weight": [1, -2, 1]}, "weight_negative", r"weight\[1\] = -2"),
        ({"weight": [1, np.nan, 1]}, "weight_not_a_number", r"weight\[1\] = nan"),
        ({"weight": [1, 2]}, None, "3 demands"),
        ({"reach": (300, 100)}, None, "each larger than the one before"),
        ({"reach": (100, 300), "ring_weights": (0.5, 1)}, None, "one value per ring"),
        ({"p": None}, None, "give p or budget"),
        ({"p": None, "budget": 1, "fixed": [0, 1]}, "budget_too_small", "fixed sites alone cost 2"),
        ({"gap": -1}, None, "0 or more"),
        ({"time_limit_s": 0}, None, "must be positive"),
        ({"areas": [0, 1, 1]}, None, "min_share"),
        ({"areas": [0, 1], "min_share": 0.5}, None, "one area for each of the 3 demands"),
        ({"areas": [0, 1, 1], "min_share": 1.5}, None, "between 0 and 1"),
        ({"areas": [0, 1, 1], "min_share": {7: 0.5}}, None, "no demand lies in that area"),
        ({"min_share": 0.5}, None, "give the areas too"),
        ({"decay": "linear"}, None, "two rising numbers"),
        ({"decay": "steep", "reach": (1, 2)}, None, '"linear" or a function'),
        ({"decay": lambda share: share, "reach": (1, 2)}, None, "do not rise"),
        ({"decay": "linear", "reach": (1, 2), "areas": [0, 0, 0]}, None, "the one or the others"),
    ],
)
def test_bad_input_gets_its_sentence(change, code, words):
    given_ = {"p": 1, "reach": 300.0, **change}
    with pytest.raises(AnlanError, match=words) as caught:
        mclp(STREET, given_.pop("p"), given_.pop("reach"), **given_)
    assert code is None or caught.value.code == code


@pytest.mark.parametrize(
    ("cost", "code"),
    [
        (np.array([[1.0, np.nan]]), "cost_not_a_number"),
        (np.array([[1.0, -3.0]]), "cost_negative"),
        (STREET + 1000, "no_demand_in_reach"),
    ],
)
def test_bad_costs_get_their_sentence(cost, code):
    with pytest.raises(AnlanError) as caught:
        mclp(cost, 1, 300)
    assert caught.value.code == code


def test_decay_with_nobody_in_reach_is_an_error():
    with pytest.raises(AnlanError, match="no demand is within reach"):
        mclp(STREET + 1000, 1, (100, 300), decay="linear")


def test_a_clock_that_runs_out_at_once_still_gives_a_bound_within_all_there_is():
    rng = np.random.default_rng(3)
    cost = rng.uniform(0, 100, (4000, 300))
    weight = rng.uniform(0, 5, 4000)
    found = mclp(cost, 8, [3.0, 6.0], weight, ring_weights=[1.0, 0.5], time_limit_s=1e-6)
    reached = cost.min(axis=1)
    assert (
        found.objective <= found.bound <= float(weight @ ((reached <= 3) * 0.5 + (reached <= 6) * 0.5)) + 1e-6
    )
