"""Double standard: everybody within a far reach, as much demand as possible within reach of two units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.kernels.siting.cover import take_rows, transpose
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.essential import essential_rows
from anlan.siting.mclp import explain_cover
from anlan.siting.mip import Program, RowBuilder, optimise
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import Cover, in_reach, merged, nearest_two
from anlan.siting.unit_cover import Layer, UnitCover, stacked
from anlan.siting.unit_model import (
    checked_reach,
    no_demand_in_reach,
    served_by,
    unanswered,
    unit_limits,
)
from anlan.siting.unit_search import Dual, Search

_PATIENCE = 300
"""Most kicks without a better placement before the search ends; fewer where there are few sites."""
_SMALL = 20_000
"""With fewer links HiGHS has its own bound sooner than the Lagrangian settles."""


def dsm(
    cost: Any,
    units: int,
    reach: float,
    far_reach: float,
    share: float = 0.9,
    weight: ArrayLike | None = None,
    *,
    capacity: int | ArrayLike | None = None,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Double standard model: have as much demand as possible within reach of two units.

    .. math::
        \max \sum_i w_i z_i \quad\text{s.t.}\quad & \sum_{j: c_{ij} \le R} x_j \ge y_i + z_i,\; z_i \le y_i,\\
        & \sum_{j: c_{ij} \le R'} x_j \ge 1 \;\forall i,\quad \sum_i w_i y_i \ge \alpha \sum_i w_i,\\
        & \sum_j x_j = U,\; 0 \le x_j \le k_j \text{ whole},\; y, z \in \{0, 1\}

    Gendreau, Laporte & Semet (1997), "Solving an ambulance location model by tabu search", *Location
    Science* 5, 75-88. Two standards: everybody within ``far_reach`` of some unit, the share α within
    ``reach``. With both reaches equal and α = 1 it is Hogan & ReVelle's (1986) BACOP1.

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand; infinite or absent where unreachable.
    units : int
        Units to place, besides those that exist already.
    reach, far_reach : float
        Seconds, the second at least as large.
    share : float
        α, between 0 and 1.
    weight : array (n_demand,), optional
        Demand without weight need not be reached.
    capacity, fixed, existing, forbidden, site_cost, budget
        As in `anlan.siting.mexclp`.
    gap, time_limit_s, seed, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    Siting
        ``objective`` is the weight within reach of two units; ``details["covered"]`` the share within reach
        of one. Where it is infeasible, ``unreachable`` names the demand beyond the far reach of every site,
        and ``relaxation`` the smallest ``far_reach``, ``units`` or largest ``share`` that would do.

    Raises
    ------
    AnlanError
        If an input is wrong, or no demand is within reach of any site.
    """
    watch = Watch(float(time_limit_s), job)
    problem, lower, upper, total = unit_limits(
        "dsm", cost, units, capacity=capacity, existing=existing, weight=weight, fixed=fixed,
        forbidden=forbidden, site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s,
        gap=gap,
    )  # fmt: skip
    if not checked_reach(far_reach) >= checked_reach(reach):
        raise AnlanError(
            f"far_reach = {far_reach:g} s with reach = {reach:g} s",
            "the standard for everybody cannot be stricter than the one for the share",
            "exchange the two",
        )
    if not 0 <= share <= 1:
        raise AnlanError(f"share = {share}", "it lies between 0 and 1", "give 0.9 for nine tenths")
    none = np.empty(0, np.int64)
    near = in_reach(problem.cost, float(reach), problem.allowed)
    far = in_reach(problem.cost, float(far_reach), problem.allowed)
    if not len(far[1]):
        raise no_demand_in_reach(far_reach)
    asked = (problem.weight > 0).astype(np.float64)
    out = np.flatnonzero((np.diff(far[0]) == 0) & (asked > 0))
    if len(out):
        return _beyond(problem, far_reach, out, watch)
    model = Dsm(
        problem, float(reach), float(share),
        merged([(*near, problem.weight)], problem.n_site, none, problem.allowed),
        _essential(merged([(*far, asked)], problem.n_site, none, problem.allowed)), lower, upper, total,
    )  # fmt: skip
    return model.solve(watch)


@dataclass(frozen=True, eq=False)
class Dsm:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    reach, share : float
    near, far : Cover
        Merged rows within the reach and the far reach.
    lower, upper : ndarray of int64, shape (1, n_site)
    total : int
    x : ndarray of int64, shape (n_site,)
        Units of the answer; None before.
    """

    problem: Problem
    reach: float
    share: float
    near: Cover
    far: Cover
    lower: Ints
    upper: Ints
    total: int
    x: Ints | None = None

    @property
    def sense(self) -> Sense:
        """Doubly covered weight is maximised."""
        return "max"

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Doubly covered weight; the answer's sites keep their units, others get one."""
        x = np.zeros(self.problem.n_site, np.int64)
        x[sites] = np.maximum(self.x[sites], 1) if self.x is not None else 1
        return self._score(x).double, served_by(self.problem.cost, sites, self.reach)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, self.reach)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited, with as many units."""
        upper = self.upper.copy()
        upper[:, forbidden] = 0
        p = self.problem
        problem = replace(p, side=p.side.with_apart(apart), time_limit_s=time_limit_s, gap=gap)
        return replace(self, problem=problem, upper=upper, lower=np.minimum(self.lower, upper)).solve(
            Watch(time_limit_s)
        )

    def solve(self, watch: Watch) -> Siting:
        """Search for a good start, then the program."""
        p = self.problem
        best = self._search(watch)
        value = -np.inf if best is None else self._score(best).double
        bound = self._bound(value, best, watch)
        if best is not None:
            watch.note(value, max(bound, value))
        program = self._program()
        known = (value, bound) if best is not None else None
        outcome = optimise(
            program, watch, gap=p.gap, start=None if best is None else self._point(best), known=known
        )
        if outcome.status == "infeasible" and best is None:
            return self._refused(watch)
        if len(outcome.x):
            x = np.round(outcome.x[: p.n_site]).astype(np.int64)
            if best is None or self._score(x).double > value:
                best, value = x, self._score(x).double
        if np.isfinite(outcome.bound):
            bound = min(bound, outcome.bound)
        if best is None:
            return unanswered(p, bound, watch)
        sites, score = np.flatnonzero(best), self._score(best)
        return conclude(
            "dsm", "max", sites=sites, units=best[sites], assignment=served_by(p.cost, sites, self.reach),
            objective=value, bound=max(bound, value), asked_gap=p.gap, seconds=watch.seconds,
            history=watch.moments, message=watch.message,
            details={"covered": score.covered / max(1e-300, float(p.weight.sum())),
                     "rows": self.near.n_row, "far_rows": self.far.n_row},
            behind=replace(self, x=best),
        )  # fmt: skip

    def _score(self, x: Ints) -> Score:
        held = _held(self.near, x)
        return Score(
            float(self.near.weight[held >= 2].sum()),
            float(self.near.weight[held >= 1].sum()),
            bool(np.all(_held(self.far, x) >= 1)),
        )

    def _allows(self, x: Ints) -> bool:
        score = self._score(x)
        needed = self.share * float(self.problem.weight.sum())
        return (
            score.everybody
            and score.covered >= needed * (1 - 1e-9)
            and int(x.sum()) == self.total
            and self.problem.side.holds(np.flatnonzero(x))
        )

    def _soft(self, single: float) -> UnitCover:
        """The two standards as values of rows: one unit near, two near, one far."""
        everything = 1.0 + float(self.near.weight.sum())
        return stacked(
            [Layer(self.near, 0), Layer(self.far, 1)],
            values=np.array([[0.0, single, single + 1.0], [0.0, 1e3 * everything, 1e3 * everything]]),
            units=np.array([self.total]), lower=self.lower, upper=self.upper,
        )  # fmt: skip

    def _search(self, watch: Watch) -> Ints | None:
        """The best placement found that keeps both standards.

        The first unit is worth ``single`` times the second one; as a Lagrangian price it rises while the
        share is missed and falls while it is kept, so that the search swings about the limit.
        """
        best: Ints | None = None
        single, top, since = 1.0, -np.inf, 0
        search = Search(self._soft(single), self.problem.seed)
        search.complete(self.lower)
        end = watch.seconds + 0.4 * watch.left
        patience = min(_PATIENCE, 20 + 2 * self.problem.n_site)
        while since < patience and watch.seconds < end and not watch.cancelled:
            since += 1
            score = self._score(search.here[0])
            if score.double > top and self._allows(search.here[0]):
                best, top, since = search.here[0].copy(), score.double, 0
            if since % 3 == 0:
                missed = score.covered < self.share * float(self.problem.weight.sum())
                single = min(max(single * (1.2 if missed else 1.0 / 1.2), 1e-3), 1e3)
                search.revalue(self._soft(single))
            search.kick()
        return best

    def _bound(self, value: float, best: Ints | None, watch: Watch) -> float:
        """Lagrangian bound with the share priced at λ: the largest worth of (0, λ, 1 + λ), less λ α W.

        λ = 1 is the least for which that is concave; (0, ½, 1), which lies above (0, 0, 1), serves λ = 0.
        """
        weight = float(self.problem.weight.sum())
        bound = float(self.near.weight.sum())
        if len(self.near.rc) < _SMALL:
            return bound
        for price, single in ((1.0, 1.0), (0.0, 0.5)):
            cover = stacked(
                [Layer(self.near)], values=np.array([[0.0, single, 1.0 + price]]),
                units=np.array([self.total]), lower=self.lower, upper=self.upper,
            )  # fmt: skip
            known = max(value, 0.0)
            if best is not None:
                known += price * self._score(best).covered
            dual = Dual(cover, self.lower if best is None else best[None, :])
            while not (watch.over or dual.settled):
                bound = min(bound, dual.improve(known, 50) - price * self.share * weight)
        return bound

    def _program(self, objective: str = "double") -> Program:
        """Columns: units x, once covered y, twice covered z, and the use of sites where it is limited."""
        near, far, side = self.near, self.far, self.problem.side
        m, n = self.problem.n_site, self.near.n_row
        n_use = m if len(side) else 0
        builder = RowBuilder(m + 2 * n + n_use)
        rows, every = np.arange(n), np.arange(m)
        at = np.repeat(rows, np.diff(near.rs))
        builder.add_cells(
            np.concatenate([at, rows, rows]), np.concatenate([near.sites[near.rc], m + rows, m + n + rows]),
            np.concatenate([-np.ones(len(at)), np.ones(2 * n)]), n, -np.inf, 0.0,
        )  # fmt: skip
        builder.add_cells(
            np.tile(rows, 2), np.concatenate([m + rows, m + n + rows]),
            np.concatenate([-np.ones(n), np.ones(n)]), n, -np.inf, 0.0,
        )  # fmt: skip
        far_at = np.repeat(np.arange(far.n_row), np.diff(far.rs))
        builder.add_cells(far_at, far.sites[far.rc], np.ones(len(far_at)), far.n_row, 1.0, np.inf)
        if objective == "double":
            needed = self.share * float(self.problem.weight.sum())
            builder.add_cells(rows * 0, m + rows, near.weight, 1, needed * (1 - 1e-12), np.inf)
        if objective != "units":
            builder.add_cells(every * 0, every, np.ones(m), 1, self.total, self.total)
        if n_use:
            use = m + 2 * n + every
            most = np.minimum(self.upper[0], self.total)
            builder.add_cells(
                np.tile(every, 2), np.concatenate([every, use]), np.concatenate([np.ones(m), -most]),
                m, -np.inf, 0.0,
            )  # fmt: skip
            line, site = np.nonzero(side.rows)
            builder.add_cells(line, use[site], side.rows[line, site], len(side), -np.inf, side.limit)
        cost = np.zeros(m + 2 * n + n_use)
        if objective == "units":
            cost[:m] = 1.0
        else:
            cost[m + n : m + 2 * n] = near.weight if objective == "double" else 0.0
            cost[m : m + n] = near.weight if objective == "share" else 0.0
        upper = np.concatenate([self.upper[0], np.ones(2 * n + n_use)])
        lower = np.concatenate([self.lower[0], np.zeros(2 * n + n_use)])
        # y is whole by itself once x and z are.
        whole = np.ones(len(cost), bool)
        whole[m : m + n] = False
        return builder.program("min" if objective == "units" else "max", cost, lower, upper, whole)

    def _point(self, x: Ints) -> Floats:
        held = _held(self.near, x)
        use = [x > 0] if len(self.problem.side) else []
        return np.concatenate([part.astype(np.float64) for part in (x, held >= 1, held >= 2, *use)])

    def _refused(self, watch: Watch) -> Siting:
        """Why the two standards cannot both be kept, and the smallest change that would do."""
        p, relaxation = self.problem, {}
        message = f"The {self.total} units cannot keep both standards."
        if not len(p.side):
            fewest = optimise(replace(self, upper=self._roomy())._program("units"), Watch(10.0, watch.job))
            if fewest.status == "solved" and fewest.objective > self.total + 0.5:
                relaxation["units"] = float(round(fewest.objective))
                message = (
                    f"Even with all demand only within the far reach it takes {fewest.objective:.0f} units, "
                    f"not {self.total}."
                )
        if not relaxation:
            most = optimise(self._program("share"), Watch(10.0, watch.job))
            if most.status == "solved":
                relaxation["share"] = most.objective / float(p.weight.sum())
                message = (
                    f"At most {relaxation['share']:.2%} of the demand can be within reach, "
                    f"not {self.share:.2%}, while everybody is within the far reach."
                )
        return infeasible(
            "dsm", n_demand=p.n_demand, seconds=watch.seconds, message=message, relaxation=relaxation
        )

    def _roomy(self) -> Ints:
        """Upper limits when there are as many units as anybody could want."""
        return np.where(self.upper > 0, np.maximum(self.upper, 1), 0)


class Score(NamedTuple):
    """Weight with two units near, weight with one, and whether everybody has one within the far reach."""

    double: float
    covered: float
    everybody: bool


def _held(cover: Cover, x: Ints) -> Ints:
    at = np.repeat(np.arange(cover.n_row), np.diff(cover.rs))
    return np.bincount(at, x[cover.sites[cover.rc]], minlength=cover.n_row).astype(np.int64)


def _beyond(problem: Problem, far_reach: float, out: Ints, watch: Watch) -> Siting:
    """The answer where some demand is beyond the far reach of every site."""
    _, seconds, _, _ = nearest_two(problem.cost, np.flatnonzero(problem.allowed))
    needed = float(seconds[out].max())
    relaxation = {"far_reach": needed} if np.isfinite(needed) else {}
    return infeasible(
        "dsm", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=out, relaxation=relaxation,
        message=f"{len(out)} demand(s), the first is {out[0]}, are beyond {far_reach:g} s of every site"
        + (f"; {needed:g} s would do." if relaxation else " and no site reaches them at all."),
    )  # fmt: skip


def _essential(cover: Cover) -> Cover:
    """Only the rows that contain no other row, with weight 1."""
    rows = essential_rows(cover.rs, cover.rc, cover.n_column).astype(np.int32)
    start, column = take_rows(cover.rs, cover.rc, rows)
    cs, cr = transpose(start, column, cover.n_column)
    return replace(
        cover, rs=start, rc=column, cs=cs, cr=cr, weight=np.ones(len(rows)), group=np.empty(0, np.int32)
    )
