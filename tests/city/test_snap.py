from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anlan.city.roads import Edges, Roads
from anlan.city.snap import Snapper, locate
from anlan.city.streets import roads_of
from anlan.model import Positions


def network(shapes: Any, **columns: Any) -> Roads:
    """Roads of polylines given as lists of points in metres, each with junctions of its own."""
    start = np.concatenate([[0], np.cumsum([len(s) for s in shapes])]).astype(np.int64)
    points = np.array([p for s in shapes for p in s], dtype=float).reshape(-1, 2)
    n = len(shapes)
    length = [shapely.LineString(s).length for s in shapes]
    given_ = {"length_m": length, **columns}
    edges = Edges.make(
        id=[str(i) for i in range(n)],
        u=np.arange(n) * 2,
        v=np.arange(n) * 2 + 1,
        road_class=["road"] * n,
        **given_,
    )
    return roads_of(edges, start, points[:, 0], points[:, 1])


BENT = network([[(0, 0), (10, 0), (10, 10)], [(100, 0), (100, 50)]])


def test_a_point_beside_a_bend_keeps_its_place_along_the_edge():
    positions, distance = Snapper(BENT).snap([4, 12, 10.0], [3, 4, 25])
    assert positions.edge.tolist() == [0, 0, 0]
    assert positions.offset_m.tolist() == [4, 14, 20]
    assert distance.tolist() == [3, 2, 15]


def test_the_end_of_an_edge_is_the_nearest_place_of_points_beyond_it():
    positions, distance = Snapper(BENT).snap(100, -30)
    assert (positions.edge[0], positions.offset_m[0], distance[0]) == (1, 0, 30)


def test_points_off_the_network_have_no_edge():
    positions, distance = Snapper(BENT).snap([0, 1e7, np.nan, np.inf, 0], [0, 1e7, 0, 0, -1000.1])
    assert positions.edge.tolist() == [0, -1, -1, -1, -1]
    assert np.isnan(distance[1:]).all()
    assert Snapper(BENT).snap(0, -1000)[0].edge.tolist() == [0]


def test_any_distance_may_be_allowed():
    positions, distance = Snapper(BENT).snap([-4e6, 1e6], [3e6, 0], max_distance_m=np.inf)
    assert positions.edge.tolist() == [0, 1]
    assert distance[0] == 5e6


def test_offsets_run_in_the_stated_length():
    roads = network([[(0, 0), (10, 0)]], length_m=[20.0])
    positions, _ = Snapper(roads).snap(5, 1)
    assert positions.offset_m.tolist() == [10]
    assert locate(roads, positions)[0].tolist() == [5]


def test_only_chosen_edges_count():
    closed = network([[(0, 0), (10, 0)], [(0, 5), (10, 5)]], forward=[False, True], backward=[False, True])
    assert Snapper(closed).snap(5, 1)[0].edge.tolist() == [1]
    assert Snapper(closed, np.array([True, False])).snap(5, 4)[0].edge.tolist() == [0]
    assert Snapper(closed, np.array([False, False])).snap(5, 4)[0].edge.tolist() == [-1]


def test_of_equally_near_edges_the_first_is_taken():
    roads = network([[(0, 9), (10, 9)], [(0, 0), (10, 0)], [(0, 6), (10, 6)]])
    assert Snapper(roads).snap(5, 3)[0].edge.tolist() == [1]


def test_no_roads_and_no_points():
    nothing = Roads(Edges.empty(), np.zeros(1, np.int64), *(np.empty(0),) * 4)
    assert Snapper(nothing).snap([1.0], [2.0])[0].edge.tolist() == [-1]
    assert len(Snapper(BENT).snap([], [])[0]) == 0


coordinate = st.integers(-60, 60).map(lambda n: n / 4)
polyline = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=5).filter(
    lambda points: len(set(points)) > 1
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(polyline, min_size=1, max_size=8),
    arrays(float, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-40, 40, width=32)),
    st.sampled_from([0.5, 7.0, np.inf]),
)
def test_as_measuring_every_line(shapes, points, limit):
    roads = network(shapes)
    positions, distance = Snapper(roads).snap(points[:, 0], points[:, 1], max_distance_m=limit)
    lines = np.array([shapely.LineString(s) for s in shapes])
    for (x, y), edge, offset, found in zip(points, positions.edge, positions.offset_m, distance, strict=True):
        far = shapely.distance(lines, shapely.Point(x, y))
        if far.min() > limit + 1e-9:
            assert edge == -1
        elif edge >= 0:
            assert found == pytest.approx(far.min(), abs=1e-9)
            assert far[edge] == pytest.approx(far.min(), abs=1e-9)
            place = lines[edge].interpolate(offset)
            assert np.hypot(place.x - x, place.y - y) == pytest.approx(found, abs=1e-7)
            assert 0 <= offset <= roads.edges.length_m[edge]
        else:
            assert far.min() >= limit - 1e-9


@settings(max_examples=30, deadline=None)
@given(st.lists(polyline, min_size=1, max_size=6), st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_locating_is_the_inverse(shapes, shares):
    roads = network(shapes)
    edge = np.arange(len(shares)) % len(shapes)
    offset = np.array(shares) * roads.edges.length_m[edge]
    x, y = locate(roads, Positions(edge.astype(np.int32), offset))
    for k, e in enumerate(edge.tolist()):
        place = shapely.LineString(shapes[e]).interpolate(offset[k])
        assert (x[k], y[k]) == pytest.approx((place.x, place.y), abs=1e-9)
    _, distance = Snapper(roads).snap(x, y)
    assert distance.max() < 1e-9


def test_a_place_off_the_network_is_nowhere():
    x, y = locate(BENT, Positions(np.array([-1, 1]), np.array([0.0, 50.0])))
    assert np.isnan(x[0])
    assert (x[1], y[1]) == (100, 50)


def test_many_points_in_threads_are_as_one_by_one():
    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(0, 30, (300, 40, 2)), axis=1) + rng.uniform(0, 5000, (300, 1, 2))
    roads = network([s.tolist() for s in walk])
    snapper = Snapper(roads)
    x, y = rng.uniform(-500, 5500, (2, 150_000))
    positions, distance = snapper.snap(x, y)
    some = rng.integers(0, len(x), 200)
    lines = shapely.linestrings(walk)
    far = shapely.distance(lines[:, None], shapely.points(x[some], y[some])[None, :]).min(axis=0)
    np.testing.assert_allclose(np.where(far <= 1000, far, np.nan), distance[some], atol=1e-6)
    again, _ = snapper.snap(x[some], y[some])
    assert again.edge.tolist() == positions.edge[some].tolist()
