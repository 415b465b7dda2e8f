"""One-to-all and many-to-many: climb from each source, then sweep down once for 32 sources.

PHAST (Delling, Goldberg, Nowatzyk, Werneck 2011, PHAST: Hardware-accelerated shortest path trees, IPDPS) and
its restriction to targets (Delling, Goldberg, Werneck 2011, Faster batched shortest paths in road networks,
ATMOS). The climb needs no queue: everything a source reaches upwards lies on its path to the root of the
elimination tree (Dibbelt, Strasser, Wagner 2016, section 7.2).

The two directions are one: journeys **from** the sources climb by the up arcs and sweep by the down arcs,
journeys **to** them the other way round.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.routing.customise import INF

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]

LANES = 32
"""Sources a sweep: a row of 32 int32 is two cache lines, and the loop over it runs in vector registers."""


@njit(cache=True, nogil=True)
def climb(parent: I32, start: I32, arc: I32, node: I32, ticks: I32, distance: I32) -> int:
    """Distances from (or to) one place along its path to the root.

    Parameters
    ----------
    parent : ndarray of int32, shape (n,)
    start, arc : ndarray of int32
        Packed arcs: up to climb from the place, down to climb towards it.
    node, ticks : ndarray of int32, shape (2,)
        Rows of the place's junctions and the time to (from) them; -1 is none. Where there are two, they are
        joined by a street, so one is an ancestor of the other.
    distance : ndarray of int32, shape (n,)
        `INF` on entry; distances on exit.

    Returns
    -------
    int
        The lowest row written; all others are its ancestors. -1 where there is no junction.
    """
    low = -1
    for side in range(2):
        x = node[side]
        if x >= 0:
            distance[x] = min(distance[x], ticks[side])
            low = max(low, x)
    x = low
    while x >= 0:
        d = distance[x]
        if d < INF:
            for a in range(start[x], start[x + 1]):
                y = arc[a, 0]
                distance[y] = min(distance[y], np.int32(d + arc[a, 1]))
        x = parent[x]
    return low


@njit(cache=True, nogil=True)
def restrict(start: I32, arc: I32, targets: I32) -> tuple[I32, I32, I32]:
    """The part of a sweep that matters to some targets.

    Returns
    -------
    local : ndarray of int32, shape (n,)
        Number of each row within the part, -1 outside; the order stays.
    part_start, part_arc : ndarray of int32
        The part's packed arcs, in its own numbers.
    """
    n = len(start) - 1
    local = np.full(n, -1, np.int32)
    stack = np.empty(n, np.int32)
    k = 0
    for t in targets:
        if t >= 0 and local[t] < 0:
            local[t] = 0
            stack[k] = t
            k += 1
    i = 0
    m = 0
    while i < k:
        x = stack[i]
        i += 1
        m += start[x + 1] - start[x]
        for a in range(start[x], start[x + 1]):
            y = arc[a, 0]
            if local[y] < 0:
                local[y] = 0
                stack[k] = y
                k += 1
    part_start = np.empty(k + 1, np.int32)
    part_arc = np.empty((m, 2), np.int32)
    part_start[0] = 0
    row = 0
    q = 0
    for x in range(n):
        if local[x] < 0:
            continue
        local[x] = row
        row += 1
        for a in range(start[x], start[x + 1]):
            part_arc[q, 0] = local[arc[a, 0]]
            part_arc[q, 1] = arc[a, 1]
            q += 1
        part_start[row] = q
    return local, part_start, part_arc


@njit(cache=True, nogil=True)
def batch(
    parent: I32,
    climb_start: I32,
    climb_arc: I32,
    node: I32,
    ticks: I32,
    local: I32,
    part_start: I32,
    part_arc: I32,
    table: I32,
    distance: I32,
) -> None:
    """Distances between up to `LANES` sources and every row of a part.

    Parameters
    ----------
    climb_start, climb_arc : ndarray of int32
        Packed arcs of the climb.
    node, ticks : ndarray of int32, shape (n_sources, 2)
        See `climb`.
    local, part_start, part_arc : ndarray of int32
        See `restrict`; packed arcs of the other direction.
    table : ndarray of int32, shape (n_part, n_sources)
        Overwritten.
    distance : ndarray of int32, shape (n,)
        Scratch: `INF` on entry and on exit.
    """
    table[:] = INF
    for k in range(node.shape[0]):
        x = climb(parent, climb_start, climb_arc, node[k], ticks[k], distance)
        while x >= 0:
            row = local[x]
            if row >= 0:
                table[row, k] = distance[x]
            distance[x] = INF
            x = parent[x]
    for row in range(len(part_start) - 1):
        here = table[row]
        for a in range(part_start[row], part_start[row + 1]):
            above, step = table[part_arc[a, 0]], part_arc[a, 1]
            # The trip count must not be a constant: LLVM would unroll first and then not vectorise.
            for k in range(len(here)):
                here[k] = min(here[k], np.int32(above[k] + step))


@njit(cache=True, nogil=True)
def seconds(table: I32, row: I32, ticks: I32, tick_s: float, out: F32, across: bool, at: int) -> None:
    """Distances to places, from the distances to their junctions.

    Parameters
    ----------
    table : ndarray of int32, shape (n_part, n_sources)
    row, ticks : ndarray of int32, shape (n_places, 2)
        Rows of each place's junctions and the time from (to) them; -1 is none.
    tick_s : float
    out : ndarray of float32
        Written: seconds, inf where unreachable; columns ``at`` and following of (n_places, all sources), or
        with ``across`` rows ``at`` and following of (all sources, n_places).
    """
    sources = table.shape[1]
    best = np.empty(sources, np.int32)
    block = np.empty((64, sources), np.float32)
    for begin in range(0, row.shape[0], 64):
        count = min(64, row.shape[0] - begin)
        for j in range(count):
            r = row[begin + j, 0]
            if r >= 0:
                there, step = table[r], ticks[begin + j, 0]
                for k in range(len(best)):
                    best[k] = min(INF, np.int32(there[k] + step))
            else:
                best[:] = INF
            r = row[begin + j, 1]
            if r >= 0:
                there, step = table[r], ticks[begin + j, 1]
                for k in range(len(best)):
                    best[k] = min(best[k], np.int32(there[k] + step))
            line = block[j] if across else out[begin + j, at : at + sources]
            for k in range(len(best)):
                line[k] = np.float32(best[k] * tick_s) if best[k] < INF else np.float32(np.inf)
        if across:
            for k in range(sources):
                into = out[at + k]
                for j in range(count):
                    into[begin + j] = block[j, k]


@njit(cache=True, nogil=True)
def collect(
    table: I32, row: I32, ticks: I32, limit: int, beside_start: I32, beside: I32, tick_s: float
) -> tuple[I64, I32, F32]:
    """The places within a limit of each source, from the distances to their junctions.

    Parameters
    ----------
    table, row, ticks, tick_s
        See `seconds`.
    limit : int
        Ticks.
    beside_start, beside : ndarray of int32
        For each source the places on its own street, in ascending order: their number and ticks.

    Returns
    -------
    start : ndarray of int64, shape (n_sources + 1,)
    found, found_s : ndarray of int32 and float32
        Places of source k, ascending, and the seconds to them: ``start[k]:start[k + 1]``.
    """
    sources = table.shape[1]
    best = np.empty(sources, np.int32)
    start = np.zeros(sources + 1, np.int64)
    found = np.empty(0, np.int32)
    found_s = np.empty(0, np.float32)
    to = np.zeros(sources, np.int64)
    for fill in range(2):
        near = beside_start[:sources].copy()
        for j in range(row.shape[0]):
            best[:] = INF
            for side in range(2):
                r = row[j, side]
                if r >= 0:
                    there, step = table[r], ticks[j, side]
                    for k in range(len(best)):
                        best[k] = min(best[k], np.int32(there[k] + step))
            for k in range(sources):
                if near[k] < beside_start[k + 1] and beside[near[k], 0] == j:
                    best[k] = min(best[k], beside[near[k], 1])
                    near[k] += 1
                if best[k] <= limit:
                    if fill == 1:
                        found[to[k]] = j
                        found_s[to[k]] = np.float32(best[k] * tick_s)
                    to[k] += 1
        if fill == 0:
            for k in range(sources):
                start[k + 1] = start[k] + to[k]
                to[k] = start[k]
            found = np.empty(start[sources], np.int32)
            found_s = np.empty(start[sources], np.float32)
    return start, found, found_s
