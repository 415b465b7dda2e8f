"""How the demo's calls are served: who notices, who drives, how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from anlan.city.demo.ground import ground
from anlan.city.demo.kinds import KINDS
from anlan.city.demo.roads import demo_roads
from anlan.city.demo.stations import station_nodes
from anlan.city.network import Network
from anlan.city.speed import CLASS_KMH, SpeedProfile
from anlan.core.columns import Floats, Strings
from anlan.model.position import Positions

Ints = NDArray[np.int64]

TRUE_FACTOR = {"*": 0.85, "primary": 0.75, "secondary": 0.80, "residential": 0.70, "motorway": 0.95}
"""The sampled drivers' speed over the road-class default: what a calibration should find again."""

PEDESTRIAN_KMH = 10.0
LIGHTS_UP_TO = 1
"""Priorities up to this one are driven to with lights and siren."""

TAKING_S = {1: 35.0, 2: 50.0, 3: 80.0}
TAKING_SPREAD = 0.45
TURNOUT_S, TURNOUT_SPREAD = 40.0, 0.5
TRAVEL_SPREAD = 0.20
FARTHER, FARTHER_MEAN = 0.15, 0.5
"""Share of calls to which the nearest station's units are busy, and the mean extra travel then."""

MISSING = {"en_route": 0.03, "arrived": 0.02, "cleared": 0.01}
DISPOSITIONS = (("handled", 0.76), ("filed", 0.11), ("unfounded", 0.08), ("referred", 0.05))
BY_PHONE = "by_phone"

PATROL_M = 700.0
PATROL_FLOOR = 0.03
"""Officers discover things near their stations: density exp(-distance/PATROL_M) + PATROL_FLOOR."""


def true_week() -> tuple[float, ...]:
    """Factor on all speeds by hour of the week: slower in rush hours, free at night; 168 values."""
    hour = np.arange(24) + 0.5
    weekday = (
        1.08
        - 0.33 * np.exp(-0.5 * ((hour - 8.2) / 1.2) ** 2)
        - 0.36 * np.exp(-0.5 * ((hour - 18.0) / 1.4) ** 2)
        - 0.13 * np.exp(-0.5 * ((hour - 13.0) / 3.0) ** 2)
    )
    weekend = 1.08 - 0.20 * np.exp(-0.5 * ((hour - 15.5) / 3.5) ** 2)
    return tuple(np.round(np.concatenate([np.tile(weekday, 5), np.tile(weekend, 2)]), 4).tolist())


@lru_cache(maxsize=1)
def true_profile() -> SpeedProfile:
    """The speeds at which the sampled units drive."""
    return SpeedProfile(
        class_kmh={**CLASS_KMH, "pedestrian": PEDESTRIAN_KMH},
        class_factor=TRUE_FACTOR,
        week={"*": true_week()},
        source="assumed for the sampled calls of the demo city",
    )


@dataclass(frozen=True, eq=False)
class Reach:
    """Travel under lights at base speeds from the nearest station.

    Attributes
    ----------
    node_s : ndarray of float64, shape (n_nodes,)
    edge_s : ndarray of float64, shape (n_edges,)
        Seconds along each edge.
    """

    node_s: Floats
    edge_s: Floats

    def to(self, positions: Positions) -> Floats:
        """Seconds to positions on the network, by the nearer end of the edge."""
        e, roads = positions.edge, demo_roads()
        share = positions.offset_m / np.maximum(roads.edges.length_m[e], 1e-9)
        from_u = self.node_s[roads.edges.u[e]] + share * self.edge_s[e]
        from_v = self.node_s[roads.edges.v[e]] + (1.0 - share) * self.edge_s[e]
        return np.minimum(from_u, from_v)


@lru_cache(maxsize=1)
def reach() -> Reach:
    """The demo city's reach from its stations."""
    roads = demo_roads()
    edge_s = Network(roads, true_profile()).edge_seconds(None, "lights")
    tail = np.concatenate([roads.edges.u, roads.edges.v])
    head = np.concatenate([roads.edges.v, roads.edges.u])
    time_s = np.concatenate([edge_s, edge_s])
    # Of parallel pieces the quickest counts; a coo_matrix would add them up.
    order = np.lexsort((time_s, head, tail))
    tail, head, time_s = tail[order], head[order], time_s[order]
    first = np.r_[True, (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])]
    graph = coo_matrix((time_s[first], (tail[first], head[first])), (roads.n_nodes, roads.n_nodes)).tocsr()
    return Reach(dijkstra(graph, indices=station_nodes(), min_only=True), edge_s)


@lru_cache(maxsize=1)
def patrol_presence() -> Floats:
    """Relative density of patrols on each edge, shape (n_edges,)."""
    land, nodes = ground(), station_nodes()
    x, y = land.roads.node_x[nodes], land.roads.node_y[nodes]
    nearest = np.full(len(land.roads), np.inf)
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        np.minimum(nearest, np.hypot(land.mid_x - a, land.mid_y - b), out=nearest)
    return np.exp(-nearest / PATROL_M) + PATROL_FLOOR


@dataclass(frozen=True, eq=False)
class Service:
    """Times of calls, Unix seconds in whole seconds, NaN where unknown; shape (n,) each."""

    dispatched: Floats
    en_route: Floats
    arrived: Floats
    cleared: Floats
    disposition: Strings


def serve(
    rng: np.random.Generator,
    kind: Ints,
    received: Floats,
    slot: Ints,
    positions: Positions,
    discovered: NDArray[np.bool_],
) -> Service:
    """Dispatch, turn-out, travel and work on the scene of each call.

    Parameters
    ----------
    kind, slot : ndarray of int64, shape (n,)
        Row of `KINDS`; hour of the week.
    received : ndarray of float64, shape (n,)
    positions : Positions
    discovered : ndarray of bool, shape (n,)
        Found by officers, who are there already.
    """
    n = len(kind)
    priority = np.array([k.priority for k in KINDS])[kind]
    taking = np.array([0.0, *(TAKING_S[p] for p in sorted(TAKING_S))])[priority]
    dispatched = received + np.rint(taking * _spread(rng, TAKING_SPREAD, n))
    en_route = dispatched + np.rint(TURNOUT_S * _spread(rng, TURNOUT_SPREAD, n))
    mode = np.where(priority <= LIGHTS_UP_TO, true_profile().mode["lights"], true_profile().mode["ordinary"])
    travel = reach().to(positions) / (mode * np.array(true_week())[slot])
    farther = np.where(rng.random(n) < FARTHER, rng.exponential(FARTHER_MEAN, n), 0.0)
    arrived = en_route + np.rint(travel * (1.0 + farther) * _spread(rng, TRAVEL_SPREAD, n))
    for times in (dispatched, en_route, arrived):
        times[discovered] = received[discovered]
    median = np.array([k.on_scene_min * 60.0 for k in KINDS])[kind]
    busy = median * np.exp(np.array([k.on_scene_spread for k in KINDS])[kind] * rng.standard_normal(n))
    cleared = arrived + np.rint(busy)

    words = np.array([w for w, _ in DISPOSITIONS], dtype=object)
    disposition = words[rng.choice(len(words), n, p=[p for _, p in DISPOSITIONS])]
    phone = (rng.random(n) < np.array([k.phone for k in KINDS])[kind]) & ~discovered
    disposition[phone] = BY_PHONE
    cleared[phone] = dispatched[phone] + np.rint(busy[phone] / 3.0)
    for times in (en_route, arrived):
        times[phone] = np.nan
    dispatched[phone] = np.nan
    for times, share in ((en_route, MISSING["en_route"]), (arrived, MISSING["arrived"])):
        times[rng.random(n) < share] = np.nan
    cleared[rng.random(n) < MISSING["cleared"]] = np.nan
    return Service(dispatched, en_route, arrived, cleared, disposition)


def _spread(rng: np.random.Generator, sigma: float, n: int) -> Floats:
    """Log-normal factors with median 1."""
    return np.exp(sigma * rng.standard_normal(n))
