import numpy as np
import pytest

from anlan.city.network import Network
from anlan.city.roads import Edges, Roads
from anlan.city.travel import Travel
from anlan.core.errors import AnlanError
from anlan.model.board import Where
from anlan.model.position import Positions
from anlan.policy.times import Times, checked


def town():
    """A 5 × 5 grid, 100 m apart, with one-way streets and uneven speeds."""
    random = np.random.default_rng(5)
    node = np.arange(25).reshape(5, 5)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x, y = np.tile(np.arange(5.0), 5) * 100, np.repeat(np.arange(5.0), 5) * 100
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=["street"] * len(u),
        length_m=np.full(len(u), 100.0),
        speed_kmh=random.uniform(20, 60, len(u)),
        backward=random.random(len(u)) < 0.8,
    )
    ends = np.stack([u, v], axis=1).ravel()
    return Network(Roads(edges, np.arange(0, 2 * len(u) + 1, 2), x[ends], y[ends], x, y)).travel()


TRAVEL = town()


def places(random, n, n_edges):
    """Some at junctions, some along streets, some nowhere."""
    node, edge = np.full(n, -1), np.full(n, -1)
    sort = random.integers(0, 5, n)
    node[sort < 2] = random.integers(0, 25, n)[sort < 2]
    edge[(sort == 2) | (sort == 3)] = random.integers(0, n_edges, n)[(sort == 2) | (sort == 3)]
    return Where.make(
        node=node,
        edge=edge,
        offset_m=np.where(edge >= 0, random.uniform(0, 100, n), 0.0),
        off_road_s=np.round(random.uniform(0, 20, n), 1) * (random.random(n) < 0.5),
    )


def one_by_one(origins, destinations):
    """The same by the travel object, place by place."""
    out = np.full((len(origins), len(destinations)), np.inf)
    for i in range(len(origins)):
        for j in range(len(destinations)):
            if not (origins.placed[i] and destinations.placed[j]):
                continue
            a, b = (
                int(w.node[r]) if w.node[r] >= 0 else Positions(w.edge[r : r + 1], w.offset_m[r : r + 1])
                for w, r in ((origins, i), (destinations, j))
            )
            out[i, j] = TRAVEL.matrix(a, b)[0, 0] + origins.off_road_s[i] + destinations.off_road_s[j]
    return out


def test_the_same_as_the_travel_object_place_by_place():
    random = np.random.default_rng(6)
    n_edges = len(TRAVEL.edge_ticks.u)
    origins, destinations = places(random, 30, n_edges), places(random, 25, n_edges)
    truth = one_by_one(origins, destinations)
    times = Times(TRAVEL)
    # Not pairs on one street: there the way between the place and the street is not counted.
    street = (origins.edge[:, None] == destinations.edge[None, :]) & (origins.edge[:, None] >= 0)
    truth[street] = np.nan
    for j in range(len(destinations)):
        got = times.to_one(origins, destinations.take(slice(j, j + 1)))
        known = ~np.isnan(truth[:, j])
        np.testing.assert_allclose(got[known], truth[known, j], atol=2e-3)
    for i in range(len(origins)):
        got = times.from_one(origins.take(slice(i, i + 1)), destinations)
        known = ~np.isnan(truth[i])
        np.testing.assert_allclose(got[known], truth[i, known], atol=2e-3)
    assert np.isinf(truth).any()
    within = times.within(origins, destinations, 60.0)
    exact = np.stack(
        [times.to_one(origins, destinations.take(slice(j, j + 1))) for j in range(len(destinations))]
    )
    assert np.array_equal(within, exact <= 60.0 + 1e-9)
    assert within.any()
    assert not within.all()


class Matrix:
    """The same travel times behind nothing but a matrix."""

    def matrix(self, origins, destinations):
        return TRAVEL.matrix(origins, destinations)


def test_any_matrix_gives_the_same_seconds():
    random = np.random.default_rng(7)
    n_edges = len(TRAVEL.edge_ticks.u)
    origins, destinations = places(random, 20, n_edges), places(random, 20, n_edges)
    plain, network = Times(Matrix()), Times(TRAVEL)
    apart = ~((origins.edge[:, None] == destinations.edge[None, :]) & (origins.edge[:, None] >= 0))
    for i in range(20):
        one = origins.take(slice(i, i + 1))
        a, b = plain.from_one(one, destinations), network.from_one(one, destinations)
        np.testing.assert_allclose(a[apart[i]], b[apart[i]], atol=2e-3)


def test_a_place_exactly_on_the_limit_is_reached():
    line = Travel.from_arcs(3, [0, 1], [1, 2], [0.1, 0.2])
    nodes = Where.make(node=[0, 1, 2])
    within = Times(line).within(nodes, nodes, 0.3)
    assert within[:, 0].tolist() == [True, True, True]
    assert Times(line).within(nodes, nodes, 0.2999)[:, 0].tolist() == [True, True, False]


def test_an_unknown_mode_is_named():
    with pytest.raises(
        AnlanError, match="mode 'boat': there is no such travel mode; use one of lights, walk"
    ):
        checked({"lights": 1, "walk": 2}, "boat")
