"""Capacitated p-median: each demand goes whole to one site, and a site holds only so much."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.kernels.siting.assign import assign_bound, assign_rows, assign_search
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.median_limits import unserved
from anlan.siting.mip import Program, RowBuilder, optimise
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import row

_SETTLED = 2e-4
"""Step factor below which the Lagrangian bound is taken to have settled."""
_LOOK = 150
"""Rounds between two looks at how many pairs are left."""
_NEAR = 24
"""Sites near a demand among which an exchange is drawn."""
_STEPS = 25
"""Subgradient steps between two looks at the clock."""
_TRIALS = 60
"""Exchanges tried meanwhile."""
_PAIRS = 20_000
"""With more pairs left the exact program gets nowhere in the time limits that are asked for."""
_ACCEPT = 3e-4
"""An answer may be worse than the last one by up to this share and still be gone on from."""


@dataclass(frozen=True, eq=False)
class Capacitated:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    room : ndarray of float64, shape (n_site,)
        Load that each site holds.
    relax : callable
        Solves the same problem without capacities: a start and a first bound.
    assignment : ndarray of int64, shape (n_demand,)
        Of the answer; empty before.
    """

    problem: Problem
    room: Floats
    relax: Callable[[Problem, Watch], Siting]
    assignment: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def sense(self) -> Sense:
        """Total weighted cost is minimised."""
        return "min"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Total weighted cost and assignment, by local search; infinite where not everybody finds room."""
        given = _Rows(self.problem, self.room)
        site = np.full(given.n, -1, np.int64)
        if not len(sites):
            return math.inf, np.full(self.problem.n_demand, -1)
        assign_rows(given.cost, given.load, given.room, sites, given.penalty, site, np.zeros(len(self.room)))
        return given.price(site, sites), given.assignment(site, sites)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        near, cost = row(self.problem.cost, demand)
        mine = int(self.assignment[demand])
        is_open = np.isin(near, sites)
        others = near[is_open & (near != mine)]
        at = {int(j): float(c) for j, c in zip(near, cost, strict=True)}
        second = int(others[0]) if len(others) else -1
        d1, d2 = at.get(mine, math.inf), at.get(second, math.inf)
        reason = f"Site {mine} serves it, {d1:g} s away" + (
            f"; site {second} is nearer, {d2:g} s away, but has no room for it." if d2 < d1 else "."
        )
        could = near[self.problem.allowed[near] & np.isfinite(cost)]
        return Explanation(demand, mine, d1, second, d2, mine >= 0, could[:10], reason)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return replace(self, problem=problem).solve(Watch(time_limit_s))

    def solve(self, watch: Watch) -> Siting:
        """A start without capacities, search and Lagrangian bound side by side, HiGHS on what is left."""
        problem = self.problem
        given = _Rows(problem, self.room)
        refused = given.refused(watch)
        if refused is not None:
            return refused
        relaxed = self.relax(replace(problem, gap=max(problem.gap, 1e-3)), Watch(0.2 * watch.left, watch.job))
        if relaxed.status == "infeasible" or not len(relaxed.sites):
            return replace(relaxed, seconds=watch.seconds)
        search = _Search(given, relaxed.sites, relaxed.bound)
        kept = search.run(watch)
        value, bound = search.value, search.bound
        sites, site = search.sites, search.site
        if len(kept[0]):
            start = given.point(kept, sites, site) if math.isfinite(value) else None
            known = (value, bound) if math.isfinite(value) else None
            outcome = optimise(given.program(kept), watch, gap=problem.gap, start=start, known=known)
            if outcome.status == "infeasible" and math.isinf(value):
                return _full(problem, watch)
            if len(outcome.x):
                found_sites, found = given.read(kept, outcome.x)
                price = given.price(found, found_sites)
                if price < value:
                    value, sites, site = price, found_sites, found
            # What was left out costs at least as much as the best answer that was known.
            proven = outcome.bound if outcome.status != "infeasible" else value
            bound = max(bound, min(proven, value))
        if math.isinf(value):
            return unserved(problem, bound, watch)
        assignment = given.assignment(site, sites)
        return conclude(
            "p_median", "min", sites=sites, assignment=assignment, objective=value, bound=min(bound, value),
            asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
            behind=replace(self, assignment=assignment),
            details={
                "rows": given.n, "uncapacitated": relaxed.objective, "lagrangian": search.lagrangian,
                "load": np.bincount(assignment, problem.weight, problem.n_site)[np.sort(sites)],
            },
        )  # fmt: skip


def checked_room(capacity: ArrayLike, n: int) -> Floats:
    """Load that each site holds.

    Raises
    ------
    AnlanError
    """
    room = np.asarray(capacity, np.float64)
    if room.shape not in ((), (n,)) or not np.all(room >= 0):
        raise AnlanError(
            f"capacity of shape {room.shape}",
            f"it is a load, 0 or more, one for all or one for each of the {n} sites",
            "give it in the unit of the weights",
            code="capacity",
        )
    return np.broadcast_to(room, (n,)).astype(np.float64)


class _Rows:
    """Demands with weight as dense rows of weighted costs, with all sites as columns."""

    def __init__(self, problem: Problem, room: Floats) -> None:
        self.problem = problem
        self.rows = np.flatnonzero(problem.weight > 0)
        self.n = len(self.rows)
        self.load = problem.weight[self.rows]
        part: Any = problem.cost[self.rows]
        if sparse.issparse(part):
            cells = part.tocoo()
            dense = np.full(part.shape, np.inf)
            dense[cells.row, cells.col] = cells.data
        else:
            dense = part.astype(np.float64)
        self.room = np.where(problem.allowed, room, -1.0)
        dense[(self.load[:, None] > self.room * (1 + 1e-12)) | ~np.isfinite(dense)] = np.inf
        self.exact = dense * self.load[:, None]
        finite = dense[np.isfinite(dense)]
        most = float(finite.max()) if len(finite) else 0.0
        self.penalty = 4.0 * most + 1.0
        never = 1.0 + 2.0 * most * float(self.load.sum())
        self.cost = np.where(np.isfinite(self.exact), self.exact, never)
        width = min(_NEAR, problem.n_site)
        self.near = np.argpartition(self.exact, width - 1, axis=1)[:, :width].astype(np.int32)

    def refused(self, watch: Watch) -> Siting | None:
        """The answer if it is plain that there is none."""
        problem = self.problem
        alone = self.rows[~np.isfinite(self.exact).any(axis=1)]
        if len(alone):
            heavy = float(problem.weight[alone[0]])
            return infeasible(
                "p_median", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=alone,
                message=f"Demand {alone[0]} of weight {heavy:g} finds no site that reaches it and holds it"
                + (f", and {len(alone) - 1} others neither" if len(alone) > 1 else "")
                + "; divide it, raise a capacity or allow another site.",
                relaxation={"demands_left_out": float(len(alone))},
            )  # fmt: skip
        total = float(self.load.sum())
        free = np.setdiff1d(np.flatnonzero(problem.allowed), problem.fixed)
        most = np.concatenate([self.room[problem.fixed], np.sort(self.room[free])[::-1]]).cumsum()
        held = float(most[problem.places - 1])
        if held >= total * (1 - 1e-12):
            return None
        enough = np.flatnonzero(most >= total * (1 - 1e-12))
        relaxation = {"capacity_factor": total / held} if held > 0 else {}
        if len(enough):
            relaxation["p"] = float(enough[0] + 1)
        return infeasible(
            "p_median", n_demand=problem.n_demand, seconds=watch.seconds, relaxation=relaxation,
            message=f"The {problem.places} largest sites hold {held:g} of a total load of {total:g}"
            + (f"; it takes at least {enough[0] + 1} sites." if len(enough) else "; all sites hold too little."),
        )  # fmt: skip

    def price(self, site: Ints, sites: Ints) -> float:
        """Exact cost, infinite where a row is out of reach, a site overloaded or a limit broken."""
        used = np.bincount(site, self.load, len(self.room))
        if np.any((used > 0) & (used > self.room + 1e-9 * (1.0 + self.room))) or not self.problem.side.holds(
            sites
        ):
            return math.inf
        return float(self.exact[np.arange(self.n), site].sum())

    def assignment(self, site: Ints, sites: Ints) -> Ints:
        """The site of every demand; one without weight goes to the nearest."""
        out = np.full(self.problem.n_demand, -1, np.int64)
        light = np.flatnonzero(self.problem.weight <= 0)
        if len(light) and len(sites):
            part: Any = self.problem.cost[light]
            if sparse.issparse(part):
                part = np.where(part.toarray() > 0, part.toarray(), np.inf)
            nearest = part[:, sites].argmin(axis=1)
            reached = np.isfinite(part[np.arange(len(light)), sites[nearest]])
            out[light] = np.where(reached, sites[nearest], -1)
        out[self.rows] = site
        return out

    def pairs(self, value: float, bound: float, u: Floats, score: Floats) -> tuple[Ints, Ints]:
        """Rows and sites of the pairs that an answer below ``value`` can use, by their reduced costs."""
        able = np.isfinite(self.exact)
        if math.isfinite(value) and math.isfinite(bound):
            fixed = np.zeros(len(score), bool)
            fixed[self.problem.fixed] = True
            free = np.sort(score[~fixed & (self.room >= 0)])[::-1]
            places = self.problem.places - int(fixed.sum())
            last = free[places - 1] if 0 < places <= len(free) else 0.0
            opening = np.where(fixed, 0.0, np.maximum(0.0, last - score))
            serving = np.maximum(0.0, self.cost - u[:, None])
            able &= bound + opening[None, :] + serving <= value + 1e-7 * (1.0 + abs(value))
        rows, sites = np.nonzero(able)
        return rows, sites

    def program(self, kept: tuple[Ints, Ints]) -> Program:
        """Columns: use y of every site, then x of every pair."""
        rows, sites = kept
        m, k = len(self.room), len(rows)
        x = m + np.arange(k)
        builder = RowBuilder(m + k)
        builder.add_cells(rows, x, np.ones(k), self.n, 1.0, 1.0)
        every = np.arange(m)
        holds = np.minimum(np.maximum(self.room, 0.0), self.load.sum())
        builder.add_cells(
            np.concatenate([sites, every]), np.concatenate([x, every]),
            np.concatenate([self.load[rows], -holds]), m, -np.inf, 0.0,
        )  # fmt: skip
        pair = np.arange(k)
        builder.add_cells(
            np.tile(pair, 2), np.concatenate([x, sites]), np.repeat([1.0, -1.0], k), k, -np.inf, 0.0
        )
        builder.add_cells(every * 0, every, np.ones(m), 1, -np.inf, float(self.problem.places))
        side = self.problem.side
        if len(side):
            builder.add(side.rows, -np.inf, side.limit)
        lower, upper = np.zeros(m + k), np.ones(m + k)
        upper[:m] = self.room >= 0
        lower[self.problem.fixed] = 1.0
        cost = np.concatenate([np.zeros(m), self.exact[rows, sites]])
        return builder.program("min", cost, lower, upper, True)

    def point(self, kept: tuple[Ints, Ints], sites: Ints, site: Ints) -> Floats:
        """The program's point of an answer."""
        y = np.zeros(len(self.room))
        y[sites] = 1.0
        return np.concatenate([y, (site[kept[0]] == kept[1]).astype(np.float64)])

    def read(self, kept: tuple[Ints, Ints], x: Floats) -> tuple[Ints, Ints]:
        """Sites and assignment of the program's point."""
        m = len(self.room)
        used = np.flatnonzero(x[m:] > 0.5)
        site = np.zeros(self.n, np.int64)
        site[kept[0][used]] = kept[1][used]
        return np.flatnonzero(x[:m] > 0.5), site


class _Search:
    """Local search and Lagrangian bound side by side.

    Attributes
    ----------
    value, sites, site : the best answer's cost (infinite where none fits), sites and assignment
    bound : float
    lagrangian, multipliers, score : the Lagrangian bound, its multipliers and the worth of each site
    """

    def __init__(self, given: _Rows, start: Ints, bound: float) -> None:
        self._given, problem = given, given.problem
        self.bound, self.lagrangian = bound, -math.inf
        self.sites = self._roomy(start)
        self.site = np.full(given.n, -1, np.int64)
        self.value = math.inf
        self._random = stream(problem.seed, "assign").integers(1, 2**63, size=1, dtype=np.uint64)
        two = np.partition(given.cost[:, self.sites], min(1, len(self.sites) - 1), axis=1)
        self.multipliers: Floats = two[:, min(1, len(self.sites) - 1)].copy()
        self.multipliers = np.minimum(self.multipliers, 2.0 * two[:, 0] + 1.0)
        self.score: Floats = np.zeros(len(given.room))

    def _roomy(self, start: Ints) -> Ints:
        """The fixed sites first; smaller sites exchanged for larger ones until the load would fit."""
        given, problem = self._given, self._given.problem
        sites = np.concatenate([problem.fixed, np.setdiff1d(start, problem.fixed)]).astype(np.int64)
        others = np.setdiff1d(np.flatnonzero(problem.allowed), sites)
        others = others[np.argsort(-given.room[others], kind="stable")]
        total = float(given.load.sum())
        for j in others:
            if given.room[sites].sum() >= total:
                break
            rest = sites[len(problem.fixed) :]
            if len(sites) < problem.places:
                sites = np.append(sites, j)
            elif len(rest) and given.room[rest].min() < given.room[j]:
                sites[len(problem.fixed) + int(given.room[rest].argmin())] = j
        return sites

    def run(self, watch: Watch) -> tuple[Ints, Ints]:
        """Until the watch or the gap says stop, or so few pairs are left that HiGHS can do the rest.

        Returns
        -------
        Rows and sites of the pairs that are left; none where there is nothing left to do or no time.
        """
        given, problem = self._given, self._given.problem
        turned = np.ascontiguousarray(given.exact.T)
        locked: NDArray[np.bool_] = np.zeros(problem.n_site, bool)
        locked[problem.fixed] = True
        u, way = self.multipliers.copy(), np.zeros(given.n)
        control = np.array([0.25, 0.0, math.nan])
        current, current_site, top = self.sites.copy(), self.site.copy(), math.inf
        nothing = (np.empty(0, np.int64), np.empty(0, np.int64))
        rounds = 0
        with ThreadPoolExecutor(1) as pool:
            while True:
                aim = self.value if math.isfinite(self.value) else 1.1 * max(self.bound, 1.0)
                bounding = None
                if control[0] >= _SETTLED:
                    bounding = pool.submit(
                        assign_bound, turned, given.load, given.room, problem.places, locked, aim, _STEPS, u,
                        self.multipliers, self.score, way, control,
                    )  # fmt: skip
                top = assign_search(
                    given.cost, given.load, given.room, given.near, given.penalty, len(problem.fixed),
                    problem.side.rows, problem.side.limit, current, current_site, self.sites, self.site, top,
                    _ACCEPT, _TRIALS, self._random,
                )  # fmt: skip
                if bounding is not None:
                    self.lagrangian = bounding.result()
                self.value = given.price(self.site, self.sites)
                self.bound = min(max(self.bound, self.lagrangian), self.value)
                watch.note(self.value, self.bound)
                close = self.value - self.bound <= max(problem.gap, 1e-7) * abs(self.value)
                if watch.over or (math.isfinite(self.value) and close):
                    return nothing
                rounds += 1
                if control[0] < _SETTLED and rounds % _LOOK == 0:
                    kept = given.pairs(self.value, self.lagrangian, self.multipliers, self.score)
                    if len(kept[0]) <= _PAIRS:
                        return kept


def _full(problem: Problem, watch: Watch) -> Siting:
    return infeasible(
        "p_median", n_demand=problem.n_demand, seconds=watch.seconds,
        message="The demands cannot be packed whole into the capacities of so many sites.",
    )  # fmt: skip
