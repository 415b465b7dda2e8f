"""How long it takes to get from where to where in a simulated city; all in ticks of a mode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.kernels.simulation_labels import INF

INNER: dict[str, Any] = {"cache": True, "nogil": True, "no_cpython_wrapper": True}
"""Kernels that only kernels call: no entry from Python, which would cost compile time."""

FAR = int(INF)
"""`INF` as int64, in which sums are taken here."""


@njit(cache=True, nogil=True)
def between(w: Any, m: int, u: int, v: int) -> int:
    """Ticks from node u to node v."""
    if u == v:
        return 0
    i, j = w.nodes[u, 3], w.nodes[v, 3]
    if i > j:
        i, j = j, i
    width = j - i
    k = 0
    while (2 << k) <= width:
        k += 1
    # Depth of the lowest common ancestor; -1, and so nothing to sum, in different trees.
    shared = min(w.least[k, i + 1], w.least[k, j + 1 - (1 << k)])
    there = w.labels[m, 0, w.nodes[u, 1] : w.nodes[u, 1] + shared + 1]
    back = w.labels[m, 1, w.nodes[v, 1] : w.nodes[v, 1] + shared + 1]
    best = INF
    for d in range(shared + 1):
        best = min(best, np.int32(there[d] + back[d]))
    return np.int64(best)


@njit(**INNER)
def node_to_place(w: Any, m: int, v: int, q: int) -> int:
    """Ticks from a node to a place."""
    if q < w.hubs.shape[3]:
        return np.int64(w.hubs[m, 1, v, q])
    best = FAR
    for k in range(2):
        n = np.int64(w.places[m, q, k])
        if n >= 0:
            best = min(best, between(w, m, v, n) + np.int64(w.places[m, q, 4 + k]))
    return best


@njit(**INNER)
def inside_edge(w: Any, m: int, p: int, q: int) -> int:
    """Ticks between two places inside the same street edge without leaving it; `INF` where not so."""
    e = w.edge[p]
    if e < 0 or e != w.edge[q]:
        return FAR
    ahead = w.share[q] - w.share[p]
    if ahead == 0.0:
        return 0
    whole = w.along[m, 0, e] if ahead > 0.0 else w.along[m, 1, e]
    return FAR if whole >= FAR else np.int64(np.floor(whole * abs(ahead) + 0.5))


@njit(cache=True, nogil=True)
def place_to_place(w: Any, m: int, p: int, q: int) -> int:
    """Ticks from one place to another."""
    best = inside_edge(w, m, p, q)
    from_hub = p < w.hubs.shape[3]
    for k in range(2):
        n = np.int64(w.places[m, q if from_hub else p, k])
        if n >= 0:
            if from_hub:
                best = min(best, np.int64(w.hubs[m, 0, n, p]) + np.int64(w.places[m, q, 4 + k]))
            else:
                best = min(best, np.int64(w.places[m, p, 2 + k]) + node_to_place(w, m, n, q))
    return min(best, FAR)


@njit(**INNER)
def hop(w: Any, m: int, v: int, q: int) -> int:
    """The arc by which a fastest way from node v to place q begins; -1 where it ends at v."""
    best = FAR
    arc = -1
    for k in range(2):
        if w.places[m, q, k] == v:
            best = min(best, np.int64(w.places[m, q, 4 + k]))
    for a in range(w.nodes[v, 0], w.nodes[v + 1, 0]):
        d = np.int64(w.arcs[a, 1 + m])
        if d < best:
            d += node_to_place(w, m, np.int64(w.arcs[a, 0]), q)
            if d < best:
                best = d
                arc = a
    return arc


@njit(**INNER)
def locate(w: Any, unit: Any, now: float) -> tuple[int, float]:
    """The next node on a driving unit's way and the seconds until it gets there; the unit's record is advanced.

    A unit on the last stretch, between the last node and its destination, turns back: the node behind it, and as
    many seconds as it has driven since. -1 (and the seconds to the destination) where it drives along a single
    edge and passes no node.
    """
    node = unit.leg_node
    if node < 0:
        return -1, unit.leg_end - now
    at = unit.leg_at
    m = unit.leg_mode
    wait = at - now
    while at < now:
        a = hop(w, m, node, unit.leg_to)
        if a < 0:
            wait = now - at
            break
        node = np.int64(w.arcs[a, 0])
        at += w.arcs[a, 1 + m] * w.modes[m, 0]
        wait = at - now
    unit.leg_node = node
    unit.leg_at = at
    return node, wait


@njit(**INNER)
def set_off(w: Any, unit: Any, q: int, m: int, now: float, driving: bool) -> None:
    """Put a unit on its way to a place: from where it stands, or from where it is driving."""
    tick = w.modes[m, 0]
    if driving:
        node, wait = locate(w, unit, now)
        if node >= 0:
            unit.leg_at = now + wait
            d = node_to_place(w, m, node, q)
        else:
            d = place_to_place(w, m, unit.leg_to, q)
        unit.leg_end = now + wait + d * tick
    else:
        p = unit.place
        best = inside_edge(w, m, p, q)
        unit.leg_node = -1
        for k in range(2):
            n = np.int64(w.places[m, p, k])
            if n >= 0:
                out = np.int64(w.places[m, p, 2 + k])
                d = out + node_to_place(w, m, n, q)
                if d < best:
                    best = d
                    unit.leg_node = n
                    unit.leg_at = now + out * tick
        unit.leg_end = now + best * tick
    unit.leg_to = q
    unit.leg_mode = m


@njit(**INNER)
def at_least_s(w: Any, unit: Any, q: int, m: int, now: float) -> float:
    """Seconds that a driving unit needs to a place at least, without finding out where it is.

    To its own destination it needs its remaining time (scaled to the faster mode), so by the triangle inequality
    the place cannot be nearer than that less the way from the place to the destination.
    """
    left = (unit.leg_end - now) * w.modes[m, 1 + unit.leg_mode]
    best = np.inf
    for k in range(2):
        n = np.int64(w.places[m, q, k])
        if n >= 0:
            on = node_to_place(w, m, n, unit.leg_to)
            if on >= FAR:
                return 0.0
            best = min(best, left + (np.int64(w.places[m, q, 4 + k]) - on) * w.modes[m, 0])
    # A hundredth of a second is more than the rounding of a long way's arcs.
    return best - 0.01


@njit(**INNER)
def eta_s(w: Any, unit: Any, turnout_s: float, standing: bool, q: int, m: int, now: float) -> float:
    """Seconds until a unit would be at a place: turnout, the stretch to the next node, the way from there."""
    wait = turnout_s
    place = unit.place
    if not standing:
        node, wait = locate(w, unit, now)
        place = unit.leg_to
        if node >= 0:
            d = node_to_place(w, m, node, q)
            return np.inf if d >= FAR else wait + d * w.modes[m, 0]
    d = place_to_place(w, m, place, q)
    return np.inf if d >= FAR else wait + d * w.modes[m, 0]
