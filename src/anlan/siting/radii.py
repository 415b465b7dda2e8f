"""Bisection over the radii of a p-center: what is proven too short, what is reached, what is open between."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse

from anlan.siting.answer import Floats, Ints, relative_gap
from anlan.siting.covers import NOWHERE, by_program, cheapest
from anlan.siting.lscp import merged_sets
from anlan.siting.problem import BLOCK, Problem, Side, Watch
from anlan.siting.reduce import in_reach, nearest_two

PLACES = (0.5, 0.25, 0.75, 0.1, 0.9)
"""Where between the proven and the reached radius the next one to branch is taken, if the last took too long."""
PATIENCE = 0.25
"""Share of the remaining time that one such radius gets."""


class Radii:
    """The bisection over the radii: what is proven too short, what is reached, what is open in between.

    Parameters
    ----------
    problem : Problem
    times : ndarray or CSR matrix (n_need, n_site)
        Weighted costs of the demands that count.
    watch : Watch
    bound : float
        A radius below which nothing is possible.
    """

    def __init__(self, problem: Problem, times: Any, watch: Watch, bound: float) -> None:
        self.problem, self.times, self.watch, self.bound = problem, times, watch, bound
        self.radius, self.sites = np.inf, NOWHERE
        self.missing: float | None = None
        self.questions = self.radii = 0
        self._side = problem.side
        if problem.p is None and len(problem.side):  # the first limit is the budget
            self._price, self._target = problem.side.rows[0], float(problem.side.limit[0])
            self._side = Side(problem.side.rows[1:], problem.side.limit[1:])
        else:
            self._price, self._target = np.ones(problem.n_site), float(problem.places)

    def filled(self, sites: Ints) -> Ints:
        """Sites opened beside the given ones as long as the limits allow, each for the worst-served demand."""
        problem = self.problem
        chosen = sites.astype(np.int64)
        if not problem.side.holds(chosen) or len(chosen) > problem.places:
            return chosen
        _, worst, _, _ = nearest_two(self.times, chosen)
        used = problem.side.rows[:, chosen].sum(axis=1)
        free = problem.allowed
        free[chosen] = False
        while len(chosen) < problem.places and free.any():
            fits = free & np.all(
                used[:, None] + problem.side.rows <= problem.side.limit[:, None] + 1e-9, axis=0
            )
            if not fits.any():
                break
            demand = int(np.argmax(worst)) if len(worst) else 0
            at = self._best_for(demand, worst, fits)
            chosen = np.append(chosen, at)
            free[at] = False
            used = used + problem.side.rows[:, at]
            _, mine, _, _ = nearest_two(self.times, np.array([at], np.int64))
            worst = np.minimum(worst, mine)
        return np.sort(chosen)

    def _best_for(self, demand: int, worst: Floats, fits: Any) -> int:
        """The nearest site to a demand, of those that may be added."""
        if not len(worst):
            return int(np.argmax(fits))
        line = self.times[[demand]]
        times = np.full(len(fits), np.inf)
        if sparse.issparse(line):
            times[line.indices] = line.data
        else:
            times[:] = line[0]
        times[~fits] = np.inf
        return int(np.argmin(times)) if np.isfinite(times).any() else int(np.argmax(fits))

    def take(self, sites: Ints) -> None:
        """Keep a choice of sites if it is the best so far."""
        problem = self.problem
        if len(sites) > problem.places or not problem.side.holds(sites) or not len(sites):
            return
        _, cost, _, _ = nearest_two(self.times, sites)
        radius = float(cost.max(initial=0.0))
        if radius < self.radius:
            self.radius, self.sites = radius, sites

    @property
    def done(self) -> bool:
        """Whether to stop."""
        return self.watch.over or relative_gap(self.radius, self.bound) <= self.problem.gap

    def run(self) -> None:
        """Bisect: first by search and bound alone, then, between what they proved, exactly."""
        if not np.isfinite(self.radius) and not self._possible():
            return
        radii = self._values()
        self.radii = len(radii)
        low, high = -1, self._index(radii)  # radii[low] is proven too short, radii[high] is reached
        unknown = high
        while low + 1 < unknown and not self.done:  # from below: what the bound proves
            mid = (low + unknown) // 2
            verdict = self._ask(radii[mid], branch=False)
            high = self._index(radii)
            if verdict is False:
                low = mid
            else:
                unknown = min(mid, high)
            self._raise(radii, low)
        open_from = low
        while open_from + 1 < high and not self.done:  # from above: what the search reaches
            mid = (open_from + high) // 2
            if mid <= low:
                break
            verdict = self._ask(radii[mid], branch=False)
            high = min(high, self._index(radii))
            if verdict is False:
                low = max(low, mid)
                self._raise(radii, low)
            if verdict is not True:
                open_from = mid
        self._settle(radii, low, high)

    def _settle(self, radii: Floats, low: int, high: int) -> None:
        """Branch the radii between; where one takes too long, go on with others."""
        tried = 0
        while low + 1 < high and not self.done:
            width = high - low
            mid = low + min(width - 1, max(1, int(PLACES[tried % len(PLACES)] * width)))
            share = 1.0 if width == 2 else PATIENCE
            verdict = self._ask(radii[mid], branch=True, share=share)
            high = min(high, self._index(radii))
            if verdict is False:
                low = mid
            tried = tried + 1 if verdict is None else 0
            self._raise(radii, low)
        self._raise(radii, low)

    def _index(self, radii: Floats) -> int:
        return int(np.searchsorted(radii, self.radius))

    def _raise(self, radii: Floats, low: int) -> None:
        beyond = float(radii[low + 1]) if low + 1 < len(radii) else self.radius
        self.bound = min(self.radius, max(self.bound, beyond))
        self.watch.note(self.radius, self.bound)

    def _values(self) -> Floats:
        """The distinct weighted costs from the bound to the radius reached, ascending."""
        times = self.times
        blocks = (
            [times.data]
            if sparse.issparse(times)
            else [
                times[a : a + max(1, BLOCK // times.shape[1])]
                for a in range(0, len(times), max(1, BLOCK // times.shape[1]))
            ]
        )
        kept = [
            np.unique(b[(b >= self.bound) & (b <= self.radius) & np.isfinite(b)].astype(np.float64))
            for b in blocks
        ]
        return np.unique(np.concatenate([*kept, [self.bound, self.radius]]))

    def _possible(self) -> bool:
        """Whether the sites can reach everybody at all; asked where the first guess does not."""
        times = self.times
        worst = float(times.data.max(initial=0.0)) if sparse.issparse(times) else np.finfo(np.float64).max
        verdict = self._ask(worst, branch=True)
        if verdict is False:
            self._target, self.missing = np.inf, self._least
            self._ask(worst, branch=True)  # how many it takes
            self.missing = max(self.missing, self._least)
        return verdict is True

    def _ask(self, radius: float, *, branch: bool, share: float = 1.0) -> bool | None:
        """Whether the sites can keep to a radius; None where it is not known."""
        problem = self.problem
        self.questions += 1
        rs, rc = in_reach(self.times, float(radius), problem.allowed)
        if np.any(np.diff(rs) == 0):
            return False
        sets = merged_sets(rs, rc, np.ones(len(rs) - 1, np.int32), self._price)
        near = 1e-9 * (1.0 + abs(self._target)) if self._target < np.inf else 0.0
        quiet = self.watch.part(share)
        if len(self._side):
            found = by_program(
                sets, problem.fixed, self._side, quiet, start=NOWHERE,
                enough=lambda c, b: c <= self._target + near or b > self._target + near,
            )  # fmt: skip
        else:
            found = cheapest(
                sets, problem.fixed, quiet, seed=problem.seed, start=self.sites,
                target=self._target if self._target < np.inf else None,
                branch=branch,
            )  # fmt: skip
        self._least = found.bound
        if found.cost <= self._target + near:
            self.take(self.filled(found.columns))
            return self.radius <= radius
        return False if found.bound > self._target + near else None
