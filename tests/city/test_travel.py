from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from anlan.city.travel import Travel
from anlan.core.errors import AnlanError


def oracle(travel: Travel, indices: Any = None) -> Any:
    """SciPy's Dijkstra on the same rounded arcs."""
    return dijkstra(travel.graph_csr(), indices=indices)


def close(found: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


@st.composite
def networks(draw):
    """Directed arcs with zeros, parallels, loops and pieces that nothing joins."""
    n = draw(st.integers(1, 14))
    m = draw(st.integers(0, 40))
    node = st.integers(0, n - 1)
    tail = draw(st.lists(node, min_size=m, max_size=m))
    head = draw(st.lists(node, min_size=m, max_size=m))
    time = st.one_of(st.just(0.0), st.integers(0, 4).map(float), st.floats(0, 900))
    seconds = draw(st.lists(time, min_size=m, max_size=m))
    return n, tail, head, seconds


@settings(max_examples=150, deadline=None)
@given(networks())
def test_every_question_agrees_with_dijkstra(network):
    travel = Travel.from_arcs(*network)
    n = network[0]
    expected = oracle(travel)
    every = np.arange(n)
    close(travel.matrix(every, every), expected)
    close(travel.cost(every, [0]), expected[[0]].T)
    close(travel.cost([0], every), expected[:, [0]].T)
    close(travel.from_all(every), expected)
    close(travel.to_all(every), expected.T)
    close(travel.pairs(every, every[::-1]), expected[every, every[::-1]])
    for reach in (0.0, 3.0, 500.0):
        found = travel.within(every, reach)
        dense = np.full((n, n), np.inf)
        rows = np.repeat(every, np.diff(found.indptr))
        dense[rows, found.indices] = found.data
        near = np.where(expected <= reach + 1e-9, expected, np.inf)
        close(dense, near.T)
    for place in range(min(n, 3)):
        index, seconds = travel.nearest(place, every, k=3)
        best = np.argsort(expected[:, place], kind="stable")[:3]
        best = best[np.isfinite(expected[best, place])]
        close(seconds, expected[best, place])
        close(expected[index, place], expected[best, place])


@settings(max_examples=150, deadline=None)
@given(networks())
def test_paths_and_trees_are_walks_of_the_right_length(network):
    n, tail, head, seconds = network
    travel = Travel.from_arcs(n, tail, head, seconds)
    expected = oracle(travel)
    for target, (far, after) in enumerate(travel.trees_to(np.arange(n))):
        close(far, expected[:, target], rtol=1e-6)
        for source in range(n):
            path = travel.path(source, target)
            assert path.travel_s == pytest.approx(expected[source, target])
            if not path.reachable:
                assert len(path.nodes) == 0
                assert after[source] == -1
                continue
            nodes = path.nodes.tolist()
            assert (nodes[0], nodes[-1]) == (source, target)
            assert len(set(nodes)) == len(nodes)
            legs = zip(nodes, nodes[1:], path.edges.tolist(), strict=False)
            assert all((tail[e], head[e]) == (a, b) for a, b, e in legs)
            took = np.array([seconds[e] for e in path.edges.tolist()])
            close(np.diff(path.node_s), took, atol=1e-4)
            # The tree leads there too, and never round in a circle.
            at, steps = source, 0
            while at != target:
                at, steps = int(after[at]), steps + 1
                assert steps <= n


def test_cost_is_from_site_to_demand():
    """A one-way ring: from the station at 0 the house at 1 is one step off, the way back is three."""
    ring = Travel.from_arcs(4, [0, 1, 2, 3], [1, 2, 3, 0], [10.0, 10.0, 10.0, 10.0])
    station, house = [0], [1]
    assert ring.cost(house, station).tolist() == [[10.0]]
    assert ring.matrix(house, station).tolist() == [[30.0]]
    assert ring.within(station, 10.0, house).toarray().tolist() == [[10.0]]
    assert ring.within(house, 10.0, station).nnz == 0
    assert ring.to_all(0).tolist() == [[0.0, 30.0, 20.0, 10.0]]
    assert ring.nearest(1, [2, 0])[0].tolist() == [1]
    assert ring.nearest(1, [2, 0])[1].tolist() == [10.0]


def test_zero_arcs_are_stored_and_travelled():
    travel = Travel.from_arcs(3, [0, 1, 1, 0], [1, 2, 0, 0], [0.0, 2.5, 0.0, 9.0])
    graph = travel.graph_csr()
    assert graph.nnz == 4
    assert graph.data.tolist() == [9.0, 0.0, 0.0, 2.5]
    assert travel.matrix([0, 1], [0, 1, 2]).tolist() == [[0.0, 0.0, 2.5], [0.0, 0.0, 2.5]]
    inside = travel.within([0], 0.0)
    assert inside.nnz == 2
    assert inside.data.tolist() == [0.0, 0.0]


def test_of_parallel_arcs_the_fastest_counts_and_inf_is_no_arc():
    travel = Travel.from_arcs(3, [0, 0, 0, 1], [1, 1, 1, 2], [7.0, 3.0, 5.0, np.inf])
    assert travel.matrix(0, [1, 2]).tolist() == [[3.0, np.inf]]
    assert travel.path(0, 1).edges.tolist() == [1]


def test_seconds_come_out_as_they_went_in():
    seconds = [0.05, 1.25, 7.0, 0.0001, 12345.678]
    travel = Travel.from_arcs(6, range(5), range(1, 6), seconds)
    assert travel.tick_s == 1e-4
    assert travel.matrix(2, 3)[0, 0] == 7.0
    np.testing.assert_array_equal(travel.graph_csr().data, seconds)


def test_long_journeys_take_coarser_ticks_and_stay_right():
    n = 50
    seconds = np.full(n - 1, 86_400.0)
    travel = Travel.from_arcs(n, np.arange(n - 1), np.arange(1, n), seconds)
    assert travel.tick_s == 0.01
    assert travel.matrix(0, n - 1)[0, 0] == 49 * 86_400.0
    grand = Travel.from_arcs(2, [0, 1], [1, 0], [1e15, 1.0])
    assert grand.matrix(0, 1)[0, 0] == np.float32(1e15)


def test_a_strongly_connected_network_keeps_fine_ticks_however_many_arcs_it_has():
    """The bound is the way through a root, not the sum of all arcs."""
    side = 300
    at = np.arange(side * side).reshape(side, side)
    a = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    b = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    travel = Travel.from_arcs(side * side, np.r_[a, b], np.r_[b, a], np.full(2 * len(a), 20.0))
    assert travel.tick_s == 1e-4
    assert travel.matrix(0, side * side - 1)[0, 0] == 20.0 * 2 * (side - 1)


def test_a_grid_city_against_dijkstra():
    rng = np.random.default_rng(5)
    side = 60
    at = np.arange(side * side).reshape(side, side)
    a = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    b = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    one_way = rng.random(len(a)) < 0.3
    tail, head = np.r_[a, b[~one_way]], np.r_[b, a[~one_way]]
    travel = Travel.from_arcs(side * side, tail, head, rng.gamma(2.0, 6.0, len(tail)))
    sources, targets = rng.integers(0, side * side, 70), rng.integers(0, side * side, 45)
    expected = oracle(travel, sources)
    close(travel.matrix(sources, targets), expected[:, targets], rtol=1e-6)
    close(travel.cost(targets, sources), expected[:, targets].T, rtol=1e-6)
    close(travel.from_all(sources), expected, rtol=1e-6)
    near = travel.within(sources, 120.0)
    assert near.nnz == (expected <= 120.0).sum()
    close(near.toarray(), np.where(expected <= 120.0, expected, 0.0).T, rtol=1e-6)
    again = Travel.from_arcs(side * side, tail, head, travel.router.ticks * travel.tick_s)
    np.testing.assert_array_equal(again.matrix(sources, targets), travel.matrix(sources, targets))


def test_searches_and_sweeps_find_the_same_within_a_limit(monkeypatch: Any):
    """Few sites or small reaches are searched, many wide ones swept: the answer must not tell which."""
    rng = np.random.default_rng(8)
    n = 300
    tail, head = rng.integers(0, n, 1200), rng.integers(0, n, 1200)
    travel = Travel.from_arcs(n, tail, head, rng.integers(0, 30, 1200).astype(float))
    sites, demand = rng.integers(0, n, 70), rng.integers(0, n, 90)
    found = []
    for often in (0, 10**9):
        monkeypatch.setattr("anlan.city.router.SWEPT_PER_SEARCHED", often)
        found.append([travel.within(sites, 40.0, demand), travel.within(sites, 40.0)])
    for searched, swept in zip(*found, strict=True):
        np.testing.assert_array_equal(searched.indptr, swept.indptr)
        np.testing.assert_array_equal(searched.indices, swept.indices)
        np.testing.assert_array_equal(searched.data, swept.data)
        assert (searched.data == 0).any()


def test_nothing_asked_is_nothing_answered():
    travel = Travel.from_arcs(3, [0], [1], [1.0])
    assert travel.matrix([], [0, 1]).shape == (0, 2)
    assert travel.matrix([0, 1], []).shape == (2, 0)
    assert travel.from_all([]).shape == (0, 3)
    assert travel.within([], 5.0).shape == (3, 0)
    assert travel.within([0], 5.0, []).shape == (0, 1)
    assert travel.within(np.zeros(40, int), 5.0, []).shape == (0, 40)
    assert travel.nearest(0, [])[0].tolist() == []
    assert Travel.from_arcs(1, [], [], []).matrix(0, 0).tolist() == [[0.0]]
    assert Travel.from_arcs(4, [], [], []).matrix([0, 1], [1]).tolist() == [[np.inf], [0.0]]


@pytest.mark.parametrize(
    ("arcs", "message"),
    [
        ((2, [0], [1], [-1.0]), r"seconds\[0\] = -1.0"),
        ((2, [0, 1], [1, 0], [1.0, np.nan]), r"seconds\[1\] = nan"),
        ((2, [0], [2], [1.0]), r"head\[0\] = 2"),
        ((2, [-1], [1], [1.0]), r"tail\[0\] = -1"),
        ((2, [0, 1], [1], [1.0]), "arc has one of each"),
        ((2, [0.0], [1.0], [1.0]), "whole numbers"),
    ],
)
def test_impossible_arcs_are_refused(arcs, message):
    with pytest.raises(AnlanError, match=message):
        Travel.from_arcs(*arcs)


def test_impossible_questions_are_refused():
    travel = Travel.from_arcs(3, [0], [1], [1.0], xy=[[0, 0], [1, 0], [2, 0]])
    with pytest.raises(AnlanError, match="origins: node 3"):
        travel.matrix([0, 3], [1])
    with pytest.raises(AnlanError, match="sites: node -1"):
        travel.cost([0], [-1])
    with pytest.raises(AnlanError, match="reach_s = -5"):
        travel.within([0], -5)
    with pytest.raises(AnlanError, match="reach_s = nan"):
        travel.within([0], float("nan"))
    with pytest.raises(AnlanError, match="k = 0"):
        travel.nearest(0, [1], 0)
    with pytest.raises(AnlanError, match="2 places"):
        travel.nearest([0, 1], [1])
    with pytest.raises(AnlanError, match="of type float64"):
        travel.matrix(np.array([0.5]), 1)
    with pytest.raises(AnlanError, match="2 origins and 1"):
        travel.pairs([0, 1], [1])
    with pytest.raises(AnlanError, match="xy of shape"):
        Travel.from_arcs(3, [0], [1], [1.0], xy=[[0, 0]])


def test_the_graph_is_scipys():
    travel = Travel.from_arcs(3, [2, 0], [0, 1], [4.0, 1.0])
    graph = travel.graph_csr()
    assert isinstance(graph, sparse.csr_array)
    assert graph.toarray().tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [4.0, 0.0, 0.0]]
