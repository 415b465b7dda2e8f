"""The hypercube model against published numbers, Erlang's formulas and a plain generator matrix."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.core.seed import stream
from anlan.siting.erlang import busy_distribution, erlang_b, erlang_c
from anlan.siting.hypercube import correction_factors, hypercube

Array = np.ndarray[Any, Any]

# Larson & Odoni (1981), Urban Operations Research, section 5.4: three units, ten areas.
THREE_UNITS = (
    np.array([[1, 2, 3], [1, 2, 3], [2, 1, 3], [1, 3, 2], [2, 1, 3], [2, 1, 3]] + [[3, 1, 2]] * 4) - 1
)
TEN_AREAS = np.array([0.25, 0.25, 0.10, 0.25, 0.15, 0.10, 0.15, 0.10, 0.05, 0.10])


def random_city(
    seed: int, areas: int, units: int, *, load: float, equal: bool = False
) -> tuple[Array, Array, Array, Array]:
    rng = stream(seed, "hypercube-test")
    times = np.hypot(*(rng.random((areas, 1, 2)) - rng.random((1, units, 2))).transpose(2, 0, 1))
    service = np.ones(units) if equal else rng.uniform(0.5, 2.0, units)
    rate = rng.random(areas)
    return rate * load * service.sum() / rate.sum(), np.argsort(times, axis=1), service, times


def by_generator(
    rate: Array, preference: Array, service: Array, queue: str, waiting: int = 400
) -> tuple[Array, Array, float, Array]:
    """The chain written out naively: all sets of busy units, then 1, 2, … calls waiting."""
    areas, units = preference.shape
    full = (1 << units) - 1
    extra = waiting if queue == "infinite" else 0
    states = full + 1 + extra
    generator = np.zeros((states, states))
    for state in range(full + 1):
        for a in range(areas):
            free = [n for n in preference[a] if not state >> n & 1]
            if free:
                generator[state, state | 1 << free[0]] += rate[a]
            elif extra:
                generator[state, state + 1] += rate[a]
        for n in range(units):
            if state >> n & 1:
                generator[state, state ^ 1 << n] += service[n]
    for state in range(full + 1, states):
        generator[state, state - 1] += service.sum()
        if state + 1 < states:
            generator[state, state + 1] += rate.sum()
    generator -= np.diag(generator.sum(axis=1))
    system = np.vstack([generator.T, np.ones(states)])
    p = np.linalg.lstsq(system, np.r_[np.zeros(states), 1.0], rcond=None)[0]
    busy = np.array([[(min(s, full) >> n) & 1 for n in range(units)] for s in range(states)])
    fractions = np.zeros((areas, units))
    for a in range(areas):
        for state in range(full):
            first = next(n for n in preference[a] if not state >> n & 1)
            fractions[a, first] += rate[a] * p[state]
        if extra:
            fractions[a] += rate[a] * p[full:].sum() * service / service.sum()
    return p @ busy, fractions / fractions.sum(), p[full:].sum(), p[: full + 1]


def test_three_units_and_ten_areas_of_larson_and_odoni():
    result = hypercube(TEN_AREAS, THREE_UNITS, 1.0, "infinite")
    assert result.method == "exact"
    np.testing.assert_allclose(result.workloads, [0.55736, 0.47337, 0.46926], atol=6e-6)
    assert result.dispatch_fractions.sum() == pytest.approx(1.0)
    assert result.p_queue == pytest.approx(erlang_c(3, 1.5))


def test_correction_factors_of_larson():
    np.testing.assert_allclose(correction_factors(3, 0.5), [1.0, 0.73684, 0.63158], atol=5e-6)


def test_larson_approximation_of_the_three_units_is_within_two_percent():
    approximate = hypercube(TEN_AREAS, THREE_UNITS, 1.0, "infinite", method="approximate")
    np.testing.assert_allclose(approximate.workloads, [0.55736, 0.47337, 0.46926], rtol=0.02)
    assert approximate.workloads.sum() == pytest.approx(1.5)


def test_two_units_lose_calls_as_in_the_mit_quiz_of_2001():
    result = hypercube([1.0, 1.0], [[0, 1], [1, 0]], 2.0, "loss")
    np.testing.assert_allclose(result.states, np.array([2, 1, 1, 1]) / 5)
    np.testing.assert_allclose(result.workloads, [2 / 5, 2 / 5])
    np.testing.assert_allclose(result.dispatch_fractions, [[3 / 8, 1 / 8], [1 / 8, 3 / 8]])
    assert result.p_queue == pytest.approx(1 / 5)
    assert result.mean_wait == 0.0


@pytest.mark.parametrize("queue", ["infinite", "loss"])
@pytest.mark.parametrize("units", [1, 2, 3, 4])
def test_unequal_service_rates_against_the_generator_matrix(units, queue):
    rate, preference, service, _ = random_city(units, 6, units, load=0.8)
    result = hypercube(rate, preference, service, queue)
    workloads, fractions, p_queue, states = by_generator(rate, preference, service, queue)
    np.testing.assert_allclose(result.workloads, workloads, atol=1e-9)
    np.testing.assert_allclose(result.dispatch_fractions, fractions, atol=1e-9)
    assert result.p_queue == pytest.approx(p_queue, abs=1e-9)
    np.testing.assert_allclose(result.states[:-1], states[:-1], atol=1e-9)


@given(st.integers(1, 9), st.floats(0.05, 3.0), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_like_units_obey_erlang_whatever_the_preferences(units, load, seed):
    rate, preference, _, _ = random_city(seed, 7, units, load=load, equal=True)
    offered = load * units
    lossy = hypercube(rate, preference, 1.0, "loss")
    assert lossy.p_queue == pytest.approx(erlang_b(units, offered))
    assert lossy.workloads.sum() == pytest.approx(offered * (1 - erlang_b(units, offered)))
    if load < 1:
        queued = hypercube(rate, preference, 1.0)
        assert queued.p_queue == pytest.approx(erlang_c(units, offered))
        assert queued.workloads.sum() == pytest.approx(offered)
        assert queued.mean_wait == pytest.approx(erlang_c(units, offered) / (units - offered))


@given(st.integers(2, 7), st.floats(0.1, 0.95), st.integers(0, 99), st.sampled_from(["infinite", "loss"]))
@settings(max_examples=25, deadline=None)
def test_what_units_do_is_what_they_are_sent_to(units, load, seed, queue):
    rate, preference, service, times = random_city(seed, 8, units, load=load)
    result = hypercube(rate, preference, service, queue)
    served = rate.sum() * (1.0 if queue == "infinite" else 1 - result.p_queue)
    sent = result.dispatch_fractions.sum(axis=0) * served
    np.testing.assert_allclose(result.workloads, sent / service, atol=1e-8)
    np.testing.assert_allclose(result.dispatch_fractions.sum(axis=1), rate / rate.sum(), atol=1e-8)
    assert times.min() <= result.mean_travel(times) <= times.max()
    by_unit = result.dispatch_fractions.sum(axis=0) @ result.unit_travel(times)
    by_area = result.dispatch_fractions.sum(axis=1) @ result.area_travel(times)
    assert by_unit == pytest.approx(result.mean_travel(times))
    assert by_area == pytest.approx(result.mean_travel(times))


@given(st.integers(2, 6), st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_renaming_units_renames_the_answer(units, seed):
    rate, preference, service, _ = random_city(seed, 5, units, load=0.7)
    order = stream(seed, "rename").permutation(units)
    new_name = np.argsort(order)
    plain = hypercube(rate, preference, service)
    renamed = hypercube(rate, new_name[preference], service[order])
    np.testing.assert_allclose(renamed.workloads, plain.workloads[order], atol=1e-9)
    np.testing.assert_allclose(renamed.dispatch_fractions, plain.dispatch_fractions[:, order], atol=1e-9)


@pytest.mark.parametrize("queue", ["infinite", "loss"])
@pytest.mark.parametrize("load", [0.3, 0.8])
def test_approximation_stays_near_the_exact_model(load, queue):
    rate, preference, service, times = random_city(5, 40, 9, load=load)
    exact = hypercube(rate, preference, service, queue)
    near = hypercube(rate, preference, service, queue, method="approximate")
    assert exact.method == "exact"
    assert near.method == "approximate"
    assert not near.states.size
    assert np.abs(near.workloads - exact.workloads).max() < 0.04
    assert np.abs(near.dispatch_fractions - exact.dispatch_fractions).sum() / 2 < 0.04
    assert near.mean_travel(times) == pytest.approx(exact.mean_travel(times), rel=0.04)
    assert near.dispatch_fractions.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("queue", ["infinite", "loss"])
def test_many_units_are_approximated(queue):
    rate, preference, service, _ = random_city(3, 100, 60, load=0.6, equal=True)
    result = hypercube(rate, preference, service, queue)
    assert result.method == "approximate"
    served = 36.0 if queue == "infinite" else 36.0 * (1 - erlang_b(60, 36.0))
    assert result.workloads.sum() == pytest.approx(served)


def test_single_unit_needs_no_approximation():
    exact = hypercube([0.3, 0.4], [[0], [0]], 1.0)
    near = hypercube([0.3, 0.4], [[0], [0]], 1.0, method="approximate")
    assert exact.workloads[0] == pytest.approx(0.7)
    assert near.workloads[0] == pytest.approx(0.7)


def test_almost_no_calls_leave_everyone_free():
    rate, preference, service, _ = random_city(2, 5, 8, load=1e-60)
    result = hypercube(rate, preference, service)
    assert result.states[0] == pytest.approx(1.0)
    first = result.dispatch_fractions[np.arange(5), preference[:, 0]]
    assert first.sum() == pytest.approx(1.0)


def test_travel_of_calls_that_waited_is_counted_from_the_last_call():
    times = np.zeros((10, 3))
    between = np.ones((10, 10))
    result = hypercube(TEN_AREAS, THREE_UNITS, 1.0)
    assert result.mean_travel(times) == 0.0
    assert result.mean_travel(times, between) == pytest.approx(result.p_queue)
    assert result.within(times, 0.0) == pytest.approx(1 - result.p_queue)


def test_busy_distribution_is_the_birth_death_chain():
    np.testing.assert_allclose(busy_distribution(2, 1.0, queue=False), [0.4, 0.4, 0.2])
    np.testing.assert_allclose(busy_distribution(2, 1.0, queue=True), [1 / 3, 1 / 3, 1 / 3])
    assert busy_distribution(400, 1e-3, queue=False)[0] == pytest.approx(np.exp(-1e-3))
    assert erlang_c(3, 3.0) == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"call_rate": [1.0, -1.0]}, "not negative"),
        ({"call_rate": [1.0, np.nan]}, "finite"),
        ({"call_rate": [0.0, 0.0]}, "at least one is positive"),
        ({"call_rate": [1.0]}, "one row of preferences for each area"),
        ({"preference": [[0, 0], [1, 0]]}, "lists all 2 units once"),
        ({"preference": [[1, 2], [2, 1]]}, "whole numbers 0 to 1"),
        ({"service_rate": 0.0}, "positive"),
        ({"service_rate": [1.0, 1.0, 1.0]}, "one for each of the 2 units"),
        ({"service_rate": 1.0}, "the queue never ends"),
        ({"queue": "priority"}, "infinite or loss"),
        ({"method": "guess"}, "exact or approximate"),
    ],
)
def test_bad_input_is_one_sentence(change, says):
    good = {"call_rate": [1.0, 1.0], "preference": [[0, 1], [1, 0]], "service_rate": 2.0}
    with pytest.raises(AnlanError, match=says):
        hypercube(**(good | change))


def test_exact_refuses_what_does_not_fit():
    rate, preference, service, times = random_city(1, 3, 21, load=0.5)
    with pytest.raises(AnlanError, match="at most 20"):
        hypercube(rate, preference, service, method="exact")
    with pytest.raises(AnlanError, match="areas × units"):
        hypercube(rate, preference, service).mean_travel(times.T)


def test_cancelling_stops_it():
    job = Job()
    job.cancel()
    rate, preference, service, _ = random_city(1, 3, 5, load=0.5)
    with pytest.raises(Exception, match=r"^$") as stopped:
        hypercube(rate, preference, service, job=job)
    assert type(stopped.value).__name__ == "Cancelled"
