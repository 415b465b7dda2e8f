"""Units by hour against Erlang's formulas, and shifts against brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.siting import Workload, erlang_c, mexclp, shifts, staffing


@given(st.floats(0.1, 60.0), st.floats(60.0, 5000.0), st.floats(0.01, 0.6))
@settings(max_examples=60, deadline=None)
def test_fewest_units_for_a_probability_of_waiting(calls, service, target):
    answer = staffing([calls], service, p_wait=target)
    n, load = int(answer.units[0]), calls * service / 3600
    assert erlang_c(n, load) <= target
    assert n == 1 or erlang_c(n - 1, load) > target
    assert answer.p_wait[0] == pytest.approx(erlang_c(n, load))
    assert answer.load[0] == pytest.approx(load)


@given(st.floats(0.1, 60.0), st.floats(60.0, 5000.0), st.floats(1.0, 600.0), st.floats(0.3, 0.99))
@settings(max_examples=60, deadline=None)
def test_fewest_units_for_a_wait(calls, service, seconds, share):
    load = calls * service / 3600

    def mean(n):
        return erlang_c(n, load) * service / (n - load) if n > load else np.inf

    def within(n):
        return 1 - erlang_c(n, load) * np.exp(-(n - load) * seconds / service) if n > load else 0.0

    n = int(staffing([calls], service, mean_wait_s=seconds).units[0])
    assert mean(n) <= seconds < mean(n - 1)
    k = int(staffing([calls], service, answered=(seconds, share)).units[0])
    assert within(k) >= share > within(k - 1)
    both = staffing([calls], service, mean_wait_s=seconds, answered=(seconds, share))
    assert both.units[0] == max(n, k)
    assert both.mean_wait_s[0] == pytest.approx(mean(max(n, k)))


@pytest.mark.parametrize("load", [20.0, 100.0, 400.0])
@pytest.mark.parametrize("target", [0.1, 0.3])
def test_square_root_rule_is_within_one_unit(load, target):
    # Halfin & Whitt (1981): R + b sqrt(R) units with P(wait) = 1 / (1 + b Phi(b) / phi(b)).
    b = next(b for b in np.linspace(0, 4, 4001) if 1 / (1 + b * norm.cdf(b) / norm.pdf(b)) <= target)
    answer = staffing([load], 3600.0, p_wait=target)
    assert abs(answer.units[0] - np.ceil(load + b * np.sqrt(load))) <= 1


def test_one_unit_is_a_single_server_queue():
    # M/M/1: a call waits with probability rho, on average rho / (1 - rho) services.
    answer = staffing([0.5, 0.0], 3600.0, p_wait=0.5)
    np.testing.assert_array_equal(answer.units, [1, 0])
    np.testing.assert_allclose(answer.p_wait, [0.5, 0.0])
    np.testing.assert_allclose(answer.mean_wait_s, [3600.0, 0.0])
    assert np.isnan(answer.covered).all()


def test_units_for_a_share_within_reach():
    rng = stream(3, "staffing-test")
    apart = rng.random((60, 1, 2)) - rng.random((1, 12, 2))
    cost = 1000 * np.hypot(apart[..., 0], apart[..., 1])
    weight = rng.integers(1, 20, 60).astype(float)
    calls = np.array([1.0, 6.0, 1.0, 0.0])
    answer = staffing(calls, 1800.0, covered=0.85, cost=cost, reach=450.0, weight=weight)
    assert answer.units[1] > answer.units[0] == answer.units[2] > answer.units[3] == 0
    assert np.all(answer.covered[:3] >= 0.85)
    for t in (0, 1):
        n = int(answer.units[t])
        assert answer.sitings[t].units.sum() == n
        fewer = mexclp(cost, n - 1, 450.0, Workload(calls[t], 1800.0), weight)
        assert fewer.details["hypercube_covered"] < 0.85
    with pytest.raises(AnlanError, match="within 1 s of any site"):
        staffing(calls, 1800.0, covered=0.85, cost=cost, reach=1.0)


def brute(needed, lengths, starts, cyclic):
    """Fewest unit-slots by trying everything."""
    n = len(needed)
    kinds = [(s, k) for s in starts for k in lengths if cyclic or s + k <= n]
    cover = np.zeros((n, len(kinds)), int)
    for c, (s, k) in enumerate(kinds):
        cover[np.arange(s, s + k) % n, c] = 1
    y = np.array(list(product(range(max(needed) + 1), repeat=len(kinds))))
    good = np.all(y @ cover.T >= needed, axis=1)
    return (y[good] @ np.array([k for _, k in kinds])).min() if good.any() else None


@given(
    st.lists(st.integers(0, 2), min_size=5, max_size=5), st.sampled_from([(2,), (3,), (2, 3), (1, 4)]),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_shifts_against_brute_force(needed, lengths, cyclic):
    starts = range(5) if len(lengths) == 1 else (0, 2, 3, 4) if cyclic else range(5)
    expected = brute(needed, lengths, starts, cyclic)
    if expected is None:
        with pytest.raises(AnlanError, match="no shift may cover it"):
            shifts(needed, lengths, starts=starts, cyclic=cyclic)
        return
    answer = shifts(needed, lengths, starts=starts, cyclic=cyclic)
    assert answer.status == "optimal"
    assert answer.objective == expected == answer.bound
    staffed = np.zeros(5, int)
    for s, k, u in zip(answer.start, answer.length, answer.units, strict=True):
        staffed[np.arange(s, s + k) % 5] += u
        assert k in lengths
        assert s in starts
    np.testing.assert_array_equal(staffed, answer.staffed)
    assert np.all(staffed >= needed)


def test_a_week_of_needs_is_covered_and_bounded():
    hours = np.arange(168)
    calls = 6 + 5 * np.sin((hours - 9) * 2 * np.pi / 24) + 2 * (hours // 24 >= 5)
    needed = staffing(calls, 2400.0, p_wait=0.1).units
    answer = shifts(needed, (8, 10, 12), starts=range(0, 168, 2))
    assert answer.status == "optimal"
    assert np.all(answer.staffed >= needed)
    assert needed.sum() <= answer.bound <= answer.objective
    half = shifts(needed, (8, 10, 12), starts=range(0, 168, 2), slot_h=0.5)
    assert half.objective == pytest.approx(answer.objective / 2)
    fewer_starts = shifts(needed, (8, 10, 12), starts=range(0, 168, 8))
    assert fewer_starts.objective >= answer.objective


def test_no_time_is_no_proof():
    needed = stream(1, "needs").integers(1, 30, 168)
    answer = shifts(needed, (7, 8, 9, 11), starts=range(0, 168, 5), time_limit_s=1e-6)
    assert answer.status == "time_limit"
    assert answer.bound <= answer.objective
    assert np.all(answer.staffed >= needed)


def test_nothing_needed_is_no_shift():
    answer = shifts(np.zeros(24, int), 8)
    assert len(answer) == 0
    assert answer.status == "optimal"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"calls_per_hour": [-1.0]}, "0 or more"),
        ({"service_s": 0.0}, "positive number of seconds"),
        ({"p_wait": None}, "some service has to be asked for"),
        ({"p_wait": 1.0}, "between 0 and 1"),
        ({"p_wait": None, "mean_wait_s": 0.0}, "positive number of seconds"),
        ({"covered": 0.9}, "needs travel times and a reach"),
        ({"covered": 0.9, "cost": np.ones((3, 2)), "reach": 2.0, "weight": [1.0]}, "each of 3 demands"),
        ({"calls_per_hour": [1e9]}, "more than"),
    ],
)
def test_bad_staffing_input_is_one_sentence(change, says):
    good = {"calls_per_hour": [1.0], "service_s": 600.0, "p_wait": 0.1}
    with pytest.raises(AnlanError, match=says):
        staffing(**(good | change))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"needed": [1.5]}, "whole number of units"),
        ({"lengths": 9}, "1 to 4"),
        ({"starts": [4]}, "numbered from 0 to 3"),
        ({"slot_h": 0.0}, "positive number of hours"),
        ({"starts": [3], "cyclic": False}, "no shift may cover it"),
    ],
)
def test_bad_shift_input_is_one_sentence(change, says):
    good = {"needed": [1, 2, 1, 1], "lengths": (2, 3)}
    with pytest.raises(AnlanError, match=says):
        shifts(**(good | change))
