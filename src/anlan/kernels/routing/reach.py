"""Everything within a limit: Dijkstra's search with buckets on the network's own arcs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.routing.customise import INF

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def reach(
    graph_start: I32,
    graph_arc: I32,
    row: I32,
    ticks: I32,
    limit: int,
    width_log2: int,
    n_buckets: int,
    demand_start: I32,
    demand: I32,
    n_demand: int,
    beside_start: I32,
    beside: I32,
) -> tuple[I64, I32, I32]:
    """Demand within a limit of each site.

    The bucket queue (Dial 1969) holds a power-of-two width of ticks a bucket. A node that is improved after
    it left its bucket enters again, so the width is a matter of speed only.

    Parameters
    ----------
    graph_start, graph_arc : ndarray of int32
        Arcs by row: head and ticks.
    row, ticks : ndarray of int32, shape (n_sites, 2)
        Where journeys leave, and after how long; -1 is none.
    limit : int
        Ticks.
    width_log2, n_buckets : int
        Width of a bucket; a power of two of buckets that spans more than the longest arc and start.
    demand_start, demand : ndarray of int32
        For each row the demand that is entered there: its number and ticks.
    n_demand : int
    beside_start, beside : ndarray of int32
        For each site the demand on its own street: its number and ticks.

    Returns
    -------
    start : ndarray of int64, shape (n_sites + 1,)
    found, found_ticks : ndarray of int32
        Demand of site s and the ticks to it: ``start[s]:start[s + 1]``.
    """
    n = len(graph_start) - 1
    mask = n_buckets - 1
    first = np.full(n_buckets, -1, np.int32)
    after = np.empty(n, np.int32)
    before = np.full(n, -2, np.int32)  # -2: in no bucket
    distance = np.full(n, INF, np.int32)
    touched = np.empty(n, np.int32)
    best = np.full(n_demand, INF, np.int32)
    n_sites = row.shape[0]
    start = np.zeros(n_sites + 1, np.int64)
    found = np.empty(1024, np.int32)
    found_ticks = np.empty(1024, np.int32)
    for s in range(n_sites):
        n_touched = 0
        queued = 0
        for side in range(2):
            v = row[s, side]
            d = ticks[s, side]
            if v >= 0 and d <= limit and d < distance[v]:
                if distance[v] == INF:
                    touched[n_touched] = v
                    n_touched += 1
                else:
                    queued -= _leave(v, distance[v], width_log2, mask, first, after, before)
                distance[v] = d
                queued += _enter(v, d, width_log2, mask, first, after, before)
        bucket = 0
        while queued > 0:
            u = first[bucket & mask]
            while u >= 0:
                d = distance[u]
                queued -= _leave(u, d, width_log2, mask, first, after, before)
                for a in range(graph_start[u], graph_start[u + 1]):
                    v = graph_arc[a, 0]
                    there = np.int32(d + graph_arc[a, 1])
                    if there < distance[v] and there <= limit:
                        if distance[v] == INF:
                            touched[n_touched] = v
                            n_touched += 1
                        elif before[v] != -2:
                            queued -= _leave(v, distance[v], width_log2, mask, first, after, before)
                        distance[v] = there
                        queued += _enter(v, there, width_log2, mask, first, after, before)
                u = first[bucket & mask]
            bucket += 1
        begin = start[s]
        k = begin
        for q in range(n_touched + 1):
            if q < n_touched:
                v = touched[q]
                d = distance[v]
                distance[v] = INF
                lo, hi, entries = demand_start[v], demand_start[v + 1], demand
            else:
                d = np.int32(0)
                lo, hi, entries = beside_start[s], beside_start[s + 1], beside
            for a in range(lo, hi):
                there = np.int32(d + entries[a, 1])
                j = entries[a, 0]
                if there <= limit and there < best[j]:
                    if best[j] == INF:
                        if k == len(found):
                            found = np.append(found, found)
                            found_ticks = np.append(found_ticks, found_ticks)
                        found[k] = j
                        k += 1
                    best[j] = there
        for a in range(begin, k):
            found_ticks[a] = best[found[a]]
            best[found[a]] = INF
        start[s + 1] = k
    return start, found[: start[n_sites]].copy(), found_ticks[: start[n_sites]].copy()


@njit(cache=True, nogil=True)
def _enter(
    v: int, ticks: int | np.int32, width_log2: int, mask: int, first: I32, after: I32, before: I32
) -> int:
    bucket = (ticks >> width_log2) & mask
    other = first[bucket]
    after[v] = other
    before[v] = -1
    if other >= 0:
        before[other] = v
    first[bucket] = v
    return 1


@njit(cache=True, nogil=True)
def _leave(v: int, ticks: int, width_log2: int, mask: int, first: I32, after: I32, before: I32) -> int:
    ahead, behind = before[v], after[v]
    if ahead >= 0:
        after[ahead] = behind
    else:
        first[(ticks >> width_log2) & mask] = behind
    if behind >= 0:
        before[behind] = ahead
    before[v] = -2
    return 1
