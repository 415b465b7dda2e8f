"""The quick search for the closest unit decides as one that works out every unit's time.

Under ``jurisdiction`` where nobody owns any area the loop finds the exact time of each unit and takes the least:
the oracle. Places lie inside streets, some of them one way, so that each is left and reached by two junctions.
"""

import numpy as np
import pytest

from anlan.city.network import Network
from anlan.city.roads import Edges
from anlan.city.speed import SpeedProfile
from anlan.city.streets import roads_of
from anlan.model import Positions
from anlan.simulation import replay

SIDE = 14


def town(seed):
    random = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    n = len(u)
    edges = Edges.make(
        n,
        id=[f"e{k}" for k in range(n)],
        u=u,
        v=v,
        road_class=random.choice(["primary", "residential"], n),
        backward=random.random(n) > 0.1,
        length_m=random.uniform(200, 600, n),
        speed_kmh=random.uniform(20, 60, n),
    )
    x, y = (a.ravel().astype(float) * 400.0 for a in np.meshgrid(np.arange(SIDE), np.arange(SIDE)))
    ends = np.stack([u, v], 1).ravel()
    roads = roads_of(edges, np.arange(0, 2 * n + 1, 2), x[ends], y[ends])
    # Lights gain unevenly: the ratio of the modes differs from street to street.
    fast = Network(roads, SpeedProfile(class_factor={"primary": 1.6}, mode={"lights": 1.0}))
    slow = Network(roads, SpeedProfile(mode={"ordinary": 0.7}))
    travel = {"lights": fast.travel(None, "lights"), "ordinary": slow.travel(None, "ordinary")}
    core = np.flatnonzero(fast.core_edges)
    return random, travel, edges, core


def somewhere(random, edges, core, n):
    edge = random.choice(core, n)
    return Positions(edge.astype(np.int32), random.uniform(0, 1, n) * edges.length_m[edge])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("standby", [{}, {"rule": "dmexclp", "busy": 0.5, "reach_s": 240}])
def test_bounds_change_no_decision(seed, standby):
    random, travel, edges, core = town(seed)
    n, k = 1500, 25
    calls = {
        "at_s": np.sort(random.uniform(0, n * 1500.0 / k / 0.55, n)),
        "place": somewhere(random, edges, core, n),
        "priority": random.integers(1, 4, n),
        "on_scene_s": random.exponential(800, n),
        "off_road_s": random.uniform(0, 20, n),
    }
    units = {"station": np.arange(k) % 8, "turnout_s": random.uniform(0, 90, k)}
    stations = somewhere(random, edges, core, 8)
    redispatch = [[2, 1], [3, 1], [3, 2]]
    got, wanted = (
        replay(
            travel,
            calls,
            units,
            stations,
            {"dispatch": {**rule, "redispatch": redispatch}, "standby": standby},
        )
        for rule in ({}, {"rule": "jurisdiction", "tolerance_s": 0})
    )
    assert np.array_equal(got.unit, wanted.unit)
    np.testing.assert_allclose(got.arrived_s, wanted.arrived_s, atol=1e-6)
    assert got.redispatched.sum() > 50
