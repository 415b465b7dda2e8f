"""Fixed preference: each group of places has its order of units, and the first eligible one goes.

The dispatching of the hypercube queueing model (Larson 1974, "A hypercube queuing model for facility location
and redistricting in urban emergency services", Computers & Operations Research 1, 67-95).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE


@njit(**BARE)
def choose(eta_s: NDArray[Any], order: NDArray[Any]) -> int:
    """First unit of ``order`` (-1 after the last) that can come; -1 where none can."""
    for i in range(len(order)):
        u = order[i]
        if u < 0:
            break
        if eta_s[u] < np.inf:
            return u
    return -1
