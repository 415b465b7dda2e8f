"""A ladder of posts: with so many free units, these posts are held (compliance table, posts by hour).

Compliance tables: Gendreau, Laporte and Semet (2006), "The maximal expected coverage relocation problem for
emergency vehicles", Journal of the Operational Research Society 57, 22-28. Units already at or driving to a post
that is to be held stay; only vacancies are filled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE


@njit(**BARE)
def vacancies(rung: NDArray[Any], stationed: NDArray[Any], open_at: NDArray[Any]) -> int:
    """Posts of a rung that nobody holds, in its order, into ``open_at``; gives how many.

    Parameters
    ----------
    rung : ndarray of int32
        Posts to hold, a post as often as units should stand there, -1 after the last.
    stationed : ndarray of int32, shape (n_posts,)
        Free units at each post or driving to it.
    """
    n = 0
    for i in range(len(rung)):
        p = rung[i]
        if p < 0:
            break
        held = 0
        for j in range(i):
            if rung[j] == p:
                held += 1
        if stationed[p] <= held:
            open_at[n] = p
            n += 1
    return n


@njit(**BARE)
def surplus(rung: NDArray[Any], stationed: NDArray[Any], post: int) -> bool:
    """Whether a post has more free units than the rung wants there."""
    want = 0
    for i in range(len(rung)):
        if rung[i] < 0:
            break
        if rung[i] == post:
            want += 1
    return stationed[post] > want


@njit(**BARE)
def nearest(open_at: NDArray[Any], n: int, time_s: NDArray[Any]) -> int:
    """The vacancy that a unit reaches first; the earlier on the ladder on a tie; -1 where none."""
    best = np.inf
    post = -1
    for i in range(n):
        t = time_s[i]
        if t < best:
            best = t
            post = open_at[i]
    return post
