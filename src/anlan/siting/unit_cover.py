r"""The engine of the models that place units: demand valued by how much strength stands within reach.

.. math::
    \max \sum_r w_r F_{\kappa(r)}\Bigl(\sum_{c \in N_r} s_c x_c\Bigr) \quad\text{s.t.}\quad
    \sum_j x_{tj} = U_t,\; l \le x \le u,\; \sum_j |x_{tj} - x_{t-1,j}| \le M_t,\; x \text{ whole}

less :math:`\sum_t \pi_t \sum_j |x_{tj} - x_{t-1,j}|` where changes have a price, with concave, non-decreasing
F. A row r is a demand in a period, a column c = (t, j) a site in a period, :math:`s_c` the strength of one
unit there. F = (0, 1, 1, …) is maximal covering, :math:`1 - q^k` Daskin's expected covering, (0, θ, 1, …)
backup coverage; :math:`F(t) = 1 - e^{-t}` with :math:`s_j = -\ln q_j` is expected covering with a busy
fraction for each site.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.siting.cover import transpose
from anlan.siting.answer import Floats, Ints
from anlan.siting.problem import Side
from anlan.siting.reduce import Column, Cover, Start

NO_LIMIT = np.int64(1) << 40


@dataclass(frozen=True, eq=False)
class UnitCover:
    """Rows, columns, values and limits; see the module and `anlan.kernels.siting.units`.

    Attributes
    ----------
    rs, rc, cs, cr : rows to columns and columns to rows
    weight : ndarray of float64, shape (rows,)
    kind : ndarray of int32, shape (rows,)
    values : ndarray of float64, shape (kinds, K + 1)
        F at 0 … K; of shape (kinds, 0) for the exponential.
    strength : ndarray of float64, shape (periods * sites,)
    units : ndarray of int64, shape (periods,)
    lower, upper : ndarray of int64, shape (periods, sites)
    limit : ndarray of int64, shape (periods,)
        Most ``sum |x[t] - x[t-1]|`` at the border before each period (before the first comes the last);
        `NO_LIMIT` where free.
    side : Side
        Limits on which sites are used at all, in any period.
    price : ndarray of float64, shape (periods,)
        What each unit of ``sum |x[t] - x[t-1]|`` costs at the border before each period.
    group : ndarray of int32, shape (rows,)
    floor : ndarray of float64, shape (groups,)
        The rows of a group together are worth at least this; 0 where nothing is asked.
    """

    rs: Start
    rc: Column
    cs: Start
    cr: Column
    weight: Floats
    kind: NDArray[np.int32]
    values: Floats
    strength: Floats
    units: Ints
    lower: Ints
    upper: Ints
    limit: Ints
    price: Floats
    side: Side
    group: NDArray[np.int32]
    floor: Floats

    @property
    def n_row(self) -> int:
        """Number of rows."""
        return len(self.weight)

    def value(self, x: Ints) -> float:
        """Value of units per period and site, shape (periods, sites)."""
        return float(self.weight @ self.row_values(self.held(x))) - self.move_price(x)

    def move_price(self, x: Ints) -> float:
        """Price of all changes between periods."""
        if not self.price.any():
            return 0.0
        return float(self.price @ np.abs(x - np.roll(x, 1, axis=0)).sum(axis=1))

    def row_values(self, t: Floats) -> Floats:
        """F(t) of each row, shape (rows,)."""
        return self.values_at(t, self.kind)

    def values_at(self, t: Floats, kind: NDArray[np.int32]) -> Floats:
        """F(t) of rows of the given kinds, element by element."""
        if self.values.shape[1] == 0:
            return -np.expm1(-t)
        last = self.values.shape[1] - 1
        low = np.minimum(np.floor(t + 1e-9).astype(np.int64), last)
        high = np.minimum(low + 1, last)
        below, above = self.values[kind, low], self.values[kind, high]
        return below + np.clip(t - low, 0.0, 1.0) * (above - below)

    def held(self, x: Ints) -> Floats:
        """Strength within reach of each row, shape (rows,)."""
        rows = np.repeat(np.arange(self.n_row), np.diff(self.rs))
        return np.bincount(rows, (self.strength * x.ravel())[self.rc], minlength=self.n_row).astype(float)

    @cached_property
    def least(self) -> Floats:
        """Strength of the weakest unit within reach of each row, shape (rows,)."""
        return np.minimum.reduceat(self.strength[self.rc], self.rs[:-1]) if self.n_row else np.empty(0)

    def allows(self, x: Ints) -> bool:
        """Whether a placement keeps every limit."""
        return (
            bool(np.all(x.sum(axis=1) == self.units))
            and self.keeps_moves(x)
            and self.side.holds(np.flatnonzero(x.any(axis=0)))
            and self.keeps_floors(x)
        )

    def keeps_moves(self, x: Ints) -> bool:
        """Whether units do not move more often than allowed."""
        return bool(np.all(np.abs(x - np.roll(x, 1, axis=0)).sum(axis=1) <= self.limit))

    def keeps_floors(self, x: Ints) -> bool:
        """Whether every group of rows gets what it should at least."""
        if not len(self.floor):
            return True
        worth = np.bincount(self.group, self.weight * self.row_values(self.held(x)), len(self.floor))
        return bool(np.all(worth >= self.floor - 1e-9 * (1.0 + self.floor)))

    @property
    def limited(self) -> Ints:
        """Periods at whose beginning moves are limited or have a price."""
        if len(self.limit) < 2:
            return np.empty(0, np.int64)
        return np.flatnonzero((self.limit < NO_LIMIT) | (self.price > 0))


@dataclass(frozen=True, eq=False)
class Placed:
    """Units per period and site, their value, and a proven bound on it."""

    x: Ints
    value: float
    bound: float


class Layer(NamedTuple):
    """Merged rows of one kind, in one period, of one group."""

    cover: Cover
    kind: int = 0
    period: int = 0
    group: int = 0


def stacked(
    layers: list[Layer],
    *,
    values: Floats,
    units: Ints,
    lower: Ints,
    upper: Ints,
    strength: Floats | None = None,
    limit: Ints | None = None,
    price: Floats | None = None,
    side: Side | None = None,
    floor: Floats | None = None,
) -> UnitCover:
    """One `UnitCover` of several merged covers; see there for the parameters."""
    periods, sites = lower.shape
    starts, columns = [np.zeros(1, np.int64)], [np.empty(0, np.int32)]
    shift = 0
    for layer in layers:
        cover = layer.cover
        starts.append(cover.rs[1:] + shift)
        columns.append((cover.sites[cover.rc] + layer.period * sites).astype(np.int32))
        shift += len(cover.rc)
    rs, rc = np.concatenate(starts), np.concatenate(columns)
    cs, cr = transpose(rs, rc, periods * sites)
    rows = [layer.cover.n_row for layer in layers]
    return UnitCover(
        rs, rc, cs, cr,
        np.concatenate([*(layer.cover.weight for layer in layers), np.empty(0)]),
        np.repeat(np.array([layer.kind for layer in layers], np.int32), rows),
        np.ascontiguousarray(values, np.float64),
        np.ones(periods * sites) if strength is None else np.ascontiguousarray(strength, np.float64),
        np.asarray(units, np.int64), np.ascontiguousarray(lower, np.int64),
        np.ascontiguousarray(upper, np.int64),
        np.full(periods, NO_LIMIT) if limit is None else np.asarray(limit, np.int64),
        np.zeros(periods) if price is None else np.asarray(price, np.float64),
        Side(np.zeros((0, sites)), np.zeros(0)) if side is None else side,
        np.repeat(np.array([layer.group for layer in layers], np.int32), rows),
        np.empty(0) if floor is None else np.asarray(floor, np.float64),
    )  # fmt: skip
