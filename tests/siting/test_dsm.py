"""Double standard and backup coverage against brute force; infeasible cases say what would do."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.siting.backup import backup
from anlan.siting.dsm import dsm

Array = np.ndarray[Any, Any]


def town(seed: int, demands: int, sites: int) -> tuple[Array, Array]:
    rng = stream(seed, "dsm-test")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    return np.hypot(apart[..., 0], apart[..., 1]) * 1000, rng.integers(1, 20, demands).astype(float)


def placements(sites: int, units: int) -> Any:
    for chosen in itertools.combinations_with_replacement(range(sites), units):
        yield np.bincount(chosen, minlength=sites)


def keeps(cost: Array, weight: Array, x: Array, reach: float, far: float, share: float) -> bool:
    near = (cost <= reach) @ x
    return bool(((cost <= far) @ x >= 1).all() and weight[near >= 1].sum() >= share * weight.sum() - 1e-9)


@given(st.integers(0, 999), st.integers(3, 4), st.floats(0.3, 0.9), st.sampled_from([1, 2, 4]))
@settings(max_examples=25, deadline=None)
def test_brute_force(seed, units, share, capacity):
    cost, weight = town(seed, 25, 6)
    answer = dsm(cost, units, 350.0, 650.0, share, weight, capacity=capacity)
    values = [
        weight[(cost <= 350) @ x >= 2].sum()
        for x in placements(6, units)
        if x.max() <= capacity and keeps(cost, weight, x, 350.0, 650.0, share)
    ]
    if values:
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(max(values))
        assert answer.units.max() <= capacity
        assert answer.details["covered"] >= share - 1e-9
    else:
        assert answer.status == "infeasible"
        assert answer.message


def test_a_far_reach_that_leaves_somebody_out_names_him_and_the_reach_that_would_do():
    cost = np.array([[10.0, 90.0], [80.0, 20.0], [300.0, 250.0]])
    answer = dsm(cost, 2, 50.0, 100.0, 0.5)
    assert answer.status == "infeasible"
    assert answer.unreachable.tolist() == [2]
    assert answer.relaxation == {"far_reach": 250.0}
    assert dsm(cost, 2, 50.0, 250.0, 0.5).status == "optimal"


def test_too_few_units_for_the_far_reach_are_told_how_many_it_takes():
    cost = np.where(np.eye(4) > 0, 1.0, 1000.0)
    answer = dsm(cost, 3, 10.0, 10.0, 0.5)
    assert answer.status == "infeasible"
    assert answer.relaxation == {"units": 4.0}
    assert dsm(cost, 4, 10.0, 10.0, 0.5).status == "optimal"


def test_a_share_beyond_reach_is_told_the_largest_one():
    cost = np.array([[5.0, 50.0], [50.0, 5.0], [60.0, 60.0], [60.0, 60.0]])
    answer = dsm(cost, 2, 10.0, 60.0, 0.9)
    assert answer.status == "infeasible"
    assert answer.relaxation["share"] == pytest.approx(0.5)
    assert dsm(cost, 2, 10.0, 60.0, 0.5).status == "optimal"


@given(st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_budget_against_brute_force(seed):
    cost, weight = town(seed, 20, 6)
    price = stream(seed, "price").integers(1, 4, 6).astype(float)
    answer = dsm(cost, 4, 400.0, 900.0, 0.2, weight, site_cost=price, budget=4.0)
    values = [
        weight[(cost <= 400) @ x >= 2].sum()
        for x in placements(6, 4)
        if price[x > 0].sum() <= 4 and keeps(cost, weight, x, 400.0, 900.0, 0.2)
    ]
    assert (answer.status == "optimal") == bool(values)
    if values:
        assert answer.objective == pytest.approx(max(values))


@given(st.integers(0, 999), st.floats(0.5, 1.0))
@settings(max_examples=15, deadline=None)
def test_backup_against_brute_force(seed, first):
    cost, weight = town(seed, 25, 6)
    answer = backup(cost, 3, 350.0, first, weight)

    def value(x: Array) -> float:
        near = (cost <= 350) @ x
        return float(first * weight[near >= 1].sum() + (1 - first) * weight[near >= 2].sum())

    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(max(value(x) for x in placements(6, 3)))


def test_questions_after_the_answer():
    cost, weight = town(7, 40, 8)
    answer = dsm(cost, 5, 400.0, 800.0, 0.5, weight)
    assert answer.status == "optimal"
    others = answer.alternatives(2)
    assert all(o.price >= -1e-9 and tuple(o.sites) != tuple(answer.sites) for o in others)
    assert answer.without(int(answer.sites[0])).loss >= 0
    fixed = dsm(cost, 5, 400.0, 800.0, 0.5, weight, fixed=answer.sites)
    assert fixed.objective == pytest.approx(answer.objective)


def test_an_expired_time_limit_is_never_called_optimal():
    cost, weight = town(4, 1200, 100)
    answer = dsm(cost, 25, 120.0, 400.0, 0.6, weight, time_limit_s=0.3)
    assert answer.status == "time_limit"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"far_reach": 100.0}, "exchange the two"),
        ({"share": 1.5}, "between 0 and 1"),
        ({"far_reach": 1e-6, "reach": 1e-6}, "no demand is within reach"),
        ({"units": 1.5}, "whole number"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    cost, weight = town(1, 10, 4)
    good = {"cost": cost, "units": 2, "reach": 400.0, "far_reach": 900.0, "share": 0.5, "weight": weight}
    with pytest.raises(AnlanError, match=says):
        dsm(**(good | change))
    with pytest.raises(AnlanError, match="at least half"):
        backup(cost, 2, 400.0, 0.2)
