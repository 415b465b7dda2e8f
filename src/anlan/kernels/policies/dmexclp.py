"""DMEXCLP: a unit that becomes free goes where it adds most expected coverage.

Jagtenberg, Bhulai and van der Mei (2015), "An efficient heuristic for real-time ambulance redeployment",
Operations Research for Health Care 4, 27-35: with busy fraction q, a place of demand d that k other idle units
already cover gains d (1 - q) q^k from one more. Idle units count at their post or, while driving, at the post
they are driving to. Places that the same posts cover are merged beforehand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE


@njit(**BARE)
def fixed(total: float) -> float:
    """Power of two that weights of a sum are multiplied by, so that sums of worths are exact integers.

    Sums of worths then do not depend on their order, and a run that adds and takes off differences decides as one
    that sums anew.
    """
    return 2.0 ** (50 - math.frexp(total)[1]) if total > 0.0 else 1.0


@njit(**BARE)
def change(
    post: int,
    step: int,
    cover_start: NDArray[Any],
    cover_set: NDArray[Any],
    reach_start: NDArray[Any],
    reach_post: NDArray[Any],
    weight: NDArray[Any],
    scale: float,
    gain: NDArray[Any],
    covered: NDArray[Any],
    worth: NDArray[Any],
) -> None:
    """A unit comes to a post (``step`` 1) or leaves it (-1): bring ``covered`` and ``worth`` up to date."""
    last = len(gain) - 1
    for i in range(cover_start[post], cover_start[post + 1]):
        s = cover_set[i]
        k = covered[s]
        covered[s] = k + step
        value = weight[s] * scale
        more = np.int64(value * gain[min(k + step, last)]) - np.int64(value * gain[min(k, last)])
        for j in range(reach_start[s], reach_start[s + 1]):
            worth[reach_post[j]] += more


@njit(**BARE)
def count(
    stationed: NDArray[Any],
    cover_start: NDArray[Any],
    cover_set: NDArray[Any],
    weight: NDArray[Any],
    scale: float,
    gain: NDArray[Any],
    covered: NDArray[Any],
    worth: NDArray[Any],
) -> None:
    """Units that cover each set, and what one more would add at each post, both from nothing."""
    covered[:] = 0
    n = len(stationed)
    for p in range(n):
        if stationed[p] > 0:
            for i in range(cover_start[p], cover_start[p + 1]):
                covered[cover_set[i]] += stationed[p]
    last = len(gain) - 1
    for p in range(n):
        value = np.int64(0)
        for i in range(cover_start[p], cover_start[p + 1]):
            s = cover_set[i]
            value += np.int64(weight[s] * scale * gain[min(covered[s], last)])
        worth[p] = value


@njit(**BARE)
def best(worth: NDArray[Any], stationed: NDArray[Any], hub: NDArray[Any]) -> int:
    """The post with the greatest marginal coverage that is not full; the first on a tie."""
    most = np.int64(-1)
    post = -1
    for p in range(len(worth)):
        if stationed[p] < hub[p].capacity and worth[p] > most:
            most = worth[p]
            post = p
    return post


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
    worth = np.empty(len(stationed), np.int64)
    count(stationed, cover_start, cover_set, weight, fixed(weight.sum()), gain, covered, worth)
    return best(worth, stationed, hub)
