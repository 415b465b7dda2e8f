"""Conditional permutations for local Moran: one set of draws serves every place."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True, nogil=True)
def draw(n: int, k: int, draws: int, seed: int) -> Ints:
    """Draw ``k + 1`` distinct numbers below ``n``, ``draws`` times: a random set of k, and one beside it.

    Returns
    -------
    ndarray of int32, shape (draws, k + 1)
    """
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, seeded here and nowhere else
    out = np.empty((draws, k + 1), np.int32)
    for p in range(draws):
        for j in range(k + 1):
            # Drawing again on a repeat keeps every ordered choice of distinct numbers equally likely.
            fresh = False
            while not fresh:
                pick = min(int(np.random.random() * n), n - 1)  # noqa: NPY002
                fresh = True
                for q in range(j):
                    if out[p, q] == pick:
                        fresh = False
                        break
            out[p, j] = pick
    return out


@njit(cache=True, nogil=True)
def count_at_least(
    value: Floats, observed: Floats, members: NDArray[np.bool_], sample: Ints, slack: float
) -> Ints:
    """How many draws of k others have a sum at least as large as each place's own.

    A draw that does not hold the place itself is a draw from the others; in one that does, the place is
    replaced by the draw's spare. So all draws serve all places: sort their sums once, look each place up,
    and put right the few draws in which it occurs.

    Parameters
    ----------
    value : ndarray of float64, shape (n,)
    observed : ndarray of float64, shape (n,)
        Sum over each place's k neighbours.
    members : ndarray of bool, shape (n,)
        The places that have k neighbours; the others get 0.
    sample : ndarray of int32, shape (draws, k + 1)
        From `draw`.
    slack : float
        Sums that differ by less count as equal.
    """
    draws, k = sample.shape[0], sample.shape[1] - 1
    total = np.zeros(draws)
    for p in range(draws):
        for j in range(k):
            total[p] += value[sample[p, j]]
    ranked = np.sort(total)
    out = np.zeros(len(value), np.int32)
    for i in range(len(value)):
        if members[i]:
            out[i] = draws - np.searchsorted(ranked, observed[i] - slack)
    for p in range(draws):
        spare = value[sample[p, k]]
        for j in range(k):
            i = sample[p, j]
            if members[i]:
                least = observed[i] - slack
                if total[p] >= least:
                    out[i] -= 1
                if total[p] - value[i] + spare >= least:
                    out[i] += 1
    return out


@njit(cache=True, nogil=True)
def count_at_least_weighted(
    value: Floats, start: Ints, weight: Floats, observed: Floats, sample: Ints, slack: float
) -> Ints:
    """The same with a weight of its own for each neighbour: place by place, on shared draws.

    ``sample`` has one column more than the most neighbours; ``start`` and ``weight`` are CSR rows.
    """
    draws = sample.shape[0]
    out = np.zeros(len(value), np.int32)
    for i in range(len(value)):
        begin, k = start[i], start[i + 1] - start[i]
        least = observed[i] - slack
        for p in range(draws):
            total = 0.0
            for j in range(k):
                pick = sample[p, j]
                if pick == i:
                    pick = sample[p, sample.shape[1] - 1]
                total += weight[begin + j] * value[pick]
            if total >= least:
                out[i] += 1
    return out
