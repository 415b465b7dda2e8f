"""A rank for each node by nested dissection: what separates the map goes to the top."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymetis
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

I32 = NDArray[np.int32]


def neighbours(n_nodes: int, tail: NDArray[Any], head: NDArray[Any]) -> sparse.csr_array:
    """The undirected simple graph under a set of arcs: no loops, both directions, one of each."""
    loop = tail == head
    t, h = tail[~loop].astype(np.int32), head[~loop].astype(np.int32)
    ones = np.ones(2 * len(t), np.int8)
    both = (np.concatenate([t, h]), np.concatenate([h, t]))
    return sparse.coo_array((ones, both), shape=(n_nodes, n_nodes)).tocsr()


def nested_dissection(graph: sparse.csr_array) -> NDArray[np.int64]:
    """Nodes in elimination order, lowest first, shape (n,).

    Dead ends and the joints of chains (one or two neighbours) go first: they add no arc that is not a
    shortening, and half of a street map is made of them. The rest goes to METIS (Karypis and Kumar 1998),
    renumbered by reverse Cuthill-McKee: neighbours in memory are then neighbours on the map, on which METIS
    is faster. Its seed is fixed, so equal graphs get equal orders.
    """
    alive = np.arange(graph.shape[0])
    lowest: list[NDArray[np.int64]] = []
    for turn in range(3):
        first, graph = _without_joints(graph, turn)
        lowest.append(alive[first])
        alive = alive[~first]
    if len(alive) < 3 or graph.nnz == 0:
        return np.concatenate([*lowest, alive])
    near = reverse_cuthill_mckee(graph, symmetric_mode=True).astype(np.int64)
    starts, adjacent = _renumbered(graph, near)
    perm, _ = pymetis.nested_dissection(pymetis.CSRAdjacency(adj_starts=starts, adjacent=adjacent))
    return np.concatenate([*lowest, alive[near[np.asarray(perm, np.int64)]]])


def _without_joints(graph: sparse.csr_array, turn: int) -> tuple[NDArray[np.bool_], sparse.csr_array]:
    """Eliminate nodes of at most two neighbours, no two of them next to each other.

    Of neighbouring candidates the one whose number hashes highest is taken, so that long chains are halved
    each turn and the elimination tree stays shallow.
    """
    n = graph.shape[0]
    degree = np.diff(graph.indptr)
    number = np.arange(n, dtype=np.uint32)
    # Knuth's multiplicative hash (a bijection of 32 bits): no two nodes tie.
    hashed = ((number + np.uint32(turn)) * np.uint32(2654435761)).astype(np.int64)
    priority = np.where(degree <= 2, hashed, -1)
    row = np.repeat(number, degree)
    column = graph.indices
    beaten = np.zeros(n, bool)
    beaten[row[priority[column] > priority[row]]] = True
    first = (degree <= 2) & ~beaten
    between = np.flatnonzero(first & (degree == 2))
    a, b = column[graph.indptr[between]], column[graph.indptr[between] + 1]
    keep = ~first[row] & ~first[column]
    renumber = np.cumsum(~first) - 1
    tail = renumber[np.concatenate([row[keep], a, b])]
    head = renumber[np.concatenate([column[keep], b, a])]
    size = n - int(first.sum())
    return first, sparse.coo_array((np.ones(len(tail), np.int8), (tail, head)), shape=(size, size)).tocsr()


def _renumbered(graph: sparse.csr_array, near: NDArray[np.int64]) -> tuple[I32, I32]:
    """CSR arrays of the graph whose node i is ``near[i]``, without isolated nodes' trouble."""
    place = np.empty(len(near), np.int32)
    place[near] = np.arange(len(near), dtype=np.int32)
    degree = np.diff(graph.indptr)[near]
    starts = np.concatenate([[0], np.cumsum(degree)])
    arcs = np.repeat(graph.indptr[near] - starts[:-1], degree) + np.arange(starts[-1])
    return starts.astype(np.int32), place[graph.indices[arcs]]
