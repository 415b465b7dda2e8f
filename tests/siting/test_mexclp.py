"""Maximum expected covering against brute force, its special cases and the hypercube."""

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.siting.busy import Workload, corrected_values
from anlan.siting.erlang import erlang_c
from anlan.siting.mexclp import mexclp

Array = np.ndarray[Any, Any]


def town(seed: int, demands: int, sites: int) -> tuple[Array, Array]:
    rng = stream(seed, "mexclp-test")
    apart = rng.random((demands, 1, 2)) - rng.random((1, sites, 2))
    return np.hypot(apart[..., 0], apart[..., 1]) * 1000, rng.integers(1, 20, demands).astype(float)


def placements(sites: int, units: int) -> Any:
    for chosen in itertools.combinations_with_replacement(range(sites), units):
        yield np.bincount(chosen, minlength=sites)


def expected(cost: Array, weight: Array, reach: float, busy: Any, x: Array) -> float:
    q = np.broadcast_to(busy, x.shape)
    return float(weight @ (1 - np.prod(np.where(cost <= reach, q**x, 1.0), axis=1)))


@given(st.integers(0, 999), st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.7, "sites"]))
@settings(max_examples=25, deadline=None)
def test_brute_force(seed, units, busy):
    cost, weight = town(seed, 25, 7)
    q = stream(seed, "busy").uniform(0.0, 0.9, 7) if busy == "sites" else busy
    answer = mexclp(cost, units, 400.0, q, weight)
    best = max(expected(cost, weight, 400.0, q, x) for x in placements(7, units))
    x = np.zeros(7, int)
    x[answer.sites] = answer.units
    assert answer.status == "optimal"
    assert answer.units.sum() == units
    assert answer.objective == pytest.approx(best)
    assert answer.objective == pytest.approx(expected(cost, weight, 400.0, q, x))
    assert answer.bound >= answer.objective


@given(st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_limits_against_brute_force(seed):
    cost, weight = town(seed, 25, 6)
    price = stream(seed, "price").integers(1, 4, 6).astype(float)
    answer = mexclp(
        cost, 3, 400.0, 0.4, weight, capacity=2, fixed=[0], existing=[1, 1], forbidden=[2],
        site_cost=price, budget=4.0 + price[0],
    )  # fmt: skip

    def allowed(x: Array) -> bool:
        used = (x > 0) & (np.arange(6) != 1)
        return bool(
            x[0] >= 1 and x[1] == 2 and x[2] == 0 and x.max() <= 2 and price[used].sum() <= 4 + price[0]
        )

    best = max((expected(cost, weight, 400.0, 0.4, x) for x in placements(6, 5) if allowed(x)), default=None)
    if best is None:
        assert answer.status == "infeasible"
    else:
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(best)


@given(st.integers(0, 999), st.floats(0.2, 0.6))
@settings(max_examples=10, deadline=None)
def test_minimum_of_each_area_against_brute_force(seed, minimum):
    cost, weight = town(seed, 24, 6)
    areas = np.arange(24) % 3
    answer = mexclp(cost, 3, 400.0, 0.3, weight, areas=areas, minimum=minimum)

    def allowed(x: Array) -> bool:
        return all(
            expected(cost[areas == a], weight[areas == a], 400.0, 0.3, x)
            >= minimum * weight[areas == a].sum() - 1e-9
            for a in range(3)
        )

    best = max((expected(cost, weight, 400.0, 0.3, x) for x in placements(6, 3) if allowed(x)), default=None)
    if best is None:
        assert answer.status == "infeasible"
        factor = answer.relaxation["minimum_factor"]
        assert factor < 1
        again = mexclp(cost, 3, 400.0, 0.3, weight, areas=areas, minimum=minimum * factor * (1 - 1e-9))
        assert again.status == "optimal"
    else:
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(best)


def test_units_that_are_never_busy_give_maximal_covering():
    cost, weight = town(3, 200, 30)
    answer = mexclp(cost, 5, 200.0, 0.0, weight)
    covered = (cost[:, answer.sites] <= 200).any(axis=1)
    assert answer.objective == pytest.approx(weight[covered].sum())
    assert answer.status == "optimal"


@given(st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_one_more_unit_never_hurts_and_renaming_changes_nothing(seed):
    cost, weight = town(seed, 40, 8)
    few, more = (mexclp(cost, units, 300.0, 0.5, weight) for units in (3, 4))
    assert more.objective >= few.objective - 1e-9
    order = stream(seed, "order").permutation(8)
    assert mexclp(cost[:, order], 3, 300.0, 0.5, weight).objective == pytest.approx(few.objective)
    again = mexclp(cost, 3, 300.0, 0.5, weight, fixed=few.sites)
    assert again.objective == pytest.approx(few.objective)


def test_sparse_reach_gives_the_same():
    cost, weight = town(5, 60, 12)
    within = sparse.csr_matrix(np.where(cost <= 300, cost, 0.0))
    assert mexclp(within, 4, 300.0, 0.4, weight).objective == pytest.approx(
        mexclp(cost, 4, 300.0, 0.4, weight).objective
    )


def test_corrected_values_are_the_chance_that_somebody_is_free():
    # All N units in reach: nobody is free exactly when a call would wait.
    assert corrected_values(5, 0.6)[-1] == pytest.approx(1 - erlang_c(5, 3.0))
    steps = np.diff(corrected_values(12, 0.7, "loss"))
    assert np.all(np.diff(steps) <= 1e-12)
    assert steps[0] == pytest.approx(0.3)


def test_sharing_calls_makes_a_second_unit_nearby_worth_less():
    cost, weight = town(8, 80, 10)
    plain = mexclp(cost, 4, 300.0, 0.6, weight)
    corrected = mexclp(cost, 4, 300.0, 0.6, weight, corrected=True)
    assert corrected.status == "optimal"
    assert corrected.objective != pytest.approx(plain.objective)


def test_workload_takes_turns_with_the_hypercube():
    cost, weight = town(11, 120, 15)
    work = Workload(calls_per_hour=4.0, service_s=1800.0)
    answer = mexclp(cost, 5, 350.0, work, weight)
    turns = answer.details["turns"]
    assert answer.units.sum() == 5
    assert answer.details["hypercube_covered"] == max(turn["covered"] for turn in turns)
    # Every call keeps a unit busy for 1800 s and its way: the work is conserved.
    last = turns[-1]
    assert last["busy"] == pytest.approx(4.0 / 3600 * (1800 + turns[-2]["travel_s"]) / 5, rel=0.02)
    assert answer.bound >= answer.objective


def test_workload_beyond_all_units_is_refused():
    cost, weight = town(11, 30, 5)
    with pytest.raises(AnlanError, match="queue never ends"):
        mexclp(cost, 2, 350.0, Workload(10.0, 3600.0), weight)
    lossy = mexclp(cost, 2, 350.0, Workload(10.0, 3600.0, queue="loss"), weight)
    assert 0 < lossy.details["hypercube_covered"] < 0.5


def test_questions_after_the_answer():
    cost, weight = town(2, 60, 10)
    answer = mexclp(cost, 5, 300.0, 0.5, weight)
    others = answer.alternatives(2)
    assert len({tuple(o.sites) for o in others} | {tuple(answer.sites)}) == 3
    assert all(o.price >= -1e-9 for o in others)
    loss = answer.without(int(answer.sites[0]), reoptimise=True)
    assert loss.loss >= 0
    assert loss.replaced is not None
    assert loss.replaced.units.sum() == 5
    assert answer.sites[0] not in loss.replaced.sites
    served = int(np.flatnonzero(answer.assignment >= 0)[0])
    assert answer.explain(served).covered


def test_an_expired_time_limit_is_never_called_optimal():
    cost, weight = town(4, 1500, 120)
    answer = mexclp(cost, 25, 80.0, 0.5, weight, time_limit_s=0.05)
    assert answer.status == "time_limit"
    assert answer.bound >= answer.objective > 0
    job = Job()
    job.cancel()
    stopped = mexclp(cost, 25, 80.0, 0.5, weight, job=job)
    assert stopped.status == "time_limit"
    assert "request" in stopped.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"busy": 1.0}, "below 1"),
        ({"busy": [0.1, 0.2]}, "one for each of 4 sites"),
        ({"units": 0}, "whole number of units"),
        ({"units": 9, "capacity": 2}, "hold only 8 more"),
        ({"units": 1, "fixed": [0, 1]}, "each takes one"),
        ({"capacity": [0, 1, 1, 1], "fixed": [0]}, "only 0 can"),
        ({"capacity": -1}, "0 or more"),
        ({"reach": 0.001}, "no demand is within reach"),
        ({"reach": float("nan")}, "a reach is seconds"),
        ({"areas": [0]}, "for each of the 10 demands"),
        ({"areas": [0] * 10, "minimum": 1.5}, "between 0 and 1"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    cost, weight = town(1, 10, 4)
    good = {"cost": cost, "units": 2, "reach": 500.0, "busy": 0.3, "weight": weight}
    with pytest.raises(AnlanError, match=says):
        mexclp(**(good | change))
