"""Placing units: search and bound in turns, then an exact run where that is not enough."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from anlan.siting.answer import Ints
from anlan.siting.problem import Watch
from anlan.siting.unit_cover import Placed, UnitCover
from anlan.siting.unit_periods import ChainDual, Itineraries
from anlan.siting.unit_program import exact
from anlan.siting.unit_search import Dual, Search

_SMALL = 10_000
"""With fewer links the exact run closes what periods leave open sooner than more rounds would."""

_LARGE = 100_000
"""With more links a descent over all periods takes as long as a portion of the bound."""


def place(
    model: UnitCover,
    watch: Watch,
    *,
    gap: float,
    seed: int,
    offset: float = 0.0,
    start: Ints | None = None,
) -> Placed | None:
    """Search, bound, and where that is not enough, an exact run on what is left.

    Parameters
    ----------
    model : UnitCover
    watch : Watch
    gap : float
        Relative gap at which to stop, of the value with ``offset``.
    seed : int
    offset : float
        Constant of the objective, for the gap and the history.
    start : ndarray, shape (periods, sites), optional
        Units to begin with.

    Returns
    -------
    Placed or None
        None if no placement keeps the limits (proven); with an empty ``x`` if none was found in time.
    """
    m = model
    moving = len(m.limited) > 0
    search = Itineraries(m, seed) if moving else Search(m, seed)
    search.over = lambda: watch.over
    search.complete(m.lower if start is None else np.maximum(start, m.lower))
    if not m.side.holds(np.flatnonzero(search.best.any(axis=0))):
        search = _within_side(m, search, seed)
    feasible = m.allows(search.best)
    dual = ChainDual(m, search.best) if moving else Dual(m, search.best)
    rounds, kicks, steps = (40, 10, 150)
    if moving:  # small ones are soon left to the exact run
        rounds, kicks, steps = 20 if len(m.rc) < _SMALL else 400, 3 if len(m.rc) < _LARGE else 1, 50
    bound, wanted = np.inf, max(gap, 1e-9)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(rounds):
            if watch.over or not feasible:
                break
            bounding = pool.submit(dual.improve, search.value, steps)
            for _ in range(kicks):
                search.kick()
            bound = min(bound, bounding.result())
            watch.note(search.value + offset, max(bound, search.value) + offset)
            if bound - search.value <= wanted * abs(search.value + offset) or dual.settled:
                break
    if np.isinf(bound):  # one step, so that even an answer that ran out of time has a bound
        bound = dual.improve(search.value if feasible else 0.0, 1)
    best = search.best if feasible else None
    if feasible and (watch.over or bound - search.value <= wanted * abs(search.value + offset)):
        return Placed(search.best, m.value(search.best), max(bound, search.value))
    return exact(m, watch, gap, offset, best, bound, dual.score)


def _within_side(m: UnitCover, search: Search, seed: int) -> Search:
    """Search again on fewer and fewer sites until the limits on their use hold."""
    used = np.flatnonzero(search.best.any(axis=0))
    must = np.flatnonzero(m.lower.any(axis=0))
    while not m.side.holds(used) and len(used) > len(must):
        # Close the site that eases the broken limits most for the units it has.
        broken = m.side.rows[:, used].sum(axis=1) > m.side.limit
        relief = m.side.rows[broken][:, used].sum(axis=0) / (1.0 + search.best[:, used].sum(axis=0))
        relief[np.isin(used, must)] = -1.0
        used = np.delete(used, int(relief.argmax()))
        upper = np.zeros_like(m.upper)
        upper[:, used] = m.upper[:, used]
        search = type(search)(replace(m, upper=upper), seed)
        search.complete(np.minimum(m.lower, upper))
    return search
