"""DMEXCLP: a unit that becomes free goes where it adds most expected coverage.

Jagtenberg, Bhulai and van der Mei (2015), "An efficient heuristic for real-time ambulance redeployment",
Operations Research for Health Care 4, 27-35: with busy fraction q, a place of demand d that k other idle units
already cover gains d (1 - q) q^k from one more. Idle units count at their post or, while driving, at the post
they are driving to. Places that the same posts cover are merged beforehand.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def choose(
    stationed: NDArray[Any],
    hub: NDArray[Any],
    cover_start: NDArray[Any],
    cover_set: NDArray[Any],
    weight: NDArray[Any],
    gain: NDArray[Any],
    covered: NDArray[Any],
) -> int:
    """The post with the greatest marginal coverage; the first on a tie.

    Parameters
    ----------
    stationed : ndarray of int32, shape (n_posts,)
        Other idle units at each post or driving to it.
    hub : ndarray of HUB records
        ``capacity``: how many fit; a full post is passed over.
    cover_start, cover_set : ndarray of int32
        CSR: the sets of demand that each post reaches in time.
    weight : ndarray of float64, shape (n_sets,)
        Demand of each set now.
    gain : ndarray of float64
        ``gain[k] = (1 - q) q^k``; the last entry serves every greater k.
    covered : ndarray of int32, shape (n_sets,)
        Scratch.
    """
    covered[:] = 0
    n = len(stationed)
    for p in range(n):
        if stationed[p] > 0:
            for i in range(cover_start[p], cover_start[p + 1]):
                covered[cover_set[i]] += stationed[p]
    best = -1.0
    post = -1
    last = len(gain) - 1
    for p in range(n):
        if stationed[p] >= hub[p].capacity:
            continue
        value = 0.0
        for i in range(cover_start[p], cover_start[p + 1]):
            s = cover_set[i]
            value += weight[s] * gain[min(covered[s], last)]
        if value > best:
            best = value
            post = p
    return post
