"""Posts by period: where units stand hour by hour when they may move only so often in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import Floats, Ints, Moment, Sense, Status, conclude
from anlan.siting.period_model import PeriodModel, Placing, blocks_of
from anlan.siting.problem import Watch
from anlan.siting.unit_cover import NO_LIMIT

Model = Literal["mclp", "mexclp", "p_median"]


@dataclass(frozen=True, eq=False)
class PeriodSiting:
    """Units in every period, with a certificate for all of them together. Immutable.

    Attributes
    ----------
    model : str
    sites : tuple of ndarray of int64
        Of each period, the sites in use, ascending.
    units : ndarray of int64, shape (n_period, n_site)
    assignment : ndarray of int64, shape (n_period, n_demand)
        The site that serves each demand, -1 where none does.
    moves : ndarray of int64, shape (n_period,)
        Units that change their site at the border before each period; the first counts from the last
        period where periods close up to a circle, and is 0 otherwise. Units that come on or go off duty
        do not move.
    objectives : ndarray of float64, shape (n_period,)
        What each period brings (covered weight) or costs (weighted travel).
    objective : float
        Their sum, with the price of all moves.
    bound, gap, status, seconds, history, message, details
        As in `Siting`, of the sum.
    """

    model: str
    sites: tuple[Ints, ...]
    units: Ints
    assignment: Ints
    moves: Ints
    objectives: Floats
    objective: float
    bound: float
    gap: float
    status: Status
    seconds: float
    history: tuple[Moment, ...] = ()
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.units, self.assignment, self.moves, self.objectives, *self.sites):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.sites)


def periods(
    cost: Any,
    p: int | ArrayLike,
    weight: ArrayLike,
    *,
    model: Model = "mclp",
    reach: float | Sequence[float] | None = None,
    ring_weights: Sequence[float] | None = None,
    busy: float | ArrayLike = 0.0,
    moves: int | ArrayLike | None = None,
    price: float = 0.0,
    cyclic: bool = False,
    capacity: int | ArrayLike | None = None,
    fixed: ArrayLike = (),
    forbidden: ArrayLike = (),
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> PeriodSiting:
    r"""Place units in several periods at once, with few moves in between.

    .. math::
        \max \sum_t f_t(x_t) - \pi \sum_t m_t \quad\text{s.t.}\quad \sum_j x_{tj} = p_t,\;
        m_t = \tfrac12\Bigl(\sum_j |x_{tj} - x_{t-1,j}| - |p_t - p_{t-1}|\Bigr) \le M_t

    where :math:`f_t` is the covering or (negative) median objective of period t: maximal covering over time
    is Schilling (1980), "Dynamic location modeling for public-sector facilities", *Decision Sciences* 11,
    714-724; expected covering by hour with limited moves Repede & Bernardo (1994), *European Journal of
    Operational Research* 75, 567-581 (TIMEXCLP). Periods between which nothing may move are merged; where
    moves are free, each period is solved for itself by its own model; otherwise a search over units' whole
    itineraries, a Lagrangian bound whose subproblems are chains of periods, and where that is not enough
    HiGHS. A median is covered by distance: a row for each demand and each distinct cost (Cornuéjols,
    Nemhauser & Wolsey 1980).

    Parameters
    ----------
    cost : array or sparse matrix (n_demand, n_site), or a sequence of them
        Seconds from site to demand; one matrix for all periods, or one for each.
    p : int or array (n_period,)
        Units on duty.
    weight : array (n_period, n_demand)
        Demand by period.
    model : {"mclp", "mexclp", "p_median"}
        In `mclp` and `p_median` a site has one unit at most; in `mexclp` several.
    reach : float or sequence of float
        Seconds, for the covering models; several for rings (`mclp` only).
    ring_weights : sequence of float, optional
        As in `anlan.siting.mclp`.
    busy : float or array (n_period,)
        Busy fraction, for `mexclp`.
    moves : int or array (n_period,), optional
        Most units that may change their site at the border before each period; free where left out.
    price : float
        What each move costs, in the objective's unit.
    cyclic : bool
        Whether the last period is followed by the first, as in a week.
    capacity : int or array (n_site,), optional
        Most units at a site, for `mexclp`.
    fixed, forbidden : sequences of int
        Sites where a unit must, or must not, stand, in every period.
    gap, time_limit_s, seed, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    PeriodSiting

    Raises
    ------
    AnlanError
        If an input is wrong, or no demand is within reach of any site.
    """
    watch = Watch(float(time_limit_s), job)
    given = PeriodModel.make(
        model, cost, p, weight, reach=reach, ring_weights=ring_weights, busy=busy, capacity=capacity,
        fixed=fixed, forbidden=forbidden, gap=gap, time_limit_s=time_limit_s, seed=seed,
    )  # fmt: skip
    limit = _checked_moves(moves, given.units, cyclic)
    if not 0 <= price < np.inf:
        raise AnlanError(f"price = {price}", "what a move costs is a finite number, 0 or more", "correct it")
    block, limit = blocks_of(given.units, limit, cyclic)
    dear = np.full(len(limit), float(price))
    if not cyclic or len(limit) == 1:
        limit[0], dear[0] = NO_LIMIT, 0.0
    if np.all(limit == NO_LIMIT) and not dear.any():
        placing = given.apart(block, watch)
    else:
        placing = given.together(block, limit, dear, watch)
    return _answer(given, placing, block, price, cyclic, watch)


def _checked_moves(moves: int | ArrayLike | None, units: Ints, cyclic: bool) -> Ints:
    """Most moves before each period, `NO_LIMIT` where every unit may move."""
    n = len(units)
    limit = np.full(n, NO_LIMIT)
    if moves is not None:
        asked = np.asarray(moves, np.float64)
        if asked.shape not in ((), (n,)) or not np.all(asked >= 0):
            raise AnlanError(
                f"moves of shape {asked.shape}" if asked.ndim else f"moves = {moves}",
                f"it is a number of units, 0 or more, one for all or one for each of the {n} periods",
                "correct it, or leave it out where units may move freely",
            )
        able = np.minimum(units, np.roll(units, 1))
        asked = np.broadcast_to(np.floor(asked), (n,))
        limit = np.where(asked >= able, NO_LIMIT, np.minimum(asked, able)).astype(np.int64)
    if not cyclic:
        limit[0] = NO_LIMIT
    return limit


def _answer(
    given: PeriodModel, placing: Placing, block: Ints, price: float, cyclic: bool, watch: Watch
) -> PeriodSiting:
    units = placing.x[block]
    objectives, assignment = given.judged(units)
    moves = moved(units)
    if not cyclic:
        moves[0] = 0
    sense: Sense = "min" if given.model == "p_median" else "max"
    sign = 1.0 if sense == "max" else -1.0
    objective = float(objectives.sum()) - sign * price * float(moves.sum())
    used = np.flatnonzero(units.any(axis=0))
    one = conclude(
        given.model, sense, sites=used, assignment=assignment[0], objective=objective,
        bound=placing.bound,
        asked_gap=given.gap, seconds=watch.seconds, message=watch.message,
        history=[Moment(m.time_s, sign * m.objective, sign * m.bound) for m in watch.moments],
    )  # fmt: skip
    return PeriodSiting(
        model=given.model, sites=tuple(np.flatnonzero(row) for row in units), units=units,
        assignment=assignment, moves=moves, objectives=objectives, objective=one.objective, bound=one.bound,
        gap=one.gap, status=one.status, seconds=one.seconds, history=one.history, message=one.message,
        details={"blocks": len(placing.x), **placing.details},
    )  # fmt: skip


def moved(units: Ints) -> Ints:
    """Units that change their site at the border before each period (the first counts from the last)."""
    change = np.abs(units - np.roll(units, 1, axis=0)).sum(axis=1)
    size = units.sum(axis=1)
    return ((change - np.abs(size - np.roll(size, 1))) // 2).astype(np.int64)
