"""The stages of the hierarchy, each against its definition."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from anlan.kernels.routing import customise, hierarchy, order, potential, reach, topology
from anlan.kernels.routing.customise import INF


@st.composite
def arcs(draw):
    n = draw(st.integers(1, 16))
    m = draw(st.integers(0, 40))
    node = st.integers(0, n - 1)
    lists = [draw(st.lists(node, min_size=m, max_size=m)) for _ in range(2)]
    ticks = draw(st.lists(st.integers(0, 9), min_size=m, max_size=m))
    return n, *(np.array(x, np.int32) for x in (*lists, ticks))


def distances(n: int, tail: Any, head: Any, ticks: Any) -> Any:
    """SciPy's Dijkstra on the fastest of parallel arcs."""
    least: dict[tuple[int, int], int] = {}
    for t, h, w in zip(tail.tolist(), head.tolist(), ticks.tolist(), strict=True):
        if t != h:
            least[t, h] = min(w, least.get((t, h), w))
    pairs = np.array(list(least), int).reshape(-1, 2).T
    graph = sparse.coo_array((np.array(list(least.values()), float), tuple(pairs)), shape=(n, n)).tocsr()
    return dijkstra(graph)


def grid(side: int) -> Any:
    at = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([at[:, :-1].ravel(), at[:-1].ravel()])
    head = np.concatenate([at[:, 1:].ravel(), at[1:].ravel()])
    return side * side, np.r_[tail, head].astype(np.int32), np.r_[head, tail].astype(np.int32)


def uppers(shape: Any) -> Any:
    return [shape.up_head[shape.up_start[r] : shape.up_start[r + 1]].tolist() for r in range(shape.n_nodes)]


@settings(max_examples=100, deadline=None)
@given(arcs())
def test_the_completion_is_chordal_and_its_tree_is_a_postorder(given_arcs):
    n, tail, head, _ = given_arcs
    shape = hierarchy.build(n, tail, head)
    assert sorted(shape.node.tolist()) == list(range(n))
    np.testing.assert_array_equal(shape.rank[shape.node], np.arange(n))
    above = uppers(shape)
    for t, h in zip(shape.rank[tail].tolist(), shape.rank[head].tolist(), strict=True):
        assert t == h or max(t, h) in above[min(t, h)]
    for r, list_ in enumerate(above):
        assert list_ == sorted(set(list_))
        assert shape.parent[r] == (list_[0] if list_ else -1)
        assert all(z in above[y] for i, y in enumerate(list_) for z in list_[i + 1 :])
    subtree = np.ones(n, int)
    for r in range(n):
        if shape.parent[r] >= 0:
            subtree[shape.parent[r]] += subtree[r]
    for r in range(n):  # contiguous: everything just below r that is no smaller than its subtree is in it
        assert all(_root_path(shape.parent, s, r) for s in range(r - subtree[r] + 1, r))
    low, high = shape.middle, shape.top
    for r in range(high):
        assert all(y >= high or (y < low) == (r < low) for y in above[r])


def _root_path(parent: Any, x: int, wanted: int) -> bool:
    while x >= 0 and x != wanted:
        x = parent[x]
    return x == wanted


def test_a_grid_is_cut_in_two_even_halves_below_a_small_top():
    n, tail, head = grid(60)
    shape = hierarchy.build(n, tail, head)
    assert n - shape.top < 0.06 * n
    assert 0.35 < shape.middle / shape.top < 0.65


def test_joints_of_a_chain_go_first_and_keep_the_tree_shallow():
    n = 4096
    tail = np.arange(n - 1)
    shape = hierarchy.build(n, tail, tail + 1)
    depth = np.zeros(n, int)
    for r in range(n - 1, -1, -1):
        if shape.parent[r] >= 0:
            depth[r] = depth[shape.parent[r]] + 1
    assert depth.max() < 40
    assert len(shape.up_head) < 2 * n


def test_the_order_is_the_same_each_time():
    graph = order.neighbours(*grid(30))
    np.testing.assert_array_equal(order.nested_dissection(graph), order.nested_dissection(graph))


@settings(max_examples=100, deadline=None)
@given(arcs())
def test_after_perfect_customisation_each_arc_is_the_distance_of_its_ends(given_arcs):
    n, tail, head, ticks = given_arcs
    shape = hierarchy.build(n, tail, head)
    slot = hierarchy.slots(shape, tail, head)
    expected = distances(n, shape.rank[tail], shape.rank[head], ticks)
    up, down = np.empty((2, len(shape.up_head)), np.int32)
    keep = np.ones((2, len(up)), np.int32)
    start, above = shape.up_start, shape.up_head
    customise.enter(slot, ticks, up, down)
    customise.shorten(start, above, up, down, 0, n, n, up[:0], down[:0])
    customise.perfect(start, above, up, down, keep[0], keep[1], 0, n)
    low = np.repeat(np.arange(n), np.diff(start))
    np.testing.assert_array_equal(np.where(up < INF, up, np.inf), expected[low, above])
    np.testing.assert_array_equal(np.where(down < INF, down, np.inf), expected[above, low])
    # Halves side by side give the same arcs.
    h = hierarchy.customised(shape, slot, ticks)
    for packed, direction, kept in ((h.up_arc, up, keep[0]), (h.down_arc, down, keep[1])):
        rows = [a for r in range(n - 1, -1, -1) for a in range(start[r], start[r + 1])]
        stays = [a for a in rows if kept[a] and direction[a] < INF]
        np.testing.assert_array_equal(packed, np.stack([n - 1 - above[stays], direction[stays]], axis=1))


def test_a_closed_arc_is_no_arc():
    n, tail, head = 3, np.array([0, 1], np.int32), np.array([1, 2], np.int32)
    shape = hierarchy.build(n, tail, head)
    h = hierarchy.customised(shape, hierarchy.slots(shape, tail, head), np.array([5, INF], np.int32))
    assert len(h.up_arc) + len(h.down_arc) == 1


@settings(max_examples=60, deadline=None)
@given(arcs(), st.integers(0, 5), st.integers(0, 25))
def test_the_reach_is_the_same_for_any_width_of_buckets(given_arcs, width, limit):
    n, tail, head, ticks = given_arcs
    expected = distances(n, tail, head, ticks)
    by_tail = np.argsort(tail, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n))]).astype(np.int32)
    arc = np.ascontiguousarray(np.stack([head, ticks], axis=1)[by_tail])
    row = np.stack([np.arange(n), np.full(n, -1)], axis=1).astype(np.int32)
    every = np.arange(n + 1, dtype=np.int32)
    demand = np.stack([every[:-1], np.zeros(n, np.int32)], axis=1)
    none, nobody = np.zeros(n + 1, np.int32), np.empty((0, 2), np.int32)
    at, found, far = reach.reach(
        start, arc, row, np.zeros((n, 2), np.int32), limit, width, 16, every, demand, n, none, nobody, 1.0
    )
    for s in range(n):
        near = dict(zip(found[at[s] : at[s + 1]].tolist(), far[at[s] : at[s + 1]].tolist(), strict=True))
        assert near == {j: d for j, d in enumerate(expected[s]) if d <= limit}


def test_next_hops_leave_a_ring_of_zero_arcs():
    """Nodes 0, 1, 2 lie round a ring of zero time; only 2 has the exit to 3."""
    start = np.array([0, 1, 3, 5, 5], np.int32)
    arc = np.array([[1, 0], [2, 0], [0, 0], [0, 0], [3, 4]], np.int32)
    distance = np.array([4, 4, 4, 0], np.int32)
    after = potential.hops(start, arc, distance, np.array([3, -1], np.int32), np.zeros(2, np.int32))
    assert after.tolist() == [1, 2, 3, -1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_the_smallest_networks(n):
    none = np.empty(0, np.int32)
    shape = hierarchy.build(n, none, none)
    h = hierarchy.customised(shape, hierarchy.slots(shape, none, none), none)
    assert h.parent.tolist() == [-1] * n
    assert topology.split(shape.parent) == (shape.middle, shape.top)
