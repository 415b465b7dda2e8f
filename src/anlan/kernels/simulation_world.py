"""The arrays of a simulated city, and how long it takes to get from where to where in it.

Nodes are in the rank space of `anlan.kernels.simulation_labels`, times on the network in ticks (int32).
**Places** are rows of one table: first the posts (stations and standby posts), then the destinations, together
called hubs, then the places of calls. A place is left and reached through up to two nodes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.simulation_labels import INF, between, common

Array = NDArray[Any]


class World(NamedTuple):
    """What does not change during a run; M modes, N nodes, H hubs, P places, E street edges."""

    start: Array
    """Arcs in CSR form, int32 (N + 1,)."""
    head: Array
    """int32 (A,)."""
    ticks: Array
    """Ticks of each arc, int32 (M, A)."""
    tick_s: Array
    """Seconds per tick, float64 (M,)."""
    slowest: Array
    """``slowest[m, k]``: at most 1 and at most any arc's seconds in mode m over its seconds in mode k (M, M)."""
    offset: Array
    """Labels: where each node's begins, int64 (N + 1,)."""
    depth: Array
    pre: Array
    least: Array
    forward: Array
    """Label ticks from each node to its ancestors, int32 (M, L)."""
    backward: Array
    """Label ticks from its ancestors to each node, int32 (M, L)."""
    leaving: Array
    """From each hub to every node, int32 (M, N, H)."""
    reaching: Array
    """From every node to each hub, int32 (M, N, H)."""
    node: Array
    """Nodes of each place, int32 (P, 2), -1 unused."""
    out: Array
    """Ticks from the place to its node, int32 (M, P, 2), `INF` where unused."""
    into: Array
    """Ticks from its node to the place, int32 (M, P, 2)."""
    edge: Array
    """Street edge a place lies inside of, int32 (P,), -1 none."""
    share: Array
    """How far along that edge, float64 (P,)."""
    along: Array
    """Ticks of each street edge forwards and backwards, int32 (M, 2, E)."""


@njit(cache=True, nogil=True)
def node_to_place(w: Any, m: int, v: int, q: int) -> int:
    """Ticks from a node to a place in mode m."""
    if q < w.reaching.shape[2]:
        return int(w.reaching[m, v, q])
    best = INF
    for k in range(2):
        n = int(w.node[q, k])
        if n >= 0:
            d = between(w.offset, w.forward[m], w.backward[m], v, n, common(w.depth, w.pre, w.least, v, n))
            best = min(best, np.int32(d + w.into[m, q, k]))
    return int(best)


@njit(cache=True, nogil=True)
def inside_edge(w: Any, m: int, p: int, q: int) -> int:
    """Ticks between two places inside the same street edge without leaving it; `INF` where not so."""
    e = w.edge[p]
    if e < 0 or e != w.edge[q]:
        return int(INF)
    ahead = w.share[q] - w.share[p]
    if ahead == 0.0:
        return 0
    whole = w.along[m, 0, e] if ahead > 0.0 else w.along[m, 1, e]
    return int(INF) if whole >= INF else int(np.floor(whole * abs(ahead) + 0.5))


@njit(cache=True, nogil=True)
def place_to_place(w: Any, m: int, p: int, q: int) -> int:
    """Ticks from one place to another in mode m."""
    best = np.int32(inside_edge(w, m, p, q))
    if p < w.leaving.shape[2]:
        for k in range(2):
            n = w.node[q, k]
            if n >= 0:
                best = min(best, np.int32(w.leaving[m, n, p] + w.into[m, q, k]))
    else:
        for k in range(2):
            n = int(w.node[p, k])
            if n >= 0:
                best = min(best, np.int32(w.out[m, p, k] + node_to_place(w, m, n, q)))
    return int(min(best, INF))


@njit(cache=True, nogil=True)
def hop(w: Any, m: int, v: int, q: int) -> int:
    """The arc by which a fastest way from node v to place q begins; -1 where it ends at v."""
    best = INF
    arc = -1
    for k in range(2):
        if w.node[q, k] == v:
            best = min(best, w.into[m, q, k])
    for a in range(w.start[v], w.start[v + 1]):
        d = w.ticks[m, a]
        if d < best:
            d = np.int32(d + node_to_place(w, m, int(w.head[a]), q))
            if d < best:
                best = d
                arc = a
    return arc
