"""Exact distances to one place from wherever they are asked for, and the paths they lead along.

Lazy RPHAST (Strasser and Zeitz 2021, A fast and tight heuristic for A* in road networks, SEA): the distance
from a node to the place is the least of its own climb and of its upward arcs' ends, which all lie on its path
to the root; what was found is kept for the next question. With exact distances a path is a walk along tight
arcs, and no shortcut is ever unpacked.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.routing.customise import INF
from anlan.kernels.routing.sweep import climb

I32 = NDArray[np.int32]
F64 = NDArray[np.float64]


@njit(cache=True, nogil=True)
def settle(row: int, parent: I32, start: I32, arc: I32, distance: I32, settled: I32) -> int:
    """Distance from a row to the place whose climb ``distance`` holds.

    Parameters
    ----------
    start, arc : ndarray of int32
        Packed up arcs.
    distance : ndarray of int32, shape (n,)
        The climb towards the place; exact for every row that is settled.
    settled : ndarray of int32, shape (n,)
        1 where exact. What is above a settled row is settled.
    """
    depth = 0
    x = row
    while x >= 0 and settled[x] == 0:
        depth += 1
        x = parent[x]
    if depth == 0:
        return distance[row]
    chain = np.empty(depth, np.int32)
    x = row
    for i in range(depth):
        chain[i] = x
        x = parent[x]
    for i in range(depth - 1, -1, -1):
        x = chain[i]
        d = distance[x]
        for a in range(start[x], start[x + 1]):
            d = min(d, np.int32(arc[a, 1] + distance[arc[a, 0]]))
        distance[x] = d
        settled[x] = 1
    return distance[row]


@njit(cache=True, nogil=True)
def clear(row: int, parent: I32, distance: I32, settled: I32) -> None:
    """Put the scratch of a settled row and of what is above it back to how a search finds it."""
    while row >= 0 and settled[row] != 0:
        distance[row] = INF
        settled[row] = 0
        row = parent[row]


@njit(cache=True, nogil=True)
def toward(
    parent: I32,
    up_start: I32,
    up_arc: I32,
    down_start: I32,
    down_arc: I32,
    place_row: I32,
    place_ticks: I32,
    row: I32,
    ticks: I32,
    distance: I32,
    settled: I32,
) -> I32:
    """Ticks from each of some places to one place.

    Parameters
    ----------
    place_row, place_ticks : ndarray of int32, shape (2,)
        Where journeys arrive, see `sweep.climb`.
    row, ticks : ndarray of int32, shape (n_places, 2)
        Where they leave.
    distance, settled : ndarray of int32, shape (n,)
        Scratch: all `INF` and all 0, on entry and on exit.

    Returns
    -------
    ndarray of int32, shape (n_places,)
    """
    low = climb(parent, down_start, down_arc, place_row, place_ticks, distance)
    out = np.full(row.shape[0], INF, np.int32)
    for i in range(row.shape[0]):
        for side in range(2):
            x = row[i, side]
            if x >= 0:
                d = settle(x, parent, up_start, up_arc, distance, settled)
                out[i] = min(out[i], np.int32(d + ticks[i, side]))
    for i in range(row.shape[0]):
        for side in range(2):
            clear(row[i, side], parent, distance, settled)
    while low >= 0:
        distance[low] = INF
        low = parent[low]
    return out


@njit(cache=True, nogil=True)
def pairs(
    parent: I32,
    up_start: I32,
    up_arc: I32,
    down_start: I32,
    down_arc: I32,
    from_row: I32,
    from_ticks: I32,
    to_row: I32,
    to_ticks: I32,
    distance: I32,
    settled: I32,
) -> I32:
    """Ticks from each place to the one in the same line of the other side, shape (n,). See `toward`."""
    out = np.empty(from_row.shape[0], np.int32)
    for i in range(len(out)):
        out[i] = toward(
            parent,
            up_start,
            up_arc,
            down_start,
            down_arc,
            to_row[i],
            to_ticks[i],
            from_row[i : i + 1],
            from_ticks[i : i + 1],
            distance,
            settled,
        )[0]
    return out


@njit(cache=True, nogil=True)
def walk(
    parent: I32,
    up_start: I32,
    up_arc: I32,
    down_start: I32,
    down_arc: I32,
    graph_start: I32,
    graph_arc: I32,
    from_row: I32,
    from_ticks: I32,
    to_row: I32,
    to_ticks: I32,
    distance: I32,
    settled: I32,
    seen: I32,
) -> tuple[I32, I32, I32]:
    """The junctions of a fastest path from one place to another.

    A node is left by an arc that is tight: its time is the difference of its ends' distances. Among arcs of
    zero time tight arcs may lead round in a circle, so the walk is a depth-first search that enters no node
    twice; each tight arc leads on to the place, so it ends there.

    Parameters
    ----------
    graph_start, graph_arc : ndarray of int32
        The network's own arcs by row: head and ticks.
    from_row, from_ticks, to_row, to_ticks : ndarray of int32, shape (2,)
    distance, settled, seen : ndarray of int32, shape (n,)
        Scratch: all `INF`, 0 and 0, on entry and on exit.

    Returns
    -------
    row : ndarray of int32
        Junctions in order; empty where there is no path.
    left : ndarray of int32
        Ticks still to go from each of them.
    via : ndarray of int32
        Entry of ``graph_arc`` by which each of them but the last is left.
    """
    low = climb(parent, down_start, down_arc, to_row, to_ticks, distance)
    best = INF
    source = -1
    touched = np.empty(256, np.int32)
    n_touched = 0
    for side in range(2):
        x = from_row[side]
        if x >= 0:
            total = np.int32(settle(x, parent, up_start, up_arc, distance, settled) + from_ticks[side])
            touched[n_touched] = x
            n_touched += 1
            if total < best:
                best = total
                source = x
    stack = np.empty(256, np.int32)
    cursor = np.empty(256, np.int32)
    depth = 0
    if source >= 0:
        stack[0] = source
        cursor[0] = graph_start[source]
        seen[source] = 1
        depth = 1
    while depth > 0:
        u = stack[depth - 1]
        here = distance[u]
        if (u == to_row[0] and here == to_ticks[0]) or (u == to_row[1] and here == to_ticks[1]):
            break
        a = cursor[depth - 1]
        if a == graph_start[u + 1]:
            depth -= 1
            continue
        cursor[depth - 1] = a + 1
        v = graph_arc[a, 0]
        if seen[v] != 0:
            continue
        if n_touched == len(touched):
            touched = np.append(touched, touched)
        touched[n_touched] = v
        n_touched += 1
        if settle(v, parent, up_start, up_arc, distance, settled) + graph_arc[a, 1] == here:
            if depth == len(stack):
                stack = np.append(stack, stack)
                cursor = np.append(cursor, cursor)
            seen[v] = 1
            stack[depth] = v
            cursor[depth] = graph_start[v]
            depth += 1
    row = stack[:depth].copy()
    left = np.empty(depth, np.int32)
    for i in range(depth):
        left[i] = distance[row[i]]
    via = cursor[: max(depth - 1, 0)] - np.int32(1)
    for i in range(n_touched):
        clear(touched[i], parent, distance, settled)
        seen[touched[i]] = 0
    while low >= 0:
        distance[low] = INF
        low = parent[low]
    return row, left, via


@njit(cache=True, nogil=True)
def spend(
    parent: I32,
    up_start: I32,
    up_arc: I32,
    down_start: I32,
    down_arc: I32,
    graph_start: I32,
    graph_arc: I32,
    kind: I32,
    amount: F64,
    from_row: I32,
    from_ticks: I32,
    to_row: I32,
    to_ticks: I32,
    distance: I32,
    settled: I32,
    seen: I32,
    out: F64,
) -> I32:
    """What fastest paths spend on each kind of arc.

    Parameters
    ----------
    kind, amount : ndarray, shape (n_graph_arcs,)
        Kind of each entry of ``graph_arc``, and what passing it adds.
    from_row, from_ticks, to_row, to_ticks : ndarray of int32, shape (n, 2)
        Pairs of places, line by line, see `walk`.
    out : ndarray of float64, shape (n, n_kinds + 1)
        Added to; the last column counts arcs.

    Returns
    -------
    ndarray of int32, shape (n, 2)
        By which side each path leaves and arrives; -1 where there is none.
    """
    n = from_row.shape[0]
    side = np.full((n, 2), -1, np.int32)
    last = out.shape[1] - 1
    for i in range(n):
        row, _, via = walk(
            parent,
            up_start,
            up_arc,
            down_start,
            down_arc,
            graph_start,
            graph_arc,
            from_row[i],
            from_ticks[i],
            to_row[i],
            to_ticks[i],
            distance,
            settled,
            seen,
        )
        if len(row) == 0:
            continue
        for a in via:
            out[i, kind[a]] += amount[a]
            out[i, last] += 1.0
        for k in range(1, -1, -1):
            if from_row[i, k] == row[0] and (side[i, 0] < 0 or from_ticks[i, k] <= from_ticks[i, side[i, 0]]):
                side[i, 0] = k
            if to_row[i, k] == row[-1] and (side[i, 1] < 0 or to_ticks[i, k] <= to_ticks[i, side[i, 1]]):
                side[i, 1] = k
    return side


@njit(cache=True, nogil=True)
def hops(graph_start: I32, graph_arc: I32, distance: I32, to_row: I32, to_ticks: I32) -> I32:
    """The next junction from everywhere on a fastest path to a place.

    Parameters
    ----------
    graph_start, graph_arc : ndarray of int32
        The network's own arcs by row: head and ticks.
    distance : ndarray of int32, shape (n,)
        Ticks from each row to the place.
    to_row, to_ticks : ndarray of int32, shape (2,)
        Where journeys arrive.

    Returns
    -------
    ndarray of int32, shape (n,)
        Row of the next junction; -1 where a journey arrives next, or never. Following it never goes round
        in a circle, also among arcs of zero time.
    """
    n = len(distance)
    following = np.full(n, -1, np.int32)
    known = np.zeros(n, np.int32)
    for x in range(n):
        d = distance[x]
        if d >= INF or (x == to_row[0] and d == to_ticks[0]) or (x == to_row[1] and d == to_ticks[1]):
            known[x] = 1
            continue
        for a in range(graph_start[x], graph_start[x + 1]):
            y = graph_arc[a, 0]
            if graph_arc[a, 1] > 0 and graph_arc[a, 1] + distance[y] == d:
                following[x] = y
                known[x] = 1
                break
    # What is left has only tight arcs of zero time: search along them for a node that is known.
    stack = np.empty(n, np.int32)
    cursor = np.empty(n, np.int32)
    seen = np.full(n, -1, np.int32)
    for root in range(n):
        if known[root] != 0:
            continue
        stack[0] = root
        cursor[root] = graph_start[root]
        seen[root] = root
        depth = 1
        while depth > 0:
            x = stack[depth - 1]
            a = cursor[x]
            if a == graph_start[x + 1]:
                depth -= 1
                continue
            cursor[x] = a + 1
            y = graph_arc[a, 0]
            if graph_arc[a, 1] != 0 or distance[y] != distance[x] or seen[y] == root:
                continue
            if known[y] != 0:
                while depth > 0:
                    depth -= 1
                    following[stack[depth]] = y
                    known[stack[depth]] = 1
                    y = stack[depth]
                break
            seen[y] = root
            cursor[y] = graph_start[y]
            stack[depth] = y
            depth += 1
    return following
