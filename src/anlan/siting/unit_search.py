"""Placing units well, and how well it could be done at most: iterated local search and Lagrangian bound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from anlan.core.seed import stream
from anlan.kernels.siting.units import price_rows, step_rows, unit_descend, unit_shift
from anlan.siting.answer import Floats, Ints
from anlan.siting.unit_cover import UnitCover

_ACCEPT = 1e-3
"""Share by which a local optimum may be worse than the one before and still be continued from."""
_PATIENCE = 60
"""Steps without a better bound before the step is shortened: measured, 12 stops 0.5 to 2 % above."""


class Search:
    """Iterated local search over placements.

    Attributes
    ----------
    best : ndarray of int64, shape (periods, sites)
        The best placement so far.
    value : float
        Its value.
    over : callable
        Whether to stop in the middle of a long descent.
    """

    over: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self, model: UnitCover, seed: int) -> None:
        m = model
        self._model, self._random = m, stream(seed, "units")
        self._arrays = (m.rs, m.rc, m.cs, m.cr, m.weight, m.kind, m.values, m.strength)
        self._x = np.zeros_like(m.lower)
        self._held = np.zeros(m.n_row)
        self._add = self._additions()
        self._now = 0.0
        self.best, self.value = self._x.copy(), -np.inf
        self._kept, self._kept_value = self._x.copy(), -np.inf

    def complete(self, start: Ints) -> None:
        """Begin at a placement, add units greedily until there are as many as there should be, descend.

        A unit is added at one site in all periods that need so many, so that nothing has to move, as long
        as some site can take it in all of them; then wherever there is room.
        """
        m = self._model
        self._shift(start)
        while True:
            missing = m.units - self._x.sum(axis=1)
            together = missing == missing.max()
            if missing.max() <= 0:
                break
            room = self._x < m.upper
            add = self._add.reshape(m.lower.shape)
            gain = np.where(room[together].all(axis=0), add[together].sum(axis=0), -np.inf)
            target = self._x.copy()
            if np.isfinite(gain.max()):
                target[together, int(gain.argmax())] += 1
            else:
                for t in np.flatnonzero(together):
                    gain = np.where(room[t], add[t], -np.inf)
                    if not np.isfinite(gain.max()):
                        return
                    target[t, int(gain.argmax())] += 1
            self._shift(target)
        self._descend()

    @property
    def here(self) -> Ints:
        """The placement the search stands at, which need not be the best; do not change it."""
        return self._x

    def revalue(self, model: UnitCover) -> None:
        """Go on with other values of the same rows; what was best before no longer is."""
        m = self._model = model
        self._arrays = (m.rs, m.rc, m.cs, m.cr, m.weight, m.kind, m.values, m.strength)
        self._add = self._additions()
        self._now = float(m.weight @ m.row_values(self._held))
        self._kept, self._kept_value = self._x.copy(), self._now
        self.best, self.value = self._x.copy(), self._now

    def kick(self) -> None:
        """Move a few units at random, descend, keep the result if it is not much worse."""
        target = self._x.copy()
        for _ in range(int(self._random.integers(2, 5))):
            self._relocate(target)
        self._shift(target)
        self._descend()

    def _additions(self) -> Floats:
        """What one more unit at each column would bring, shape (columns,)."""
        m = self._model
        lengths = np.diff(m.rs)
        held, kind = np.repeat(self._held, lengths), np.repeat(m.kind, lengths)
        rise = m.values_at(held + m.strength[m.rc], kind) - m.values_at(held, kind)
        gain = np.bincount(m.rc, np.repeat(m.weight, lengths) * rise, minlength=m.strength.size)
        return gain.astype(np.float64)

    def _relocate(self, x: Ints) -> None:
        m, rng = self._model, self._random
        sites = x.shape[1]
        able = np.flatnonzero(x > m.lower)
        if not len(able):
            return
        c = int(rng.choice(able))
        t, j = divmod(c, sites)
        k = int(rng.integers(sites))
        if m.cs[c + 1] > m.cs[c] and rng.random() < 0.8:
            row = m.cr[rng.integers(m.cs[c], m.cs[c + 1])]
            k = int(m.rc[rng.integers(m.rs[row], m.rs[row + 1])]) % sites
        if x[t, k] < m.upper[t, k]:
            x[t, j] -= 1
            x[t, k] += 1

    def _descend(self) -> None:
        m = self._model
        order = self._random.permutation(m.strength.size)
        tolerance = 1e-9 * (1.0 + abs(self._now))
        self._now += unit_descend(
            *self._arrays, m.lower, m.upper, self._x, self._held, self._add, order,
            tolerance,
        )  # fmt: skip
        self._settle(self._now)

    def _settle(self, worth: float) -> None:
        """Keep what was found, or go back to where the kick began."""
        if worth > self.value + 1e-9 * (1.0 + abs(worth)):
            self.value, self.best = worth, self._x.copy()
        if worth >= self._kept_value - _ACCEPT * abs(self._kept_value) * self._random.random():
            self._kept_value, self._kept = worth, self._x.copy()
        else:
            self._shift(self._kept)

    def _shift(self, target: Ints) -> None:
        self._now += unit_shift(*self._arrays, self._x, target, self._held, self._add)


class Dual:
    r"""Lagrangian bound: a price u for strength within reach of each row.

    .. math:: L(u) = \sum_r \max_t\,(w_r F(t) - u_r t) + \max_x \sum_c s_c x_c \sum_{r: c \in N_r} u_r

    is at least the best value for every u >= 0; limits on moves between periods are left out of the second
    maximum, which keeps it a bound. Prices begin at the marginal values of a good placement.

    Attributes
    ----------
    bound : float
    score : ndarray, shape (columns,)
        What one unit more at each column is worth at the prices of the best bound.
    settled : bool
        Whether more steps are no use.
    over : callable
        Whether to stop in the middle of many steps.
    """

    over: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self, model: UnitCover, near: Ints) -> None:
        m = self._model = model
        held = m.held(near)
        step = float(m.strength.mean())
        after = m.row_values(held + step)
        before = m.row_values(np.maximum(held - step, 0.0))
        self._u = m.weight * (after - before) / (step + np.minimum(held, step))
        first = np.ones(1) if m.values.shape[1] == 0 else np.diff(m.values, axis=1)[:, 0]
        self._most = m.weight * first[m.kind if len(first) > 1 else 0]
        self._begun = False
        self._room = m.upper - m.lower
        self._free = m.units - m.lower.sum(axis=1)
        self._way, self._wanted = np.zeros(m.n_row), np.zeros(m.n_row)
        self._now = np.zeros(m.strength.size)
        self._factor, self._stalled = 1.0, 0
        self.bound, self.score = np.inf, self._now.copy()

    @property
    def settled(self) -> bool:
        """Whether the step has become too small to matter."""
        return self._factor < 1e-4

    def improve(self, known: float, steps: int) -> float:
        """Take some subgradient steps towards a known value; give the best bound so far."""
        m = self._model
        for _ in range(steps):
            total = price_rows(
                m.rs, m.rc, m.weight, m.kind, m.values, m.least, self._u, self._wanted, self._now
            )
            self._now *= m.strength
            x = self._cheapest()
            total += float(self._now @ x)
            self._stalled = 0 if total < self.bound * (1 - 1e-6) else self._stalled + 1
            if self._stalled >= _PATIENCE:
                self._factor, self._stalled = self._factor * 0.7, 0
            if total < self.bound:
                self.bound, self.score = total, self._now.copy()
            if self.settled or self.over():
                break
            excess = self._factor * max(total - known, 1e-6 * abs(total))
            keep = 0.9 if self._begun else 0.0
            self._begun = True
            step_rows(m.rs, m.rc, m.strength * x, self._wanted, excess, self._most, keep, self._u, self._way)
        return self.bound

    def _cheapest(self) -> Floats:
        """Units at the columns of highest score."""
        m = self._model
        x = m.lower.copy()
        for t, score in enumerate(self._now.reshape(x.shape)):
            order = np.argsort(-score, kind="stable")
            room = self._room[t, order]
            left = self._free[t] - room.cumsum() + room
            x[t, order] += np.minimum(np.maximum(left, 0), room)
        return x.ravel().astype(np.float64)
