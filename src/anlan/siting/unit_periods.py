"""Units that may move from one period to the next: whole itineraries, and a bound that knows the moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anlan.kernels.siting.units import price_rows, step_rows
from anlan.siting.answer import Floats, Ints
from anlan.siting.unit_cover import NO_LIMIT, UnitCover
from anlan.siting.unit_search import Dual, Search

_ROUNDS = 20
"""Most rounds over all units before a descent ends."""
_CHAIN_PATIENCE = 25
"""Steps without a better bound before the step of the chained bound is shortened."""


class Itinerary(NamedTuple):
    """Where one unit stands in a stretch of periods, counted from the period where the round begins."""

    begin: int
    sites: Ints


class Itineraries(Search):
    """Local search that takes one unit at a time and lays its best way through all periods anew.

    With the other units where they are, what a unit brings depends on its site period by period and what its
    move costs (or whether it is allowed) on the two sites at the border: a shortest path, found by dynamic
    programming over periods and sites. Where periods close up to a circle, the unit's site in one period,
    drawn at random, stays.
    """

    def kick(self) -> None:
        """Lay a few units' ways by what is partly chance, descend, keep the result if not much worse."""
        begin = self._first_period()
        ways = self._ways(begin)
        for way in self._random.permutation(len(ways))[: int(self._random.integers(2, 5))]:
            self._lay(begin, ways[way], disturb=True)
        self._descend()

    def _descend(self) -> None:
        for _ in range(_ROUNDS):
            begin = self._first_period()
            ways = self._ways(begin)
            order = self._random.permutation(len(ways))
            changed = [self._lay(begin, ways[k]) for k in order if not self.over()]
            if not any(changed):
                break
        self._settle(self._now - self._model.move_price(self._x))

    def _first_period(self) -> int:
        m = self._model
        return int(self._random.integers(len(m.limit))) if 0 in m.limited else 0

    def _ways(self, begin: int) -> list[Itinerary]:
        """The placement as itineraries: units stay where they can, the others move."""
        x = np.roll(self._x, -begin, axis=0)
        ways: list[tuple[int, list[int]]] = []
        standing: dict[int, list[int]] = {}
        for t, row in enumerate(x):
            arriving: list[int] = []
            leaving: list[int] = []
            following: dict[int, list[int]] = {}
            for j in np.flatnonzero(row).tolist():
                before = standing.pop(j, [])
                following[j] = before[: row[j]]
                leaving += before[row[j] :]
                arriving += [j] * (int(row[j]) - len(following[j]))
            leaving += [way for rest in standing.values() for way in rest]
            for j in arriving:
                if leaving:
                    way = leaving.pop(0)
                else:
                    way = len(ways)
                    ways.append((t, []))
                following.setdefault(j, []).append(way)
            for j, here in following.items():
                for way in here:
                    ways[way][1].append(j)
            standing = following
        return [Itinerary(t, np.array(sites, np.int64)) for t, sites in ways]

    def _lay(self, begin: int, way: Itinerary, disturb: bool = False) -> bool:
        """Take a unit away and put it back on its best way; whether that is a better one."""
        m = self._model
        periods, sites = self._x.shape
        times = (begin + way.begin + np.arange(len(way.sites))) % periods
        target = self._x.copy()
        target[times, way.sites] -= 1
        changes = np.abs(self._x - np.roll(self._x, 1, axis=0)).sum(axis=1)
        self._shift(target)
        gain = self._add.reshape(periods, sites)[times].copy()
        if disturb:
            gain *= self._random.uniform(0.6, 1.4, gain.shape)
        gain[target[times] >= m.upper[times]] = -np.inf
        missing = target[times] < m.lower[times]
        must = missing.any(axis=1)
        gain[must] = np.where(missing[must], gain[must], -np.inf)
        rest = target - np.roll(target, 1, axis=0)
        best, better = _best_way(
            gain, way, rest[times], rest[(times[-1] + 1) % periods],
            np.maximum(m.limit, changes), m.price, times, closed=0 in m.limited,
        )  # fmt: skip
        target[times, best] += 1
        self._shift(target)
        return better > 1e-9 * (1.0 + abs(self._now))


def _best_way(
    gain: Floats,
    way: Itinerary,
    rest: Ints,
    rest_after: Ints,
    limit: Ints,
    price: Floats,
    times: Ints,
    closed: bool,
) -> tuple[Ints, float]:
    """The best sites (length,) for one unit, and by how much they beat the present ones.

    Parameters
    ----------
    gain : ndarray, shape (length, sites)
        What the unit brings; infinite below zero where it may not stand.
    way : Itinerary
    rest : ndarray, shape (length, sites)
        Change of the other units at the border before each of its periods.
    rest_after : ndarray, shape (sites,)
        The same at the border after its last period.
    limit, price : ndarray, shape (periods,)
    times : ndarray, shape (length,)
    closed : bool
        Whether the border between last and first period counts.
    """
    length, sites = gain.shape
    periods = len(limit)
    one = np.arange(sites)
    arrive = np.where(rest >= 0, 1, -1)
    leave = np.where(rest <= 0, 1, -1)
    used = np.abs(rest).sum(axis=1)
    came = np.empty((length, sites), np.int64)
    whole = length == periods
    # At the start: the unit comes on duty, or (all round) stands where it stood.
    value = gain[0].copy()
    if whole and closed:
        value[one != way.sites[0]] = -np.inf
    else:
        value -= _toll(used[0] + arrive[0], arrive[0], limit[times[0]], price[times[0]])
    mine = float(value[way.sites[0]])
    for r in range(1, length):
        most, dear = limit[times[r]], price[times[r]]
        stay = value if used[r] <= most else np.full(sites, -np.inf)
        best, source = stay.copy(), one.copy()
        for by in (-1, 1):
            able = np.where(leave[r] == by, value, -np.inf)
            k = int(able.argmax())
            moved = able[k] - _toll(used[r] + by + arrive[r], by + arrive[r], most, dear)
            wins = moved > best
            best[wins] = moved[wins]
            source[wins] = k
        came[r] = source
        here, before = int(way.sites[r]), int(way.sites[r - 1])
        if here != before:
            by = int(leave[r, before] + arrive[r, here])
            mine -= dear * by
        mine += float(gain[r, here])
        value = best + gain[r]
    # At the end: it goes off duty, or closes the circle.
    after = int((times[-1] + 1) % periods)
    off = np.where(rest_after <= 0, 1, -1)
    beyond = int(np.abs(rest_after).sum())
    if whole and closed:
        home = int(way.sites[0])
        both = off + (1 if rest_after[home] >= 0 else -1)
        toll = _toll(beyond + both, both, limit[after], price[after])
        toll[home] = 0.0 if beyond <= limit[after] else np.inf
    else:
        toll = _toll(beyond + off, off, limit[after], price[after])
    value = value - toll
    mine -= float(toll[way.sites[-1]])
    last = int(value.argmax())
    if not value[last] > mine:
        return way.sites, 0.0
    chosen = np.empty(length, np.int64)
    chosen[-1] = last
    for r in range(length - 1, 0, -1):
        chosen[r - 1] = came[r, chosen[r]]
    return chosen, float(value[last]) - mine


def _toll(total: NDArray[np.int64], by: NDArray[np.int64], most: int, dear: float) -> Floats:
    """What changing a border's ``sum |x[t] - x[t-1]|`` to a total costs; infinite beyond the limit."""
    return np.where(total <= most, dear * by, np.inf)


class ChainDual(Dual):
    r"""Lagrangian bound with the moves in it.

    First the bound without them (`Dual`). Then also the number of units (price :math:`\nu_t`) and the limits
    on moves (price :math:`\lambda_t \ge 0`, besides the moves' own price) are relaxed, so that each site is a
    chain of its own through the periods,

    .. math:: \max_{l \le x \le u} \sum_t (s_{tj} - \nu_t) x_t - (\lambda_t + \pi_t)\,|x_t - x_{t-1}|

    solved by dynamic programming over "none" and "all" of its free units. It is at least the best value
    for all prices and begins where the first bound ended. Fewest and most units of a site are the same in
    all periods.
    """

    def __init__(self, model: UnitCover, near: Ints) -> None:
        super().__init__(model, near)
        periods = len(model.limit)
        self._chained = False
        self._factor = 0.2  # the full length, right for one period, overshoots with many
        self._unit_price, self._move_price = np.zeros(periods), np.zeros(periods)
        self._best_u = self._u.copy()
        self._capped = np.flatnonzero(model.limit < NO_LIMIT)

    @property
    def settled(self) -> bool:
        """Whether the step has become too small to matter."""
        return self._chained and self._factor < 2e-3

    def improve(self, known: float, steps: int) -> float:
        """Take some subgradient steps towards a known value; give the best bound so far."""
        if not self._chained:
            super().improve(known, steps)
            if self._factor < 2e-2:
                self._begin_chain()
            return self.bound
        for _ in range(steps):
            self._step(known)
            if self.settled or self.bound <= known or self.over():
                break
        return self.bound

    def _begin_chain(self) -> None:
        m = self._model
        self._chained = True
        for t, score in enumerate(self.score.reshape(m.lower.shape)):
            order = np.argsort(-score, kind="stable")
            room = (m.upper[t] - m.lower[t])[order].cumsum()
            free = int(m.units[t] - m.lower[t].sum())
            at = min(int(np.searchsorted(room, max(free, 1))), len(order) - 1)
            self._unit_price[t] = score[order[at]]
        self._factor, self._stalled, self._begun = 0.1, 0, False
        self._way[:] = 0.0

    def _step(self, known: float) -> None:
        m = self._model
        total = price_rows(m.rs, m.rc, m.weight, m.kind, m.values, m.least, self._u, self._wanted, self._now)
        self._now *= m.strength
        toll = self._move_price + m.price
        x, worth = self._chains(self._now.reshape(m.lower.shape) - self._unit_price[:, None], toll)
        limit = np.where(m.limit < NO_LIMIT, m.limit, 0)
        total += worth + float(self._unit_price @ m.units) + float(self._move_price @ limit)
        self._stalled = 0 if total < self.bound - 1e-6 * abs(self.bound) else self._stalled + 1
        if self._stalled >= _CHAIN_PATIENCE:
            self._factor, self._stalled = self._factor * 0.7, 0
        self.bound = min(self.bound, total)
        excess = 0.5 * self._factor * max(total - known, 1e-6 * abs(total))
        keep = 0.8 if self._begun else 0.0
        self._begun = True
        step_rows(
            m.rs, m.rc, m.strength * x.ravel(), self._wanted, excess, self._most, keep, self._u, self._way
        )
        few = m.units - x.sum(axis=1)
        spare = np.zeros(len(limit))
        changes = np.abs(x - np.roll(x, 1, axis=0)).sum(axis=1)
        spare[self._capped] = (limit - changes)[self._capped]
        spare[(self._move_price <= 0) & (spare > 0)] = 0.0
        norm = float(few @ few + spare @ spare)
        if norm > 0:
            self._unit_price -= excess / norm * few
            self._move_price = np.maximum(0.0, self._move_price - excess / norm * spare)

    def _chains(self, score: Floats, toll: Floats) -> tuple[Floats, float]:
        """Units (periods, sites) of all sites' best chains and what they are worth together."""
        m = self._model
        periods, sites = score.shape
        best = np.full(sites, -np.inf)
        chosen = np.zeros((periods, sites), bool)
        for first in (False, True) if toll[0] > 0 else (None,):
            off, on = np.zeros(sites), score[0].copy()
            if first is not None:
                (on if not first else off)[:] = -np.inf
            from_on = np.zeros((periods, sites), bool)  # where "off" came from "on"
            from_off = np.zeros((periods, sites), bool)  # where "on" came from "off"
            for t in range(1, periods):
                np.greater(on - toll[t], off, out=from_on[t])
                np.greater(off - toll[t], on, out=from_off[t])
                off, on = np.maximum(off, on - toll[t]), np.maximum(on, off - toll[t]) + score[t]
            if first is not None:
                off, on = off - toll[0] * first, on - toll[0] * (not first)
            state = on > off
            better = np.maximum(off, on) > best
            best = np.where(better, np.maximum(off, on), best)
            for t in range(periods - 1, -1, -1):
                chosen[t, better] = state[better]
                state = np.where(state, ~from_off[t], from_on[t])
        room = (m.upper - m.lower)[0]
        x = m.lower + chosen * room
        return x.astype(np.float64), float(best @ room + (score * m.lower).sum())
