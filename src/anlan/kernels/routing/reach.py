"""Everything within a limit: Dijkstra's search with buckets on the network's own arcs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.routing.customise import INF

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]

TICKS, BEFORE, AFTER = 0, 1, 2


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
    tick_s: float,
) -> tuple[I64, I32, F32]:
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
        For each site the demand on its own street, in ascending order: its number and ticks.
    tick_s : float

    Returns
    -------
    start : ndarray of int64, shape (n_sites + 1,)
    found, found_s : ndarray of int32 and float32
        Demand of site s and the seconds to it: ``start[s]:start[s + 1]``.
    """
    n = len(graph_start) - 1
    mask = n_buckets - 1
    first = np.full(n_buckets, -1, np.int32)
    # A node's state in one piece of memory: ticks, and its neighbours in its bucket (before -2: in none).
    state = np.empty((n, 4), np.int32)
    for v in range(n):
        state[v, TICKS] = INF
        state[v, BEFORE] = -2
    touched = np.empty(n, np.int32)
    best = np.full(n_demand, INF, np.int32)
    n_sites = row.shape[0]
    start = np.zeros(n_sites + 1, np.int64)
    found = np.empty(1024, np.int32)
    found_s = np.empty(1024, np.float32)
    for s in range(n_sites):
        n_touched = 0
        queued = 0
        for side in range(2):
            v = row[s, side]
            d = ticks[s, side]
            if v >= 0 and d <= limit and d < state[v, TICKS]:
                if state[v, TICKS] == INF:
                    touched[n_touched] = v
                    n_touched += 1
                else:
                    _leave(v, width_log2, mask, first, state)
                    queued -= 1
                state[v, TICKS] = d
                _enter(v, width_log2, mask, first, state)
                queued += 1
        bucket = 0
        while queued > 0:
            u = first[bucket & mask]
            while u >= 0:
                d = state[u, TICKS]
                _leave(u, width_log2, mask, first, state)
                queued -= 1
                for a in range(graph_start[u], graph_start[u + 1]):
                    v = graph_arc[a, 0]
                    there = np.int32(d + graph_arc[a, 1])
                    if there < state[v, TICKS] and there <= limit:
                        if state[v, TICKS] == INF:
                            touched[n_touched] = v
                            n_touched += 1
                        elif state[v, BEFORE] != -2:
                            _leave(v, width_log2, mask, first, state)
                            queued -= 1
                        state[v, TICKS] = there
                        _enter(v, width_log2, mask, first, state)
                        queued += 1
                u = first[bucket & mask]
            bucket += 1
        begin = start[s]
        k = begin
        for q in range(n_touched + 1):
            if q < n_touched:
                v = touched[q]
                d = state[v, TICKS]
                state[v, TICKS] = INF
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
                            found_s = np.append(found_s, found_s)
                        found[k] = j
                        k += 1
                    best[j] = there
        for a in range(begin, k):
            found_s[a] = np.float32(best[found[a]] * tick_s)
            best[found[a]] = INF
        start[s + 1] = k
    return start, found[: start[n_sites]].copy(), found_s[: start[n_sites]].copy()


@njit(cache=True, nogil=True)
def _enter(v: int, width_log2: int, mask: int, first: I32, state: I32) -> None:
    bucket = (state[v, TICKS] >> width_log2) & mask
    other = first[bucket]
    state[v, AFTER] = other
    state[v, BEFORE] = -1
    if other >= 0:
        state[other, BEFORE] = v
    first[bucket] = v


@njit(cache=True, nogil=True)
def _leave(v: int, width_log2: int, mask: int, first: I32, state: I32) -> None:
    ahead, behind = state[v, BEFORE], state[v, AFTER]
    if ahead >= 0:
        state[ahead, AFTER] = behind
    else:
        first[(state[v, TICKS] >> width_log2) & mask] = behind
    if behind >= 0:
        state[behind, BEFORE] = ahead
    state[v, BEFORE] = -2
