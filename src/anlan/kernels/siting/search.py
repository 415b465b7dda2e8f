"""What the local searches share: the best interchange, the way back to an earlier answer, side limits."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

B8 = NDArray[np.bool_]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@njit(cache=True, nogil=True)
def fits(side: F64, limit: F64, used: F64, j: int, out: int) -> bool:
    """Whether column j may replace column ``out`` (-1: be added) within ``side @ y <= limit``."""
    for c in range(len(limit)):
        v = used[c] + side[c, j]
        if out >= 0:
            v -= side[c, out]
        if v > limit[c] + 1e-9 * (1.0 + abs(limit[c])):
            return False
    return True


@njit(cache=True, nogil=True)
def best_addition(gain: F64, slot: I64, side: F64, limit: F64, used: F64) -> int:
    """The unused column of the largest gain that fits, -1 if none does."""
    best = -1
    for j in range(len(gain)):
        if slot[j] < 0 and (best < 0 or gain[j] > gain[best]) and fits(side, limit, used, j, -1):
            best = j
    return best


@njit(cache=True, nogil=True)
def best_interchange(
    gain: F64,
    loss: F64,
    extra: F64,
    slot: I64,
    taken: I64,
    locked: int,
    side: F64,
    limit: F64,
    used: F64,
    gold: float,
) -> tuple[int, int, float]:
    """The column to open and the slot to put it in with the largest profit above ``gold``.

    The profit of opening j and closing the column in slot k is ``gain[j] - loss[k] + extra[j, k]``
    (Resende & Werneck 2007, "A fast swap-based local search procedure for location problems"). Slots
    below ``locked`` are not touched.

    Returns
    -------
    column (-1 where no profit is left), slot, profit
    """
    bj = -1
    bk = -1
    for j in range(len(gain)):
        if slot[j] >= 0:
            continue
        for k in range(locked, len(taken)):
            d = gain[j] + extra[j, k] - loss[k]
            if d > gold and taken[k] >= 0 and (len(limit) == 0 or fits(side, limit, used, j, taken[k])):
                gold = d
                bj = j
                bk = k
    return bj, bk, gold


@njit(cache=True, nogil=True)
def way_back(taken: I64, kept: I64, slot: I64, wanted: B8, moves: I64) -> int:
    """Moves (column, slot or -1 to close) that lead from ``taken`` back to ``kept``; gives their number."""
    n = 0
    for j in range(len(wanted)):
        wanted[j] = False
    for k in range(len(kept)):
        if kept[k] >= 0:
            wanted[kept[k]] = True
    for k in range(len(taken)):
        if taken[k] >= 0 and not wanted[taken[k]]:
            moves[n, 0] = taken[k]
            moves[n, 1] = -1
            n += 1
    free = 0
    for k in range(len(kept)):
        j = kept[k]
        if j >= 0 and slot[j] < 0:
            while taken[free] >= 0 and wanted[taken[free]]:
                free += 1
            moves[n, 0] = j
            moves[n, 1] = free
            n += 1
            free += 1
    return n
