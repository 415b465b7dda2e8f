"""The bound against every dispatcher there is, on towns small enough to try them all."""

import itertools

import numpy as np
import pytest

from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.simulation import replay
from anlan.simulation.hindsight import hindsight

DELAYS = (0.0, 100.0)


class Town:
    """A ring of streets with a chord, two stations, a few calls; every way explicit."""

    def __init__(self, seed, n_calls, units, span_s):
        random = np.random.default_rng(seed)
        n = 9
        u = np.concatenate([np.arange(n), [0, 2]])
        v = np.concatenate([(np.arange(n) + 1) % n, [4, 7]])
        seconds = random.integers(30, 240, len(u)).astype(float)
        self.tail, self.head = np.concatenate([u, v]), np.concatenate([v, u])
        self.seconds = np.concatenate([seconds, seconds])
        self.travel = Travel.from_arcs(n, self.tail, self.head, self.seconds)
        self.far = np.asarray(self.travel.matrix(np.arange(n), np.arange(n)), float)
        self.arc = {(a, b): s for a, b, s in zip(self.tail, self.head, self.seconds, strict=True)}
        self.stations = np.array([0, 5])
        self.units = np.array(units)
        self.turnout = 45.0
        self.at = np.sort(random.uniform(0, span_s, n_calls))
        self.place = random.integers(0, n, n_calls)
        self.service = random.uniform(100, 900, n_calls)

    def way(self, a, b):
        """Nodes of the fastest way, and when each is reached."""
        nodes, times = [a], [0.0]
        while nodes[-1] != b:
            here = nodes[-1]
            nxt = min(
                (h for t, h in self.arc if t == here),
                key=lambda h: (self.arc[here, h] + self.far[h, b], h),
            )
            times.append(times[-1] + self.arc[here, nxt])
            nodes.append(nxt)
        return nodes, times

    def arrival(self, home, last, free, call, at):
        """When a unit sent at an instant arrives; ``last`` is where it has been free since ``free``."""
        if last is not None:
            nodes, times = self.way(last, home)
            if at < free + times[-1]:
                return min(
                    max(free + t, at) + self.far[node, self.place[call]]
                    for node, t in [next((n, t) for n, t in zip(nodes, times, strict=True) if free + t >= at)]
                )
        return at + self.turnout + self.far[home, self.place[call]]

    def best(self):
        """Least total response over every assignment, order and choice of delays."""
        n, k = len(self.at), len(self.units)
        least = np.inf
        for owner in itertools.product(range(k), repeat=n):
            total = 0.0
            for u in range(k):
                mine = [c for c in range(n) if owner[c] == u]
                total += min((self.serve(u, order) for order in itertools.permutations(mine)), default=0.0)
                if total >= least:
                    break
            least = min(least, total)
        return least

    def serve(self, u, order):
        """Least total response of a unit's calls in an order."""
        home = self.stations[self.units[u]]

        def rest(i, last, free):
            if i == len(order):
                return 0.0
            call = order[i]
            out = np.inf
            for delay in DELAYS:
                at = max(self.at[call], free) + delay
                there = self.arrival(home, last, free, call, at)
                more = rest(i + 1, self.place[call], there + self.service[call])
                out = min(out, there - self.at[call] + more)
            return out

        return rest(0, None, -np.inf)

    def bound(self, **options):
        calls = {"at_s": self.at, "place": self.place, "on_scene_s": self.service}
        fleet = {"station": self.units, "turnout_s": np.full(len(self.units), self.turnout)}
        return hindsight(self.travel, calls, fleet, self.stations, max_wait_s=6000.0, **options)


@pytest.mark.parametrize("seed", range(12))
def test_no_dispatcher_is_better(seed):
    town = Town(
        seed,
        n_calls=5 if seed % 2 else 4,
        units=[0, 1] if seed % 2 else [0, 0, 1],
        span_s=(300.0, 900.0, 2500.0)[seed % 3],
    )
    best = town.best() / len(town.at)
    for options in ({}, {"near": 1}, {"window": 2}):
        found = town.bound(**options)
        assert found.mean_s <= best + 1e-6, options
        assert found.idle_s <= found.mean_s + 1e-9


def test_scarce_units_leave_less_to_gain_than_the_nearest_station_promises():
    """Five calls at about the same time and one car at each of two stations."""
    above = 0
    for seed in range(5):
        town = Town(seed, n_calls=5, units=[0, 1], span_s=120.0)
        found, best = town.bound(), town.best() / len(town.at)
        assert found.mean_s <= best + 1e-6
        assert found.mean_s > found.idle_s
        above += found.mean_s > found.station_s
    assert above >= 4


def test_plenty_of_units_and_rare_calls_meet_the_bound():
    """With calls hours apart every dispatcher sends from the nearest station, and the bound is exact."""
    town = Town(3, n_calls=5, units=[0, 0, 1, 1], span_s=1.0)
    town.at = np.arange(5) * 20_000.0
    found = town.bound()
    assert found.mean_s == pytest.approx(found.station_s, abs=0.05)
    assert found.mean_s == pytest.approx(town.best() / 5, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_the_simulator_never_beats_it_on_a_long_night(seed):
    random = np.random.default_rng(seed)
    town = Town(seed, n_calls=1, units=[0, 0, 1], span_s=1.0)
    n = 300
    calls = {
        "at_s": np.sort(random.uniform(0, n * (300, 450, 700, 1500)[seed], n)),
        "place": random.integers(0, 9, n),
        "on_scene_s": random.exponential(600, n),
    }
    fleet = {"station": town.units, "turnout_s": np.full(3, 45.0)}
    got = replay(town.travel, calls, fleet, town.stations, "closest")
    found = hindsight(town.travel, calls, fleet, town.stations, max_wait_s=36_000.0)
    assert found.mean_s <= got.response_s.mean() + 1e-6


def test_an_impossible_promise_is_refused():
    town = Town(1, n_calls=5, units=[0], span_s=10.0)
    town.service[:] = 4000.0
    with pytest.raises(AnlanError, match="max_wait_s"):
        hindsight(
            town.travel,
            {"at_s": town.at, "place": town.place, "on_scene_s": town.service},
            {"station": town.units},
            town.stations,
            max_wait_s=600.0,
        )
