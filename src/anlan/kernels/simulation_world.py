"""How long it takes to get from where to where in a simulated city; all in ticks of a mode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.kernels.bare import BARE, INNER
from anlan.kernels.prefetch import prefetch
from anlan.kernels.simulation_labels import INF
from anlan.kernels.simulation_paths import NODE, TICKS, first_within, last_from

AHEAD = 48
"""How much of two labels is fetched while it is found out how much of them is needed."""

FAR = int(INF)
"""`INF` as int64, in which sums are taken here."""


@njit(**BARE)
def between(w: Any, m: int, u: int, v: int) -> int:
    """Ticks from node u to node v."""
    if u == v:
        return 0
    i, j = w.nodes[u, 3], w.nodes[v, 3]
    from_u, from_v = np.int64(w.nodes[u, 1]), np.int64(w.nodes[v, 1])
    last = np.int64(w.labels.shape[2] - 1)
    for d in range(0, AHEAD, 16):
        prefetch(w.labels, (m, np.int64(0), min(from_u + d, last)))
        prefetch(w.labels, (m, np.int64(1), min(from_v + d, last)))
    if i > j:
        i, j = j, i
    width = j - i
    k = 0
    while (2 << k) <= width:
        k += 1
    # Depth of the lowest common ancestor; -1, and so nothing to sum, in different trees.
    shared = min(w.least[k, i + 1], w.least[k, j + 1 - (1 << k)])
    there = w.labels[m, 0, from_u : from_u + shared + 1]
    back = w.labels[m, 1, from_v : from_v + shared + 1]
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


@njit(**BARE)
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
def _walk(w: Any, unit: Any, now: float) -> tuple[int, float]:
    """`locate` arc by arc, for ways that no tree holds; the unit's record is advanced."""
    node = unit.leg_node
    at = unit.leg_at
    m = unit.leg_mode
    q = unit.leg_to
    left = node_to_place(w, m, node, q)
    wait = at - now
    before = np.int64(-1)
    while at < now:
        ends = False
        for k in range(2):
            if w.places[m, q, k] == node and w.places[m, q, 4 + k] == left:
                ends = True
        if ends:
            wait = now - at
            break
        # One of the arcs leads on, and never back; the last that is left needs no proof.
        open_arcs = 0
        for a in range(w.nodes[node, 0], w.nodes[node + 1, 0]):
            if w.arcs[a, 0] != before and np.int64(w.arcs[a, 1 + m]) <= left:
                open_arcs += 1
        for a in range(w.nodes[node, 0], w.nodes[node + 1, 0]):
            head = np.int64(w.arcs[a, 0])
            d = left - np.int64(w.arcs[a, 1 + m])
            if head == before or d < 0:
                continue
            open_arcs -= 1
            if open_arcs == 0 or node_to_place(w, m, head, q) == d:
                before = node
                node = head
                at += w.arcs[a, 1 + m] * w.modes[m, 0]
                left = d
                break
        wait = at - now
    unit.leg_node = node
    unit.leg_at = at
    return node, wait


@njit(**INNER)
def locate(w: Any, unit: Any, now: float) -> tuple[int, float]:
    """The next node on a driving unit's way and the seconds until it gets there.

    The unit's record remembers that node, so that the next look begins there. A unit on the last stretch, between
    the last node and its destination, turns back: the node behind it, and as many seconds as it has driven since.
    -1 (and the seconds to the destination) where it drives along a single edge and passes no node.
    """
    if unit.leg_node < 0:
        return -1, unit.leg_end - now
    if now <= unit.leg_at:
        return unit.leg_node, unit.leg_at - now
    m = unit.leg_mode
    q = unit.leg_to
    tick = w.modes[m, 0]
    # A millionth of a tick absorbs the rounding of seconds, so that a node reached just now is the next one.
    if q < w.hubs.shape[3]:
        row = w.tree[m, 1, q]
        if row >= 0:
            x = first_within(w.trees[row], unit.leg_node, (unit.leg_end - now) / tick + 1e-6)
            if x >= 0:
                wait = max(0.0, unit.leg_end - now - w.trees[row, TICKS, x] * tick)
                unit.leg_node = w.trees[row, NODE, x]
                unit.leg_at = now + wait
                return unit.leg_node, wait
            node, into = _entry(w, m, q, unit.leg_node, np.int64(-1))
            return node, now - (unit.leg_end - into * tick)
    elif unit.leg_from >= 0:
        row = w.tree[m, 0, unit.leg_from]
        if row >= 0:
            node, into = _entry(w, m, q, np.int64(-1), unit.leg_from)
            x = last_from(w.trees[row], node, (now - unit.leave) / tick - 1e-6)
            if x >= 0:
                wait = max(0.0, unit.leave + w.trees[row, TICKS, x] * tick - now)
                unit.leg_node = w.trees[row, NODE, x]
                unit.leg_at = now + wait
                return unit.leg_node, wait
            return node, now - (unit.leg_end - into * tick)
    return _walk(w, unit, now)


@njit(**INNER)
def _entry(w: Any, m: int, q: int, node: int, hub: int) -> tuple[int, int]:
    """The node by which a place is reached from a node (or a hub), and the ticks from it."""
    best = FAR
    entry = np.int64(w.places[m, q, 0])
    into = np.int64(w.places[m, q, 4])
    if w.places[m, q, 1] >= 0:
        for k in range(2):
            n = np.int64(w.places[m, q, k])
            d = between(w, m, node, n) if hub < 0 else np.int64(w.hubs[m, 0, n, hub])
            d += w.places[m, q, 4 + k]
            if d < best:
                best = d
                entry = n
                into = np.int64(w.places[m, q, 4 + k])
    return entry, into


@njit(**INNER)
def set_off(w: Any, unit: Any, q: int, m: int, now: float, driving: bool) -> None:
    """Put a unit on its way to a place: from where it stands, or from where it is driving."""
    tick = w.modes[m, 0]
    if driving:
        node, wait = locate(w, unit, now)
        unit.leg_node = node
        unit.leg_at = now + wait
        unit.leg_from = -1
        d = node_to_place(w, m, node, q) if node >= 0 else place_to_place(w, m, unit.leg_to, q)
        unit.leg_end = now + wait + d * tick
    else:
        p = unit.place
        best = inside_edge(w, m, p, q)
        unit.leg_node = -1
        unit.leg_from = p if p < w.hubs.shape[3] else -1
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
def at_least(hubs: Any, m: int, u: int, v: int, marks: int) -> int:
    """Ticks from node u to node v at least: the triangle inequality over some hubs as landmarks (ALT).

    Goldberg and Harrelson (2005), "Computing the shortest path: A* search meets graph theory", SODA.
    """
    best = np.int32(0)
    for h in range(marks):
        best = max(best, np.int32(hubs[m, 1, u, h] - hubs[m, 1, v, h]))
        best = max(best, np.int32(hubs[m, 0, v, h] - hubs[m, 0, u, h]))
    return np.int64(best)


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
