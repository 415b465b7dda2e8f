"""Erlang's formulas: the chance that all of several like units are busy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def erlang_b(units: int, load: float) -> float:
    """Share of calls lost when all ``units`` are busy and nothing waits (Erlang 1917).

    Parameters
    ----------
    units : int
    load : float
        Offered load in erlangs: call rate divided by one unit's service rate.
    """
    blocked = 1.0
    for n in range(1, units + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(units: int, load: float) -> float:
    """Share of calls that wait when calls queue for the first free unit; 1 where the load is too much.

    ``C = B / (1 - (load / units) (1 - B))`` with Erlang's ``B``; see `erlang_b` for the parameters.
    """
    if load >= units:
        return 1.0
    blocked = erlang_b(units, load)
    return blocked / (1.0 - load / units * (1.0 - blocked))


def busy_distribution(units: int, load: float, *, queue: bool) -> NDArray[np.float64]:
    """Probability that 0, 1, … ``units`` like units are busy, shape (units + 1,).

    Parameters
    ----------
    units : int
    load : float
        Offered load in erlangs; below ``units`` where calls queue.
    queue : bool
        Whether calls wait (M/M/N; the last entry is then "all busy, any number waiting") or are lost
        (M/M/N/N).
    """
    weight = np.empty(units + 1)
    weight[units] = 1.0
    for n in range(units, 0, -1):  # from the full state down, so that nothing overflows
        weight[n - 1] = weight[n] * n / load
        if weight[n - 1] > 1e200:
            weight[n - 1 :] /= weight[n - 1]
    if queue:
        weight[units] /= 1.0 - load / units
    return weight / weight.sum()
