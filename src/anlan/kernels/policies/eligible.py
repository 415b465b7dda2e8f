"""Which units a call may take: free ones above the reserve, and those on their way to something lesser."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE

OFF, IDLE, MOVING, EN_ROUTE, BUSY, PAUSED, HOMEBOUND = 0, 1, 2, 3, 4, 5, 6
"""Off duty or out of service; standing free; driving free (home, to a post, on a round); sent to a call and not
there yet; at the scene, carrying or handing over; at a meal or at work of its own; driving home to go off duty."""


@njit(**BARE)
def above_reserve(n_free: int, reserve: NDArray[Any], priority: int) -> bool:
    """Whether a call of this priority may take one of ``n_free`` free units.

    ``reserve[priority]`` units are kept back for more urgent calls (priority queue with cutoffs, Schaack and
    Larson 1986, "An N-server cutoff priority queue", Operations Research 34, 257-266).
    """
    return n_free > reserve[priority]


@njit(**BARE)
def may_divert(redispatch: NDArray[Any], from_priority: int, to_priority: int) -> bool:
    """Whether a unit on its way to one call may be taken for another."""
    return redispatch[from_priority, to_priority]


@njit(**BARE)
def has_time(now: float, shift_end: float, last_s: float, last_priority: int, priority: int) -> bool:
    """Whether a unit still takes a call: in the last ``last_s`` of its shift, urgent ones only."""
    return priority <= last_priority or now < shift_end - last_s
