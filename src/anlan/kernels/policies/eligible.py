"""Which units a call may take: free ones above the reserve, and those on their way to something lesser."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

OFF, IDLE, MOVING, EN_ROUTE, BUSY = 0, 1, 2, 3, 4
"""Off duty or out of service; standing free; driving free (home, to a post, on patrol); sent to a call and not
there yet; at the scene, carrying or handing over."""


@njit(cache=True, nogil=True)
def above_reserve(n_free: int, reserve: NDArray[Any], priority: int) -> bool:
    """Whether a call of this priority may take one of ``n_free`` free units.

    ``reserve[priority]`` units are kept back for more urgent calls (priority queue with cutoffs,
    Schaack and Larson 1986).
    """
    return n_free > reserve[priority]


@njit(cache=True, nogil=True)
def may_divert(redispatch: NDArray[Any], from_priority: int, to_priority: int) -> bool:
    """Whether a unit on its way to one call may be taken for another."""
    return redispatch[from_priority, to_priority]
