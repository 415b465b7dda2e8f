"""The loop against a slow, plain simulator: explicit routes, one event after the other, no tables."""

import heapq
import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from anlan.city.travel import Travel
from anlan.simulation import replay

LOWER_TO_HIGH = [(2, 1), (3, 1)]


class Roads:
    """All-pairs times and next hops of one mode, by SciPy."""

    def __init__(self, n, tail, head, seconds):
        graph = csr_array((seconds, (tail, head)), shape=(n, n))
        # On the reversed graph the predecessor on the way from the destination is the next hop towards it.
        self.far, self.after = dijkstra(graph.T.tocsr(), return_predecessors=True)
        self.arc = {(int(t), int(h)): float(s) for t, h, s in zip(tail, head, seconds, strict=True)}

    def time(self, a, b):
        return float(self.far[b, a])

    def path(self, a, b):
        nodes = [a]
        while nodes[-1] != b:
            nodes.append(int(self.after[b, nodes[-1]]))
        return nodes


class Route:
    """A unit on its way: node by node, with an off-road stretch at the end."""

    def __init__(self, mode, at, start_node, start_wait, roads, end_node, end_off):
        self.mode, self.begin = mode, at
        nodes = roads[mode].path(start_node, end_node)
        times = [at + start_wait]
        for a, b in itertools.pairwise(nodes):
            times.append(times[-1] + roads[mode].arc[a, b])
        self.nodes, self.times, self.end = nodes, times, times[-1] + end_off

    def ahead(self, now):
        """Next node and the seconds to it; past the last node the way back."""
        for node, time in zip(self.nodes, self.times, strict=True):
            if now <= time:
                return node, time - now
        return self.nodes[-1], now - self.times[-1]


class Plain:
    def __init__(self, roads, calls, units, stations, hospitals, redispatch, modes, dmexclp=None):
        self.roads, self.calls, self.units = roads, calls, units
        self.stations, self.hospitals = stations, hospitals
        self.redispatch, self.modes, self.dmexclp = set(redispatch), modes, dmexclp
        n = len(calls["at_s"])
        self.unit, self.taken = [-1] * n, [0] * n
        self.sent, self.arrived = [np.nan] * n, [np.nan] * n
        k = len(units["station"])
        self.state = ["idle"] * k
        self.at = [("station", s) for s in units["station"]]
        self.base = list(units["station"])
        self.task, self.route, self.leave, self.serial = [-1] * k, [None] * k, [0.0] * k, [0] * k
        self.line, self.queue, self.tick = [], [], itertools.count()
        for c in range(n):
            self.push(calls["at_s"][c] + calls["dispatch_delay_s"][c], 1, "call", c, 0)

    def push(self, time, rank, what, who, serial):
        heapq.heappush(self.queue, (time, rank, next(self.tick), what, who, serial))

    def run(self):
        while self.queue:
            now, _, _, what, who, serial = heapq.heappop(self.queue)
            if what == "call":
                self.consider(who, now)
            elif serial == self.serial[who]:
                getattr(self, what)(who, now)

    def exit_of(self, u):
        """Node by which a standing unit leaves, and the seconds to it."""
        kind, row = self.at[u]
        if kind == "station":
            return self.stations[row], 0.0
        if kind == "hospital":
            return self.hospitals[row], 0.0
        return self.calls["place"][row], self.calls["off_road_s"][row]

    def position(self, u, now):
        if self.state[u] in ("returning", "going") and now >= self.leave[u]:
            return self.route[u].ahead(now)
        node, off = self.exit_of(u)
        wait = {"idle": self.units["turnout_s"][u], "going": self.leave[u] - now}.get(self.state[u], 0.0)
        return node, wait + off

    def available(self, u, c, now):
        if self.state[u] in ("idle", "returning", "free"):
            return True
        if self.state[u] != "going":
            return False
        return (self.calls["priority"][self.task[u]], self.calls["priority"][c]) in self.redispatch

    def consider(self, c, now):
        mode = self.modes[self.calls["priority"][c]]
        best, who = np.inf, -1
        for u in range(len(self.state)):
            if self.available(u, c, now):
                node, wait = self.position(u, now)
                eta = wait + self.roads[mode].time(node, self.calls["place"][c]) + self.calls["off_road_s"][c]
                if eta < best - 1e-9:
                    best, who = eta, u
        if who < 0:
            self.line.append(c)
            self.line.sort(key=lambda i: (self.calls["priority"][i], self.calls["at_s"][i]))
            return
        bumped = self.task[who] if self.state[who] == "going" else -1
        self.send(who, c, now)
        if bumped >= 0:
            self.unit[bumped], self.taken[bumped] = -1, self.taken[bumped] + 1
            self.consider(bumped, now)

    def send(self, u, c, now):
        mode = self.modes[self.calls["priority"][c]]
        node, wait = self.position(u, now)
        standing = self.state[u] in ("idle", "free") or (self.state[u] == "going" and now < self.leave[u])
        if standing:
            off = self.exit_of(u)[1]
            self.leave[u] = now + wait - off
            begin, wait = self.leave[u], off
        else:
            self.leave[u] = begin = now
        self.route[u] = Route(
            mode, begin, node, wait, self.roads, self.calls["place"][c], self.calls["off_road_s"][c]
        )
        self.state[u], self.task[u], self.unit[c], self.sent[c] = "going", c, u, now
        self.next(u, self.route[u].end, "arrive")

    def next(self, u, time, what):
        self.serial[u] += 1
        self.push(time, 0, what, u, self.serial[u])

    def arrive(self, u, now):
        c = self.task[u]
        self.arrived[c], self.state[u], self.at[u] = now, "busy", ("call", c)
        done = now + self.calls["on_scene_s"][c]
        self.next(u, done, "transport" if self.calls["transport"][c] else "free")

    def transport(self, u, now):
        c = self.task[u]
        node, off = self.exit_of(u)
        times = [self.roads["ordinary"].time(node, h) for h in self.hospitals]
        h = self.calls["destination"][c]
        h = int(np.argmin(times)) if h < 0 else h
        self.at[u] = ("hospital", h)
        self.next(u, now + off + times[h] + self.calls["handover_s"][c], "free")

    def free(self, u, now):
        self.state[u], self.task[u] = "free", -1
        if self.line:
            self.send(u, self.line.pop(0), now)
            return
        if self.dmexclp is not None:
            self.base[u] = self.dmexclp(self, u)
        node, off = self.exit_of(u)
        self.leave[u] = now
        self.route[u] = Route("ordinary", now, node, off, self.roads, self.stations[self.base[u]], 0.0)
        self.state[u] = "returning"
        self.next(u, self.route[u].end, "home")

    def home(self, u, now):
        self.state[u], self.at[u] = "idle", ("station", self.base[u])


def grid(side, random):
    """A grid of two-way streets of uneven speed, some of them one way."""
    node = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [
            np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], 1),
            np.stack([node[:-1].ravel(), node[1:].ravel()], 1),
        ]
    )
    both = np.concatenate([pairs, pairs[:, ::-1]])
    seconds = np.round(random.uniform(10, 60, len(both)), 3)
    keep = np.ones(len(both), bool)
    keep[random.choice(len(both), len(both) // 20, replace=False)] = False
    # A border of two-way streets keeps the grid strongly connected enough for these seeds.
    tail, head, seconds = both[keep, 0], both[keep, 1], seconds[keep]
    far = dijkstra(csr_array((seconds, (tail, head)), shape=(side * side,) * 2))
    assert np.isfinite(far).all()
    return side * side, tail, head, seconds


def world(seed, n_calls=400, load=0.75):
    random = np.random.default_rng(seed)
    n, tail, head, slow = grid(12, random)
    fast = np.round(slow * random.uniform(0.55, 0.95, len(slow)), 3)
    lights, ordinary = Travel.from_arcs(n, tail, head, fast), Travel.from_arcs(n, tail, head, slow)
    roads = {"lights": Roads(n, tail, head, fast), "ordinary": Roads(n, tail, head, slow)}
    stations, hospitals = random.choice(n, 5, replace=False), random.choice(n, 3, replace=False)
    units = {"station": np.array([0, 0, 1, 2, 3, 4, 4]), "turnout_s": np.full(7, 45.0)}
    calls = {
        "at_s": np.sort(random.uniform(0, n_calls * 1500 / len(units["station"]) / load, n_calls)),
        "place": random.integers(0, n, n_calls),
        "priority": random.choice([1, 2, 3], n_calls, p=[0.5, 0.3, 0.2]),
        "dispatch_delay_s": random.uniform(10, 90, n_calls),
        "on_scene_s": random.exponential(500, n_calls),
        "transport": random.random(n_calls) < 0.6,
        "destination": random.choice([-1, -1, 0, 1, 2], n_calls),
        "handover_s": random.exponential(400, n_calls),
        "off_road_s": random.uniform(0, 30, n_calls),
    }
    travel = {"lights": lights, "ordinary": ordinary}
    return travel, roads, calls, units, stations, hospitals


MODES = {1: "lights", 2: "lights", 3: "ordinary"}


@pytest.mark.parametrize("seed", range(6))
def test_every_call_as_in_the_plain_simulator(seed):
    travel, roads, calls, units, stations, hospitals = world(seed)
    plain = Plain(roads, calls, units, stations, hospitals, LOWER_TO_HIGH, MODES)
    plain.run()
    got = replay(
        travel,
        calls,
        units,
        stations,
        "closest",
        destinations=hospitals,
        mode_by_priority=MODES,
        redispatch=LOWER_TO_HIGH,
    )
    assert np.array_equal(got.unit, plain.unit)
    np.testing.assert_allclose(got.arrived_s, plain.arrived, atol=0.02)
    np.testing.assert_allclose(got.dispatched_s, plain.sent, atol=0.02)
    assert np.array_equal(got.redispatched, plain.taken)
    # The world is busy enough for the rules to matter.
    assert got.redispatched.sum() > 0
    assert (got.dispatched_s - calls["at_s"] - calls["dispatch_delay_s"] > 1).any()


@pytest.mark.parametrize("seed", range(3))
def test_every_call_under_dmexclp(seed):
    travel, roads, calls, units, stations, hospitals = world(seed, load=0.5)
    random = np.random.default_rng(seed + 100)
    places = random.choice(144, 60, replace=False)
    weight = random.uniform(0.1, 2.0, 60)
    q, reach = 0.4, 150.0
    covers = np.array([[roads["lights"].time(s, p) <= reach for p in places] for s in stations])

    def best(plain, unit):
        idle = [b for u, b in enumerate(plain.base) if u != unit and plain.state[u] in ("idle", "returning")]
        k = covers[idle].sum(axis=0) if idle else np.zeros(60)
        marginal = (covers * weight * (1 - q) * q**k).sum(axis=1)
        return int(np.flatnonzero(marginal >= marginal.max() - 1e-9)[0])

    plain = Plain(roads, calls, units, stations, hospitals, LOWER_TO_HIGH, MODES, best)
    plain.run()
    got = replay(
        travel,
        calls,
        units,
        stations,
        {"standby": {"rule": "dmexclp", "busy": q, "reach_s": reach}},
        destinations=hospitals,
        mode_by_priority=MODES,
        redispatch=LOWER_TO_HIGH,
        demand={"place": places, "weight": weight},
    )
    assert np.array_equal(got.unit, plain.unit)
    np.testing.assert_allclose(got.arrived_s, plain.arrived, atol=0.02)
    assert got.played.units["moves"].sum() > 20
