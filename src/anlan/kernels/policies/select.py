"""The dispatch rules by number, for the simulation's loop and for the desk alike."""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

from anlan.kernels.bare import BARE
from anlan.kernels.policies import closest, coverage, jurisdiction, preference

CLOSEST, PREFERENCE, JURISDICTION, COVERAGE = 0, 1, 2, 3
HOME, DMEXCLP, LADDER, PATROL = 0, 1, 2, 3
"""Standby rules; the ladder is for compliance tables and for posts by hour."""


@njit(**BARE)
def select(
    rule: int,
    eta_s: NDArray[Any],
    own: NDArray[Any],
    loss: NDArray[Any],
    order: NDArray[Any],
    limit_s: float,
) -> int:
    """The unit to send, by a rule; -1 where nobody can come.

    Parameters
    ----------
    rule : int
    eta_s : ndarray of float64, shape (n_units,)
        Time to arrival of eligible units, inf for the others.
    own : ndarray of bool
        Units of the call's own area (`jurisdiction`).
    loss : ndarray of float64
        Coverage lost if the unit leaves (`coverage`).
    order : ndarray of int64
        Fixed order of units (`preference`).
    limit_s : float
        Tolerance (`jurisdiction`) or standard (`coverage`).
    """
    if rule == PREFERENCE:
        return preference.choose(eta_s, order)
    if rule == JURISDICTION:
        return jurisdiction.choose(eta_s, own, limit_s)
    if rule == COVERAGE:
        return coverage.choose(eta_s, loss, limit_s)
    return closest.choose(eta_s)
