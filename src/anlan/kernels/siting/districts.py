"""Beats: moving boundary cells from one district to another without tearing any apart."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.siting.select import draw

B8 = NDArray[np.bool_]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

STEEP = 10_000.0
"""What a square of work beyond the target counts against the whole travel: balance goes first."""


@njit(cache=True, nogil=True)
def stays_whole(start: I64, item: I32, own: I32, cell: int, mark: I64, stamp: int, queue: I64) -> bool:
    """Whether a district stays in one piece without one of its cells.

    Parameters
    ----------
    start, item : neighbours of each cell
    own : (n,) district of each cell
    cell : the cell that would leave
    mark, queue : (n,) scratch; ``stamp`` is larger than anything in ``mark``
    """
    d = own[cell]
    first = np.int64(-1)
    others = 0
    for a in range(start[cell], start[cell + 1]):
        c = item[a]
        if c != cell and own[c] == d and mark[c] != stamp:
            mark[c] = stamp  # a neighbour that has to be found
            if first < 0:
                first = c
            others += 1
    if others < 2:
        return others == 1
    found = 1
    mark[first] = stamp + 1
    mark[cell] = stamp + 1
    queue[0] = first
    head = 0
    tail = 1
    while head < tail:
        here = queue[head]
        head += 1
        for a in range(start[here], start[here + 1]):
            c = item[a]
            if own[c] != d or mark[c] == stamp + 1:
                continue
            if mark[c] == stamp:
                found += 1
                if found == others:
                    return True
            mark[c] = stamp + 1
            queue[tail] = c
            tail += 1
    return False


@njit(cache=True, nogil=True)
def district_search(
    start: I64, item: I32, work: F64, cost: F64, scale: float, locked: B8, own: I32, load: F64, target: float,
    hot: float, cold: float, steps: int, random: U64, mark: I64, stamp: int, best: I32, state: F64,
) -> int:  # fmt: skip
    """Anneal: a random cell takes the district of a random neighbour, if the one it leaves stays whole.

    The energy is ``STEEP * Σ max(0, load - target)² + Σ work * cost / scale``, load in shares of the mean
    (Kirkpatrick, Gelatt & Vecchi 1983; for districts Ricca & Simeone 2008).

    Parameters
    ----------
    work : (n,) in shares of a district's mean
    cost : (n, k) seconds from each post
    scale : what a second of weighted travel is divided by
    locked : (n,) cells that do not move: those of posts
    own, load : (n,), (k,) present districts and their work; changed
    hot, cold : first and last temperature
    mark : (n,) scratch; ``stamp`` above its largest entry
    best : (n,) best districts so far; changed
    state : (2,) energy now, energy of the best; changed

    Returns
    -------
    int
        A stamp above all that was used.
    """
    n = len(work)
    queue = np.empty(n, np.int64)
    energy = state[0]
    lowest = state[1]
    temperature = hot
    fall = (cold / hot) ** (1.0 / max(steps, 1))
    for _ in range(steps):
        temperature *= fall
        cell = draw(random, n)
        degree = start[cell + 1] - start[cell]
        if locked[cell] or degree == 0:
            continue
        d = own[cell]
        e = own[item[start[cell] + draw(random, degree)]]
        if d == e:
            continue
        w = work[cell]
        od = max(0.0, load[d] - target)
        oe = max(0.0, load[e] - target)
        nd = max(0.0, load[d] - w - target)
        ne = max(0.0, load[e] + w - target)
        change = STEEP * (nd * nd + ne * ne - od * od - oe * oe) + w * (cost[cell, e] - cost[cell, d]) / scale
        if change > 0.0:
            chance = np.exp(-change / temperature)
            if draw(random, 1 << 30) >= chance * (1 << 30):
                continue
        if not stays_whole(start, item, own, cell, mark, stamp, queue):
            stamp += 2
            continue
        stamp += 2
        own[cell] = e
        load[d] -= w
        load[e] += w
        energy += change
        if energy < lowest - 1e-12:
            lowest = energy
            best[:] = own
    state[0] = energy
    state[1] = lowest
    return stamp
