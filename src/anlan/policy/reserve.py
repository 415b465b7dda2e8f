"""Reserve: free units that calls of a priority must leave for more urgent ones (cutoffs)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def table(reserve: Mapping[int, int], top: int) -> NDArray[np.int64]:
    """Units kept back from calls of each priority, shape (1 + top,).

    Schaack and Larson (1986), "An N-server cutoff priority queue", Operations Research 34, 257-266.
    """
    out = np.zeros(top + 1, np.int64)
    for priority, units in reserve.items():
        if priority <= top:
            out[priority] = units
    return out
