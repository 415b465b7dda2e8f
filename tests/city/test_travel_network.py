"""Positions, one-ways, modes, closures and the connected core, on small named streets."""

import itertools
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from anlan.city.network import Network
from anlan.city.roads import Edges, Roads
from anlan.city.speed import SpeedProfile
from anlan.core.errors import AnlanError
from anlan.model import Positions


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-3)


def streets(node_xy: Any, rows: Any, **columns: Any) -> Roads:
    """Straight streets between nodes: rows of (u, v), 36 km/h, so that 10 m take a second."""
    xy = np.array(node_xy, float)
    u, v = np.array(rows).reshape(-1, 2).T
    length = np.hypot(*(xy[u] - xy[v]).T)
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=["street"] * len(u),
        **{"length_m": length, "speed_kmh": np.full(len(u), 36.0), **columns},
    )
    ends = np.stack([u, v], axis=1).ravel()
    return Roads(edges, np.arange(0, 2 * len(u) + 1, 2), *xy[ends].T, *xy.T)


# A block of 100 m sides driven one way round (0 → 1 → 2 → 3 → 0), with a two-way spur from 1 to 4.
BLOCK = streets(
    [(0, 0), (100, 0), (100, 100), (0, 100), (200, 0)],
    [(0, 1), (1, 2), (2, 3), (3, 0), (1, 4)],
    backward=[False, False, False, False, True],
)


def at(*pairs: tuple[int, float]) -> Positions:
    return Positions(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float))


def test_ahead_on_a_one_way_street_is_near_and_behind_is_round_the_block():
    travel = Network(BLOCK).travel()
    here, ahead = at((0, 20.0)), at((0, 70.0))
    assert travel.matrix(here, ahead).tolist() == [[5.0]]
    assert travel.matrix(ahead, here).tolist() == [[35.0]]
    assert travel.cost(here, ahead).tolist() == [[35.0]]
    assert travel.pairs(ahead, here).tolist() == [35.0]
    assert travel.nearest(here, ahead)[1].tolist() == [35.0]
    assert travel.within(ahead, 35.0, here).toarray().tolist() == [[35.0]]
    assert travel.within(ahead, 34.9, here).nnz == 0
    back = travel.path(ahead, here)
    assert back.travel_s == 35.0
    assert back.nodes.tolist() == [1, 2, 3, 0]
    assert back.node_s.tolist() == [3.0, 13.0, 23.0, 33.0]
    assert back.edges.tolist() == [1, 2, 3]


def test_both_ways_within_a_two_way_street():
    travel = Network(BLOCK).travel()
    a, b = at((4, 10.0)), at((4, 90.0))
    assert travel.matrix(a, b).tolist() == travel.matrix(b, a).tolist() == [[8.0]]
    path = travel.path(b, a)
    assert path.travel_s == 8.0
    assert path.nodes.tolist() == []
    assert path.x.tolist() == [190.0, 110.0]
    assert path.vertex_s.tolist() == [0.0, 8.0]
    assert path.at(2.0) == (170.0, 0.0)


def test_a_position_at_an_end_of_a_street_is_its_junction():
    travel = Network(BLOCK).travel()
    places = at((0, 0.0), (0, 100.0), (1, 0.0), (4, 100.0))
    np.testing.assert_array_equal(travel.matrix(places, places), travel.matrix([0, 1, 1, 4], [0, 1, 1, 4]))
    # An offset a little past the end is rounding.
    assert travel.matrix(at((0, 100.4)), [1]).tolist() == [[0.0]]


def test_the_path_is_drawn_along_the_streets_with_its_time_at_each_vertex():
    bent = Roads(
        Edges.make(
            id=["bow", "straight"], u=[0, 1], v=[1, 2], road_class=["street"] * 2,
            length_m=[200.0, 100.0], speed_kmh=[36.0, 36.0],
        ),
        np.array([0, 3, 5]),
        np.array([0.0, 0.0, 100.0, 100.0, 200.0]),
        np.array([0.0, 100.0, 100.0, 100.0, 100.0]),
        np.array([0.0, 100.0, 200.0]),
        np.array([0.0, 100.0, 100.0]),
    )  # fmt: skip
    path = Network(bent).travel().path(at((1, 50.0)), at((0, 50.0)))
    assert path.travel_s == 20.0
    assert path.nodes.tolist() == [1]
    assert path.x.tolist() == [150.0, 100.0, 0.0, 0.0]
    assert path.y.tolist() == [100.0, 100.0, 100.0, 50.0]
    assert path.vertex_s.tolist() == pytest.approx([0.0, 5.0, 15.0, 20.0])
    here = Network(bent).travel().path(1, 1)
    assert (here.travel_s, here.x.tolist(), here.nodes.tolist()) == (0.0, [100.0], [1])


def test_a_path_round_a_loop_street_takes_its_quicker_side():
    loop = streets([(0, 0), (100, 0)], [(0, 1), (1, 1)], length_m=[100.0, 300.0])
    travel = Network(loop).travel()
    assert travel.matrix(at((1, 50.0)), [0]).tolist() == [[15.0]]
    assert travel.matrix([0], at((1, 250.0))).tolist() == [[15.0]]
    assert travel.matrix(at((1, 50.0)), at((1, 290.0))).tolist() == [[6.0]]
    assert travel.path(at((1, 50.0)), at((1, 290.0))).travel_s == 6.0


def test_what_lies_outside_the_core_is_reported_and_unreachable():
    island = streets(
        [(0, 0), (100, 0), (200, 0), (500, 0), (600, 0), (300, 0)],
        [(0, 1), (1, 2), (3, 4), (2, 5)],
        backward=[True, True, True, False],
    )
    network = Network(island)
    report = network.core_report
    assert (report.nodes, report.edges, report.nodes_cut, report.edges_cut) == (6, 4, 3, 2)
    assert report.length_km == pytest.approx(0.4)
    assert report.length_cut_km == pytest.approx(0.2)
    assert report.share_cut == pytest.approx(0.5)
    assert "3 of 6 junctions" in str(report)
    assert network.core.tolist() == [True, True, True, False, False, False]
    assert network.core_edges.tolist() == [True, True, False, False]
    travel = network.travel()
    places = at((0, 50.0), (2, 50.0), (3, 50.0), (-1, 0.0))
    far = travel.matrix(places, places)
    assert np.isfinite(far).tolist() == [
        [True, False, False, False],
        [False, True, False, False],  # where one is, one is
        [False, False, True, False],
        [False, False, False, False],
    ]
    assert not travel.path(places.take(slice(1, 2)), places.take(slice(0, 1))).reachable
    assert travel.nearest(places.take(slice(0, 1)), places, k=4)[0].tolist() == [0]
    assert travel.within(places, 1000.0, places).nnz == 3
    assert np.isinf(travel.from_all(places.take(slice(3, 4)))).all()


def test_walking_keeps_footways_and_ignores_one_ways():
    lane = streets(
        [(0, 0), (100, 0), (100, 100)],
        [(0, 1), (1, 2), (2, 0)],
        forward=[True, False, False],
        backward=[True, False, False],
        foot=[True, True, False],
    )
    network = Network(lane, SpeedProfile(walk_kmh=3.6))
    assert network.travel(mode="walk").matrix(0, [1, 2]).tolist() == [[100.0, 200.0]]
    assert network.travel().matrix(0, [1, 2]).tolist() == [[10.0, np.inf]]
    ring = Network(BLOCK, SpeedProfile(walk_kmh=3.6)).travel(mode="walk")
    assert ring.matrix(1, 0).tolist() == [[100.0]]
    assert network.walk_core_report.length_cut_km == 0.0


def test_closures_hours_and_modes_are_customised_and_kept():
    week = [1.0] * 168
    week[8] = 0.5
    network = Network(BLOCK, SpeedProfile(mode={"ordinary": 0.8}, week={"*": week}))
    assert network.travel().matrix(0, 2).tolist() == [[20.0]]
    assert network.travel(8).matrix(0, 2).tolist() == [[40.0]]
    assert network.travel(9) is network.travel(10) is network.travel()
    assert network.travel(8, "ordinary").matrix(0, 2).tolist() == [[50.0]]
    shut = network.travel(closed=[1])
    assert shut.matrix(0, [1, 2]).tolist() == [[10.0, np.inf]]
    assert shut.matrix(at((1, 50.0)), [2]).tolist() == [[np.inf]]
    assert shut.matrix(0, at((1, 50.0), (1, 0.0))).tolist() == [[np.inf, 10.0]]
    assert network.travel(closed=np.array([1])) is shut
    assert network.travel().matrix(0, 2).tolist() == [[20.0]]
    faster = network.with_profile(SpeedProfile(class_factor={"street": 2.0}))
    assert faster.travel().matrix(0, 2).tolist() == [[10.0]]
    assert faster.travel().router.topology is network.travel().router.topology
    with pytest.raises(AnlanError, match="closed edge 9"):
        network.travel(closed=[9])
    with pytest.raises(AnlanError, match="slot 200"):
        network.travel(200)


def test_seconds_lost_at_junctions_are_part_of_each_edge():
    network = Network(BLOCK, SpeedProfile(junction_s=2.0))
    assert network.travel().matrix(0, 2).tolist() == [[24.0]]
    assert network.edge_seconds().tolist() == [12.0] * 5


def test_a_city_without_roads_has_no_ways():
    empty = Roads(Edges.empty(), np.zeros(1, np.int64), *(np.empty(0),) * 4)
    network = Network(empty)
    assert network.core_report.share_cut == 0.0
    assert network.travel().matrix(at((-1, 0.0)), at((-1, 0.0))).tolist() == [[np.inf]]


def test_impossible_positions_are_refused():
    travel = Network(BLOCK).travel()
    with pytest.raises(AnlanError, match="origins, row 1: edge 5"):
        travel.matrix(at((0, 0.0), (5, 0.0)), [0])
    with pytest.raises(AnlanError, match="destinations, row 0: 120"):
        travel.matrix([0], at((0, 120.0)))
    with pytest.raises(AnlanError, match="nan m along"):
        travel.matrix([0], at((0, np.nan)))
    from anlan.city.travel import Travel

    with pytest.raises(AnlanError, match="has no streets"):
        Travel.from_arcs(2, [0], [1], [1.0]).matrix(at((0, 0.0)), [0])


@st.composite
def towns(draw):
    """Random streets with loops, parallels and one-ways, and positions on them."""
    n = draw(st.integers(2, 8))
    m = draw(st.integers(1, 14))
    node = st.integers(0, n - 1)
    rows = draw(st.lists(st.tuples(node, node), min_size=m, max_size=m))
    length = draw(st.lists(st.sampled_from([0.0, 10.0, 35.0, 80.0]), min_size=m, max_size=m))
    ways = draw(st.lists(st.sampled_from([(1, 1), (1, 0), (0, 1), (0, 0)]), min_size=m, max_size=m))
    k = draw(st.integers(1, 6))
    spots = draw(st.lists(st.tuples(st.integers(0, m - 1), st.integers(0, 10)), min_size=k, max_size=k))
    return n, rows, length, ways, [(e, length[e] * tenth / 10) for e, tenth in spots]


@settings(max_examples=120, deadline=None)
@given(towns())
def test_positions_agree_with_a_network_cut_at_each_of_them(town):
    """Each position becomes a node of its own; the pieces of its street share its time."""
    n, rows, length, ways, spots = town
    forward, backward = np.array(ways, bool).T
    roads = streets(np.zeros((n, 2)), rows, length_m=np.array(length), forward=forward, backward=backward)
    network = Network(roads)
    inside = network.core_edges
    arcs = []
    place: dict[tuple[int, float], int] = {}
    for e, (u, v) in enumerate(rows):
        chain = [(0.0, u)]
        for edge, offset in sorted(set(spots)):
            if edge == e and 0.0 < offset < length[e]:
                place[edge, offset] = n + len(place)
                chain.append((offset, place[edge, offset]))
            elif edge == e:
                place[edge, offset] = v if offset > 0.0 else u
        chain.append((length[e], v))
        for (a_m, a), (b_m, b) in itertools.pairwise(chain):
            seconds = (b_m - a_m) / 10.0
            arcs += [(a, b, seconds)] * bool(forward[e] and inside[e])
            arcs += [(b, a, seconds)] * bool(backward[e] and inside[e])
    total = n + len(spots)
    least: dict[tuple[int, int], float] = {}
    for a, b, s in arcs:
        if a != b:
            least[a, b] = min(s, least.get((a, b), np.inf))
    pairs = np.array(list(least), int).reshape(-1, 2)
    graph = sparse.coo_array((list(least.values()), tuple(pairs.T)), shape=(total, total)).tocsr()
    node = [place[spot] for spot in spots]
    expected = dijkstra(graph)[np.ix_(node, node)]
    places = at(*spots)
    travel = network.travel()
    found = travel.matrix(places, places)
    close(found, expected)
    close(travel.cost(places, places), expected.T)
    close(travel.pairs(places, places), np.diag(expected))
    near = np.where(found <= 7.0, found, np.inf)
    many = Positions(np.tile(places.edge, 16), np.tile(places.offset_m, 16))
    for sites, often in ((places, 0), (many, 10**9)):  # searched, and swept
        with mock.patch("anlan.city.router.SWEPT_PER_SEARCHED", often):
            got = travel.within(sites, 7.0, places)
        assert got.shape == (len(spots), len(sites))
        row = np.repeat(np.arange(len(spots)), np.diff(got.indptr))
        dense = np.full(got.shape, np.inf)
        dense[row, got.indices] = got.data
        close(dense, np.tile(near.T, (1, len(sites) // len(spots))))
    for i in range(len(spots)):
        path = travel.path(places.take(slice(i, i + 1)), places.take(slice(0, 1)))
        assert path.travel_s == pytest.approx(expected[i, 0], abs=1e-3)
        if path.reachable:
            assert (np.diff(path.vertex_s) >= -1e-9).all()
            assert path.vertex_s[[0, -1]] == pytest.approx([0.0, path.travel_s])
