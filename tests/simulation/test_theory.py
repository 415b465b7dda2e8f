"""The loop against queueing theory: systems whose answers are known exactly.

All units and calls are at one junction, so that nothing but the rules of waiting, priority and preference is at
work. Tolerances are intervals over independent replications, and each interval is asked to be narrow.
"""

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.simulation import replay
from anlan.siting import hypercube
from anlan.siting.erlang import erlang_b, erlang_c

SERVICE_S = 1000.0
REPLICATIONS, CALLS, WARM_UP = 24, 6000, 500


@pytest.fixture(scope="module")
def junction():
    return Travel.from_arcs(2, [0, 1], [1, 0], [1.0, 1.0])


def play(travel, random, rate, units, service=None, policy="closest", priority=None, area=None, n=CALLS):
    calls = {
        "at_s": np.cumsum(random.exponential(1.0 / rate, n)),
        "place": np.zeros(n, np.int64),
        "on_scene_s": random.exponential(SERVICE_S, n) if service is None else service(random, n),
    }
    if priority is not None:
        calls["priority"] = random.choice(len(priority), n, p=priority) + 1
    if area is not None:
        calls["area"] = np.array([f"a{k}" for k in random.choice(len(area), n, p=area)], object)
    fleet = {"station": np.zeros(units, np.int64)}
    return calls, replay(travel, calls, fleet, np.array([0]), policy)


def replications(travel, figure, **system):
    """A figure in each replication, shape (REPLICATIONS, …)."""
    return np.array(
        [figure(*play(travel, np.random.default_rng([7, r]), **system)) for r in range(REPLICATIONS)]
    )


def agrees(values, exact, narrow):
    """Whether a known figure lies in the interval of its replications, which is narrow enough to tell."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert np.all(3.5 * error < narrow * np.asarray(exact)), (error, exact)
    return np.all(np.abs(values.mean(axis=0) - exact) <= 3.5 * error)


def waits(calls, got):
    return (got.dispatched_s - calls["at_s"])[WARM_UP:]


@pytest.mark.parametrize(("units", "load"), [(1, 0.6), (3, 2.1), (8, 6.4)])
def test_erlang_c_waiting(junction, units, load):
    found = replications(
        junction,
        lambda c, g: ((waits(c, g) > 1e-6).mean(), waits(c, g).mean()),
        rate=load / SERVICE_S,
        units=units,
    )
    chance = erlang_c(units, load)
    assert agrees(found, [chance, chance * SERVICE_S / (units - load)], 0.25)


@pytest.mark.parametrize(("units", "load"), [(2, 1.5), (6, 6.0)])
def test_erlang_b_loss(junction, units, load):
    """A call that finds the units busy goes to one of many neighbours: lost to the system."""
    neighbours = 60
    order = [str(u) for u in range(units + neighbours)]
    found = replications(
        junction,
        lambda _, g: (g.unit[WARM_UP:] >= units).mean(),
        rate=load / SERVICE_S,
        units=units + neighbours,
        policy={"dispatch": {"rule": "preference", "order": {"*": order}}},
    )
    assert agrees(found, erlang_b(units, load), 0.1)


def test_one_unit_and_any_service_law(junction):
    """Pollaczek 1930, Khinchine 1932: the mean wait is λ E[S²] / (2 (1 - ρ))."""
    sigma, rate = 0.8, 0.6 / SERVICE_S
    median = SERVICE_S / np.exp(sigma**2 / 2)
    found = replications(
        junction,
        lambda c, g: waits(c, g).mean(),
        rate=rate,
        units=1,
        service=lambda random, n: median * np.exp(sigma * random.standard_normal(n)),
    )
    second = SERVICE_S**2 * np.exp(sigma**2)
    assert agrees(found, rate * second / (2 * (1 - 0.6)), 0.2)


def test_priorities_without_preemption(junction):
    """Cobham 1954, for several servers: W_k = (C / (c μ)) / ((1 - σ_{k-1}) (1 - σ_k))."""
    units, load, share = 4, 3.2, np.array([0.3, 0.4, 0.3])

    def by_priority(calls, got):
        wait, priority = got.dispatched_s - calls["at_s"], calls["priority"]
        late = np.arange(CALLS) >= WARM_UP
        return [wait[late & (priority == k)].mean() for k in (1, 2, 3)]

    found = replications(junction, by_priority, rate=load / SERVICE_S, units=units, priority=share)
    busy = np.concatenate([[0.0], np.cumsum(share)]) * load / units
    first = erlang_c(units, load) * SERVICE_S / units
    exact = first / ((1 - busy[:-1]) * (1 - busy[1:]))
    assert exact[2] > 3 * exact[0]
    assert agrees(found, exact, 0.3)


def test_fixed_preference_is_the_hypercube(junction):
    """Larson 1974: workloads, and who goes where, with a queue."""
    area = np.array([0.5, 0.3, 0.2])
    preference = np.array([[0, 1, 2, 3], [2, 1, 0, 3], [3, 0, 2, 1]])
    load = 2.6
    exact = hypercube(area * load, preference, 1.0)
    order = {f"a{k}": [str(u) for u in row] for k, row in enumerate(preference)}

    def figures(calls, got):
        span = calls["at_s"][-1]
        work = np.bincount(got.unit, calls["on_scene_s"], minlength=4) / span
        sent = np.zeros((3, 4))
        np.add.at(sent, (np.array([int(a[1:]) for a in calls["area"]]), got.unit), 1.0 / CALLS)
        return np.concatenate([work, sent.ravel()])

    found = replications(
        junction,
        figures,
        rate=load / SERVICE_S,
        units=4,
        area=area,
        policy={"dispatch": {"rule": "preference", "order": order}},
    )
    assert agrees(found, np.concatenate([exact.workloads, exact.dispatch_fractions.ravel()]), 0.15)


def test_the_same_seed_gives_the_same_night_and_another_another(junction):
    one, same, other = (
        play(junction, np.random.default_rng(s), 2.1 / SERVICE_S, 3)[1].arrived_s for s in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_unit_seconds_add_up(junction):
    calls, got = play(junction, np.random.default_rng(3), 2.1 / SERVICE_S, 3)
    assert np.isfinite(got.arrived_s).all()
    assert got.played.units["work_s"].sum() == pytest.approx(calls["on_scene_s"].sum(), rel=1e-6)
    assert got.played.units["cleared"].sum() == CALLS
