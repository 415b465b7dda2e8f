"""Kernel density along 20,000 street edges."""

from __future__ import annotations

import numpy as np

from anlan.city.roads import Edges, Roads
from anlan.hotspots import network_kde
from anlan.model import Positions
from benchmarks._analysis.row import Row
from benchmarks._table import timed


def town(side: int, seed: int = 0) -> Roads:
    """A street grid with unequal blocks; about 2 side² edges."""
    rng = np.random.default_rng(seed)
    at = np.arange(side * side).reshape(side, side)
    u = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()]).astype(np.int32)
    v = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()]).astype(np.int32)
    n = len(u)
    length = rng.gamma(4.0, 25.0, n) + 5.0
    edges = Edges.make(id=[str(i) for i in range(n)], u=u, v=v, road_class=["street"] * n, length_m=length)
    xy = np.zeros(2 * n)
    return Roads(edges, np.arange(0, 2 * n + 1, 2), xy, xy, np.zeros(side * side), np.zeros(side * side))


def rows() -> list[Row]:
    roads = town(101)
    rng = np.random.default_rng(1)
    edge = rng.integers(0, len(roads), 100_000).astype(np.int32)
    at = Positions(edge, rng.uniform(0, roads.edges.length_m[edge]))
    out = []
    for bandwidth_m in (300.0, 600.0):
        ours = timed(lambda b=bandwidth_m: network_kde(roads, at, bandwidth_m=b))  # type: ignore[misc]
        found = ours.result
        mass = (found.value * (found.to_m - found.from_m)).sum() / 1000 / len(edge)
        out.append(
            Row(
                f"network KDE, continuous, {len(roads):,} edges, 100,000 events, {bandwidth_m:g} m",
                ours.seconds,
                3.0,
                agreement=f"holds {mass:.5f} of the events; tests compare with the sum over all paths (1e-3)",
            )
        )
    return out
