"""How long a journey can be at most: this decides how fine the ticks may be."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def spread(
    start: NDArray[np.int32], head: NDArray[np.int32], time_s: NDArray[np.float64], root: int
) -> float:
    """Longest way from a root to any node it reaches along a breadth-first tree, in seconds.

    A bound on the longest shortest path from the root, found in one pass.
    """
    n = len(start) - 1
    at = np.full(n, -1.0)
    queue = np.empty(n, np.int32)
    queue[0] = root
    at[root] = 0.0
    count = 1
    i = 0
    longest = 0.0
    while i < count:
        x = queue[i]
        i += 1
        longest = max(longest, at[x])
        for a in range(start[x], start[x + 1]):
            y = head[a]
            if at[y] < 0.0:
                at[y] = at[x] + time_s[a]
                queue[count] = y
                count += 1
    return longest
