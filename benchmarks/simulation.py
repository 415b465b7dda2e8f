"""Calls simulated per second, beside SimPy models of the same rules in the same run.

The network is synthetic, a quarter of an hour across. Rules: the closest unit goes, standing or
driving, priorities with redispatch, exact positions; and DMEXCLP. The SimPy models know travel times
as a table between all junctions, so that they pay for no routing; where a driving unit is, they find on the
explicit way.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from anlan.city.travel import Travel
from anlan.core.time import WEEK_S
from anlan.simulation import replay
from benchmarks import _graphs
from benchmarks._table import human, table, timed

STATIONS, REDISPATCH = 40, ((2, 1), (3, 1))
TURNOUT_S, WORK_S, LOAD = 60.0, 1500.0, 0.45


def main(argv: list[str]) -> None:
    options = argparse.ArgumentParser(prog="bench simulation")
    options.add_argument("--nodes", type=int, default=2_500, help="junctions of the network beside SimPy")
    options.add_argument("--large", type=int, default=50_000, help="junctions of the network of the year")
    options.add_argument("--calls", type=int, default=200_000, help="calls of the rows of the loop alone")
    options.add_argument("--peer-calls", type=int, default=20_000, help="calls that SimPy plays too")
    options.add_argument("--year", action="store_true", help="also 1 M calls, 200 units, 10 replications")
    given = options.parse_args(argv)

    travel = network(given.nodes)
    rows = []
    for name, policy in (("closest", "closest"), ("DMEXCLP", dmexclp(travel))):
        calls, units, stations = night(travel, given.peer_calls, 60)
        own = timed(lambda p=policy, c=calls, u=units, s=stations: play(travel, c, u, s, p))  # type: ignore[misc]
        peer = timed(
            lambda p=policy, c=calls, u=units, s=stations: SimPyModel(travel, c, u, s, p).run(),  # type: ignore[misc]
            runs=1,
            warm_up=0,
        )
        same = float(np.mean(own.result.unit == peer.result[0]))
        apart = float(np.nanmax(np.abs(own.result.arrived_s - peer.result[1])))
        rows.append(
            [
                name,
                f"{given.peer_calls:,}",
                f"{given.peer_calls / own.seconds:,.0f}",
                f"{given.peer_calls / peer.seconds:,.0f}",
                f"{peer.seconds / own.seconds:,.0f} ×",
                f"{same:.2%}",
                f"{apart:.3f} s",
            ]
        )
        assert same > 0.999, "the two models disagree"
    table(
        f"Call by call beside SimPy, {given.nodes:,} junctions, 60 units (preparation of the tables included)",
        ["rule", "calls", "anlan, calls/s", "SimPy, calls/s", "ratio", "same unit", "largest difference"],
        rows,
    )

    large = network(given.large)
    rows = []
    for name, policy in (("closest", "closest"), ("DMEXCLP", dmexclp(large))):
        calls, units, stations = night(large, given.calls, 200)
        half = {k: v[: given.calls // 2] for k, v in calls.items()}
        one = timed(lambda p=policy, c=half, u=units, s=stations: play(large, c, u, s, p))  # type: ignore[misc]
        two = timed(lambda p=policy, c=calls, u=units, s=stations: play(large, c, u, s, p))  # type: ignore[misc]
        # What a second half costs is the loop alone; the first pays for the tables.
        loop = max(two.seconds - one.seconds, 1e-9)
        rows.append(
            [
                name,
                f"{given.calls:,}",
                human(two.seconds),
                f"{given.calls / two.seconds:,.0f}",
                f"{(given.calls - given.calls // 2) / loop:,.0f}",
            ]
        )
    table(
        f"The loop on one core, {given.large:,} junctions, 200 units, redispatch and exact positions",
        ["rule", "calls", "in all", "calls/s in all", "calls/s of the loop"],
        rows,
    )

    if given.year:
        calls, units, stations = night(large, 1_000_000, 200)

        def ten() -> float:
            means = []
            for r in range(10):
                calls["on_scene_s"] = np.random.default_rng(r).exponential(WORK_S, 1_000_000)
                means.append(float(play(large, calls, units, stations, "closest").response_s.mean()))
            return float(np.mean(means))

        year = timed(ten, runs=1, warm_up=0)
        table(
            "A year of a large city: 1,000,000 calls, 200 units, 10 replications, one after the other",
            ["in all", "calls/s", "mean response"],
            [[human(year.seconds), f"{10_000_000 / year.seconds:,.0f}", f"{year.result:.1f} s"]],
        )


def network(n: int) -> Travel:
    """A synthetic road network, travel times in seconds."""
    made = _graphs.country(n)
    # The country's ways in a city's times, as whole ticks: no rounding, and no two ways of one length, so that
    # both models must agree call by call.
    travel = Travel.from_arcs(made.n_nodes, made.tail, made.head, made.seconds)
    across = float(np.quantile(travel.matrix(np.arange(20), np.arange(made.n_nodes)), 0.9))
    seconds = np.maximum(np.round(made.seconds * 900.0 / across, 4), 0.5)
    return Travel.from_arcs(made.n_nodes, made.tail, made.head, seconds).prepare()


def night(travel: Travel, n: int, units: int) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Calls at random junctions, units spread over stations."""
    random = np.random.default_rng(11)
    stations = random.choice(travel.n_nodes, STATIONS, replace=False)
    calls = {
        "at_s": np.sort(random.uniform(0, n * (WORK_S + 900.0) / units / LOAD, n)) + WEEK_S,
        "place": random.integers(0, travel.n_nodes, n),
        "priority": random.choice([1, 2, 3], n, p=[0.3, 0.4, 0.3]),
        "on_scene_s": random.exponential(WORK_S, n),
    }
    fleet = {"station": np.arange(units) % STATIONS, "turnout_s": np.full(units, TURNOUT_S)}
    return calls, fleet, stations


def dmexclp(travel: Travel) -> dict[str, Any]:
    """The rule with its settings; demand is at every eighth junction."""
    return {"standby": {"rule": "dmexclp", "busy": LOAD, "reach_s": 480.0}}


def demand_of(travel: Travel) -> dict[str, Any]:
    """What DMEXCLP covers."""
    place = np.arange(0, travel.n_nodes, 8)
    # Uneven, so that no two posts are worth the same.
    return {"place": place, "weight": np.random.default_rng(5).uniform(0.5, 2.0, len(place))}


def play(travel: Travel, calls: Any, units: Any, stations: Any, policy: Any) -> Any:
    return replay(travel, calls, units, stations, policy, redispatch=REDISPATCH, demand=demand_of(travel))


class SimPyModel:
    """The same rules on SimPy, over a table of all travel times."""

    def __init__(self, travel: Travel, calls: Any, units: Any, stations: Any, policy: Any) -> None:
        graph = travel.graph_csr()
        # On the reversed graph the predecessor on the way from a place is the next junction towards it.
        back, self.after = dijkstra(graph.T.tocsr(), return_predecessors=True)
        self.far = np.ascontiguousarray(back.T)
        self.calls, self.stations = calls, np.asarray(stations)
        k = len(units["station"])
        self.home = np.asarray(units["station"])
        self.base = self.home.copy()
        self.node = self.stations[self.home].copy()
        self.state = ["idle"] * k
        self.indoors = [True] * k
        self.task = [-1] * k
        self.leave, self.serial = np.zeros(k), [0] * k
        self.route: list[Any] = [None] * k
        n = len(calls["at_s"])
        self.unit, self.arrived = np.full(n, -1), np.full(n, np.nan)
        self.line: list[int] = []
        self.covers: Any = None
        if isinstance(policy, dict):
            q, reach = policy["standby"]["busy"], policy["standby"]["reach_s"]
            demand = demand_of(travel)
            self.covers = self.far[self.stations][:, demand["place"]] <= reach
            self.weighted = self.covers * demand["weight"]
            self.gain = (1 - q) * q ** np.arange(k + 1)

    def run(self) -> tuple[Any, Any]:
        import simpy

        self.env = simpy.Environment()
        self.env.process(self.source())
        self.env.run()
        return self.unit, self.arrived

    def source(self) -> Any:
        for c, at in enumerate(self.calls["at_s"]):
            yield self.env.timeout(at - self.env.now)
            self.consider(c)

    def walk(self, a: int, b: int, start: float) -> tuple[list[int], list[float]]:
        nodes, times = [a], [start]
        while nodes[-1] != b:
            here = nodes[-1]
            nodes.append(int(self.after[b, here]))
            times.append(times[-1] + self.far[here, nodes[-1]])
        return nodes, times

    def ahead(self, u: int) -> tuple[int, float]:
        """Where a unit can be sent from, and the wait until then."""
        now = self.env.now
        if self.state[u] in ("idle", "free"):
            return int(self.node[u]), TURNOUT_S if self.indoors[u] else 0.0
        if now < self.leave[u]:
            return int(self.node[u]), self.leave[u] - now
        nodes, times = self.route[u]
        k = int(np.searchsorted(times, now))
        if k < len(times):
            return nodes[k], times[k] - now
        return nodes[-1], now - times[-1]

    def consider(self, c: int) -> None:
        priority = self.calls["priority"]
        best, who, wait_of = np.inf, -1, 0.0
        to = self.calls["place"][c]
        for u, state in enumerate(self.state):
            if state in ("idle", "free", "returning") or (
                state == "going" and (priority[self.task[u]], priority[c]) in REDISPATCH
            ):
                node, wait = self.ahead(u)
                eta = wait + self.far[node, to]
                if eta < best - 1e-6:
                    best, who, wait_of = eta, u, wait
        if who < 0:
            self.line.append(c)
            self.line.sort(key=lambda i: (priority[i], i))
            return
        bumped = self.task[who] if self.state[who] == "going" else -1
        self.send(who, c, wait_of)
        if bumped >= 0:
            self.unit[bumped] = -1
            self.consider(bumped)

    def send(self, u: int, c: int, wait: float) -> None:
        now = self.env.now
        node, _ = self.ahead(u)
        standing = self.state[u] in ("idle", "free") or now < self.leave[u]
        self.node[u] = node
        self.leave[u] = now + wait if standing else now
        self.route[u] = self.walk(node, int(self.calls["place"][c]), now + wait)
        self.state[u], self.task[u], self.unit[c] = "going", c, u
        self.serial[u] += 1
        self.env.process(self.serve(u, c, self.route[u][1][-1], self.serial[u]))

    def serve(self, u: int, c: int, arrival: float, serial: int) -> Any:
        yield self.env.timeout(arrival - self.env.now)
        if self.serial[u] != serial:
            return
        self.arrived[c], self.state[u] = arrival, "busy"
        self.node[u] = self.calls["place"][c]
        yield self.env.timeout(self.calls["on_scene_s"][c])
        self.state[u], self.task[u], self.indoors[u] = "free", -1, False
        if self.line:
            self.send(u, self.line.pop(0), 0.0)
            return
        if self.covers is not None:
            self.base[u] = self.best_post(u)
        self.serial[u] += 1
        serial = self.serial[u]
        now = self.env.now
        self.leave[u] = now
        self.route[u] = self.walk(int(self.node[u]), int(self.stations[self.base[u]]), now)
        self.state[u] = "returning"
        yield self.env.timeout(self.route[u][1][-1] - now)
        if self.serial[u] == serial:
            self.state[u], self.node[u], self.indoors[u] = "idle", self.stations[self.base[u]], True

    def best_post(self, unit: int) -> int:
        idle = [
            int(b)
            for u, b in enumerate(self.base)
            if u != unit and self.state[u] in ("idle", "returning", "free")
        ]
        count = self.covers[idle].sum(axis=0) if idle else np.zeros(self.covers.shape[1], np.int64)
        value = self.weighted @ self.gain[count]
        return int(np.flatnonzero(value >= value.max() * (1 - 1e-12))[0])
