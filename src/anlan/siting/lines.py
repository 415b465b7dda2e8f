"""Equipment along lines: every town served, and no stretch of bank longer than need be without a pole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import PROOF, Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.candidates import Candidates
from anlan.siting.essential import essential_rows
from anlan.siting.fewest import Chosen, Rows, fewest, stacked_rows
from anlan.siting.gaps import gap_rows, next_gap, worst_gap
from anlan.siting.line_dual import LineDual
from anlan.siting.mclp import explain_cover
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import in_reach, nearest_two
from anlan.siting.unit_model import checked_reach, served_by, unanswered

Bools = NDArray[np.bool_]
NEAR = 1e-3
"""Relative distance at which relaxation stops halving."""
EXACT_LINKS = 300_000
"""Up to so many (window, candidate) pairs a question that relaxation leaves open is answered exactly."""
MOST_LINKS = 5_000_000
"""Beyond so many, dominance alone would outlast any clock: the question stays open."""
NO_ROWS = Rows(np.zeros(1, np.int64), np.empty(0, np.int64))


def cover_lines(
    candidates: Candidates,
    p: int | None = None,
    *,
    cost: Any = None,
    reach: float = math.inf,
    longest_gap_m: float | None = None,
    ends: float = 1.0,
    weight: ArrayLike | None = None,
    open_in: ArrayLike | None = None,
    needed_in: ArrayLike | None = None,
    fixed: ArrayLike = (),
    existing: ArrayLike = (),
    forbidden: ArrayLike = (),
    site_cost: ArrayLike | None = None,
    budget: float | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    job: Job | None = None,
) -> Siting:
    r"""Place equipment along lines so that every town is served and the worst gap is as short as possible.

    .. math::
        \min \max_l g_l(x) \quad\text{s.t.}\quad \sum_{j: c_{ij} \le R} x_j \ge 1 \;\forall i,\quad
        \sum_j x_j \le p,\; x \in \{0, 1\}

    with :math:`g_l` the longest stretch of line l without equipment. Whether a gap G can be kept is a set
    covering whose rows are towns and windows of length G (see `anlan.siting.gaps`), so the best G is found by
    bisection over the distances between candidates; the longest distance that is proven too short gives the
    bound. Three questions:

    * ``p`` (or ``budget``) given: the shortest worst gap with so many.
    * ``longest_gap_m`` given: the fewest places that keep to it.
    * neither: the fewest places that serve every town, and with as many the shortest worst gap.

    Parameters
    ----------
    candidates : Candidates
        See `anlan.siting.candidates.candidates_along`; "site" is the number of a candidate.
    p : int, optional
        Places, the fixed ones among them, the existing ones besides.
    cost : array (n_town, n_candidate) or sparse matrix, optional
        Seconds a bystander walks from candidate to town (the walk network is the same both ways).
    reach : float
        Seconds within which every town has a pole.
    longest_gap_m : float, optional
        Metres.
    ends : float
        What the stretches before the first and after the last pole count, at least 1; with 2, half the worst
        gap is the farthest anybody on the bank is from a pole.
    weight : array (n_town,), optional
        Towns of weight 0 need not be served.
    open_in : array (n_candidate, n_slot) of bool, optional
        When each candidate can be used. A place that is closed in a slot does not count in it: neither for
        towns nor for gaps.
    needed_in : array (n_town, n_slot) of bool, optional
        When each town must be served; always where left out.
    fixed, existing, forbidden, site_cost, budget
        See `Problem.make`.
    time_limit_s, seed, job
        As in `anlan.siting.mclp`.

    Returns
    -------
    Siting
        ``objective`` is the worst gap in metres, or the number (price) of places where a gap was given;
        ``details["gap_m"]`` the worst gap of each line, ``details["places"]`` the number.

    Raises
    ------
    AnlanError
        If an input is wrong.
    """
    watch = Watch(float(time_limit_s), job)
    n = len(candidates)
    matrix = np.zeros((1, n)) if cost is None else cost
    problem = Problem.make(
        "cover_lines", matrix, p=p, needs_p=False,
        weight=np.zeros(1) if cost is None else weight, fixed=fixed, existing=existing,
        forbidden=forbidden, site_cost=site_cost, budget=budget, seed=seed, time_limit_s=time_limit_s,
    )  # fmt: skip
    checked_reach(reach)
    _check(problem, candidates, longest_gap_m, ends)
    slots = _slots(open_in, n)
    needed = _needed(needed_in, problem.n_demand, slots.shape[1])
    rows, unreachable = _town_rows(problem, reach, slots, needed)
    if len(unreachable):
        return _out_of_reach(problem, reach, unreachable, slots, needed, watch)
    is_existing = np.zeros(n, bool)
    is_existing[np.asarray(existing, np.int64).ravel()] = True
    model = LineCover(
        problem, candidates, float(reach), float(ends), longest_gap_m, np.unique(slots, axis=1), rows,
        is_existing,
    )  # fmt: skip
    return model.solve(watch)


@dataclass(frozen=True, eq=False)
class LineCover:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    candidates : Candidates
    reach, ends : float
    longest : float or None
        The longest gap allowed, where it was given.
    open_in : ndarray of bool, shape (n_candidate, n_slot)
        Different slots only.
    towns : Rows
        Candidates of which each town (in each slot) needs one.
    existing : ndarray of bool, shape (n_candidate,)
    """

    problem: Problem
    candidates: Candidates
    reach: float
    ends: float
    longest: float | None
    open_in: Bools
    towns: Rows
    existing: Bools

    @property
    def sense(self) -> Sense:
        """The worst gap, or the number of places, is minimised."""
        return "min"

    def gaps(self, chosen: Bools) -> Floats:
        """Worst gap of each line over all slots, shape (n_line,)."""
        each = [worst_gap(self.candidates, chosen & now, self.ends) for now in self.open_in.T]
        return np.max(np.array(each), axis=0)

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """The objective of some places, infinite where a town or the longest gap is not kept."""
        chosen = np.zeros(len(self.candidates), bool)
        chosen[sites] = True
        worst = float(self.gaps(chosen).max())
        kept = bool(self.towns.any_in(chosen).all())
        if self.longest is not None:
            kept = kept and worst <= self.longest * (1 + 1e-9)
        value = worst if self.longest is None else float(self._price(chosen))
        return value if kept else math.inf, self._assignment(sites)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one town is served."""
        return explain_cover(self.problem, sites, demand, self.reach)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited; where the number was minimised, with as many places."""
        p = self.problem
        number = p.p
        if number is None and self.longest is None and not len(p.side):
            number = len(start) + len(forbidden)
        problem = replace(
            p,
            p=number,
            forbidden=np.union1d(p.forbidden, forbidden).astype(np.int64),
            fixed=np.setdiff1d(p.fixed, forbidden),
            side=p.side.with_apart(apart),
            time_limit_s=time_limit_s,
        )
        existing = self.existing.copy()
        existing[forbidden] = False
        return replace(self, problem=problem, existing=existing).solve(Watch(time_limit_s))

    def solve(self, watch: Watch) -> Siting:
        """Fewest places first, then the worst gap by bisection."""
        p = self.problem
        asked = math.inf if self.longest is None else self.longest
        counted = self.longest is not None or (p.p is None and not len(p.side))
        limit = -math.inf if counted else math.inf if p.p is None else self._price_of_p()
        # Where the number is only the first of two questions, it gets half of the time.
        half = watch if self.longest is not None else Watch(max(0.5 * watch.left, 1e-3), watch.job)
        dual = self._dual()
        least = self._asked(dual, asked, half, limit)
        if math.isfinite(limit) and limit + 1e-9 < least.bound < math.inf:
            # The question was only whether so many do; how many do is the next one.
            return self._too_few(self._asked(dual, asked, watch, -math.inf), watch)
        if least.columns is None:
            if math.isinf(least.bound):
                return self._refused(asked, watch)
            return unanswered(p, least.bound, watch)
        if self.longest is not None:
            watch.note(least.price, least.bound)
            return self._answer(least.columns, least.price, least.bound, watch)
        if counted:
            limit = least.price
        if least.price > limit + 1e-9:
            return unanswered(p, 0.0, watch)
        answer = self._bisect(dual, least.columns, limit, watch)
        if counted and least.price > least.bound + 1e-9:
            # Fewer places might do: then this is the best gap for a number that is not proven least.
            message = f"It is not proven that fewer than {limit:g} places cannot serve every town."
            return replace(
                answer, status="time_limit", bound=0.0, gap=1.0,
                message=f"{message} {answer.message}".strip(),
                details={**answer.details, "fewest_bound": least.bound},
            )  # fmt: skip
        return answer

    def _bisect(self, dual: LineDual | None, best: Bools, limit: float, watch: Watch) -> Siting:
        """The shortest worst gap within a limit on the price."""
        high = float(self.gaps(best).max())
        if dual is None:
            bound = self._gaps_alone(limit, high, watch)
            watch.note(high, min(bound, high))
            best, high = self._greedily(best, high, bound, limit, watch)
        else:
            best, high, bound = self._relaxed(dual, best, high, limit, watch)
        watch.note(high, min(bound, high))
        while bound < high * (1 - 0.5 * PROOF) and not watch.over:
            middle = self._middle(bound, high)
            found = self._asked(dual, middle, watch, limit)
            if found.columns is not None and found.price <= limit + 1e-9:
                best, high = found.columns, float(self.gaps(found.columns).max())
            elif found.bound > limit + 1e-9 or math.isinf(found.bound):
                bound = self._next(middle)
            else:
                break
            watch.note(high, min(bound, high))
        return self._answer(best, high, min(bound, high), watch)

    def _relaxed(
        self, dual: LineDual, best: Bools, high: float, limit: float, watch: Watch
    ) -> tuple[Bools, float, float]:
        """Close in on the worst gap from both sides as far as relaxation alone can tell."""
        bound = opened = self._next(0.0)
        while high - opened > NEAR * high and not watch.over:  # first down from above
            middle = 0.5 * (opened + high)
            found = dual.ask(middle, limit, watch)
            if found.columns is not None and found.price <= limit + 1e-9:
                best, high = found.columns, float(self.gaps(found.columns).max())
            elif found.bound > limit + 1e-9:
                bound = opened = max(opened, self._next(middle))
            else:
                opened = middle
            watch.note(high, min(bound, high))
        while (
            opened - bound > NEAR * high and not watch.over
        ):  # what stayed open may still be proven too short
            middle = 0.5 * (bound + opened)
            found = dual.ask(middle, limit, watch)
            if found.bound > limit + 1e-9:
                bound = self._next(middle)
            else:
                opened = middle
            watch.note(high, min(bound, high))
        return best, high, bound

    def _dual(self) -> LineDual | None:
        """The relaxation, which knows one slot and no further limits."""
        p = self.problem
        if self.open_in.shape[1] > 1 or len(p.side):
            return None
        must = np.zeros(p.n_site, bool)
        must[p.fixed] = True
        price = np.where(self.existing, 0.0, self._prices())
        return LineDual.make(
            self.candidates, p.allowed & self.open_in[:, 0], self.towns, price, must, self.ends
        )

    def _asked(self, dual: LineDual | None, longest: float, watch: Watch, limit: float) -> Chosen:
        """The cheapest choice, or whether the limit can be kept: by relaxation, then, if small, exactly."""
        quick = Chosen(None, math.inf, 0.0)
        if dual is not None and math.isfinite(longest):
            quick = dual.ask(longest, limit, watch)
            kept = quick.columns is not None and quick.price <= limit + 1e-9
            proven = quick.bound > limit + 1e-9 if math.isfinite(limit) else quick.bound >= quick.price - 1e-9
            if kept or proven or math.isinf(quick.bound) or watch.over:
                return quick
            size = sum(
                len(gap_rows(self.candidates, self.problem.allowed & now, longest, self.ends).column)
                for now in self.open_in.T
            )
            if size > EXACT_LINKS:
                return quick
        exact = self._cheapest(longest, watch, target=limit)
        if exact.columns is None or exact.price > quick.price:
            exact = Chosen(quick.columns, quick.price, exact.bound)
        return Chosen(exact.columns, exact.price, max(exact.bound, min(quick.bound, exact.price)))

    def _gaps_alone(self, limit: float, high: float, watch: Watch) -> float:
        """The shortest worst gap if no town had to be served: a bound, quick because rows are intervals."""
        bound = self._next(0.0)
        while bound < high * (1 - 0.5 * PROOF) and not watch.over:
            middle = self._middle(bound, high)
            found = self._cheapest(middle, watch, towns=NO_ROWS)
            if found.bound > limit + 1e-9:
                bound = self._next(middle)
            elif found.columns is not None:
                high = float(self.gaps(found.columns).max())
            else:
                break
        return bound

    def _greedily(
        self, best: Bools, high: float, bound: float, limit: float, watch: Watch
    ) -> tuple[Bools, float]:
        """Shorten the worst gap with towns and gaps met one after the other, in both orders."""
        low, serving = bound, best
        while high - low > 0.01 * high and not watch.over:
            middle = max(0.5 * (low + high), bound)
            tries = [
                self._cheapest(middle, watch, towns=NO_ROWS, also=serving),
                self._cheapest(middle, watch, target=limit, quick=True),
            ]
            first = self._cheapest(middle, watch, towns=NO_ROWS)
            if first.columns is not None:
                tries.append(self._cheapest(math.inf, watch, also=first.columns, target=limit, quick=True))
            tries = [t for t in tries if t.columns is not None and t.price <= limit + 1e-9]
            if not tries:
                low = middle
                continue
            for found in tries:
                assert found.columns is not None
                worst = float(self.gaps(found.columns).max())
                if worst < high:
                    best, high = found.columns, worst
            if high > middle * (1 + 1e-9):
                low = middle
        return best, high

    def _middle(self, low: float, high: float) -> float:
        """Where to ask between a possible gap and a longer one that can be kept."""
        after = self._next(low)
        return low if after >= high * (1 - 1e-9) else 0.5 * (low + high)

    def _next(self, above: float) -> float:
        """The shortest distance above another one that could be the worst gap."""
        allowed = self.problem.allowed
        return min(next_gap(self.candidates, allowed & now, above, self.ends) for now in self.open_in.T)

    def _cheapest(
        self,
        longest: float,
        watch: Watch,
        towns: Rows | None = None,
        also: Bools | None = None,
        target: float = -math.inf,
        quick: bool = False,
    ) -> Chosen:
        """The cheapest places that serve the towns (all of them) and keep to a longest gap.

        ``also`` are places that are used anyhow; with a price ``target`` the only question is whether it can
        be kept to; ``quick`` leaves that open where searching and bounding do not tell.
        """
        p = self.problem
        rows = [self.towns if towns is None else towns]
        if math.isfinite(longest):
            rows += [gap_rows(self.candidates, p.allowed & now, longest, self.ends) for now in self.open_in.T]
        if sum(len(part.column) for part in rows) > MOST_LINKS:
            return Chosen(None, math.inf, 0.0)
        must = np.zeros(p.n_site, bool)
        must[p.fixed] = True
        if also is not None:
            must |= also
        price = np.where(self.existing, 0.0, self._prices())
        return fewest(
            stacked_rows(rows), price, must, p.allowed, p.side, watch, target, quick=quick, seed=p.seed
        )

    def _prices(self) -> Floats:
        return np.ones(self.problem.n_site) if self.problem.p is not None else self.problem.site_cost

    def _price(self, chosen: Bools) -> float:
        return float(self._prices()[chosen & ~self.existing].sum())

    def _price_of_p(self) -> float:
        p = self.problem
        assert p.p is not None
        return float(p.p - np.count_nonzero(self.existing))

    def _assignment(self, sites: Ints) -> Ints:
        if not len(self.towns.size):
            return np.full(self.problem.n_demand, -1)
        return served_by(self.problem.cost, sites, self.reach)

    def _answer(self, chosen: Bools, objective: float, bound: float, watch: Watch) -> Siting:
        sites = np.flatnonzero(chosen)
        return conclude(
            "cover_lines", "min", sites=sites, assignment=self._assignment(sites), objective=objective,
            bound=bound, asked_gap=0.0, seconds=watch.seconds, history=watch.moments, message=watch.message,
            details={"gap_m": self.gaps(chosen), "places": len(sites)}, behind=self,
        )  # fmt: skip

    def _refused(self, longest: float, watch: Watch) -> Siting:
        """Towns can be served, so it is the gap, or a limit on places, that cannot be kept."""
        everything = self.problem.allowed
        shortest = float(self.gaps(everything).max())
        if longest < shortest:
            return infeasible(
                "cover_lines", n_demand=self.problem.n_demand, seconds=watch.seconds,
                message=f"Even with every candidate used the worst gap is {shortest:g} m, not {longest:g} m; "
                "add candidates there or allow it.",
                relaxation={"longest_gap_m": shortest},
            )  # fmt: skip
        p, message, relaxation = self.problem, "No choice of places serves every town within the limits.", {}
        if len(p.side):
            none = Side(np.zeros((0, p.n_site)), np.zeros(0))
            free = replace(self, problem=replace(p, side=none, p=None))._cheapest(longest, watch)
            if free.price > free.bound - 1e-9 and free.columns is not None:
                relaxation["budget"] = free.price
                message = f"Serving every town costs at least {free.price:g}."
        return infeasible(
            "cover_lines", n_demand=p.n_demand, seconds=watch.seconds, message=message, relaxation=relaxation
        )

    def _too_few(self, least: Chosen, watch: Watch) -> Siting:
        asked = int(self._price_of_p())
        return infeasible(
            "cover_lines", n_demand=self.problem.n_demand, seconds=watch.seconds,
            message=f"Serving every town takes at least {least.bound:.0f} places, not {asked}.",
            relaxation={"p": float(np.ceil(least.bound - 1e-9))},
        )  # fmt: skip


def _check(problem: Problem, candidates: Candidates, longest_gap_m: float | None, ends: float) -> None:
    if problem.n_site != len(candidates):
        raise AnlanError(
            f"cost with {problem.n_site} columns",
            f"there is one for each of the {len(candidates)} candidates",
            "compute it for the same candidates",
        )
    if not ends >= 1:
        raise AnlanError(f"ends = {ends}", "it is 1 or more", "give 1, or 2 to count to the nearest pole")
    if longest_gap_m is not None and not longest_gap_m > 0:
        raise AnlanError(f"longest_gap_m = {longest_gap_m}", "it is a distance above 0", "give metres")
    if longest_gap_m is not None and (problem.p is not None or len(problem.side)):
        raise AnlanError(
            f"longest_gap_m = {longest_gap_m:g} together with a number or budget",
            "one of them is minimised and the other one given",
            "leave one out",
        )


def _slots(open_in: ArrayLike | None, n: int) -> Bools:
    """When each candidate is open, shape (n, n_slot)."""
    if open_in is None:
        return np.ones((n, 1), bool)
    slots = np.asarray(open_in, bool)
    if slots.ndim != 2 or len(slots) != n or not slots.shape[1]:
        raise AnlanError(
            f"open_in of shape {slots.shape}",
            f"it has a row for each of the {n} candidates and a column for each slot",
            "make it from the opening hours, for example Hours.slots() > 0",
        )
    return slots


def _needed(needed_in: ArrayLike | None, n: int, n_slot: int) -> Bools:
    if needed_in is None:
        return np.ones((n, n_slot), bool)
    needed = np.asarray(needed_in, bool)
    if needed.shape != (n, n_slot):
        raise AnlanError(
            f"needed_in of shape {needed.shape}",
            f"it has a row for each of the {n} towns and a column for each of the {n_slot} slots",
            "correct it",
        )
    return needed


def _town_rows(problem: Problem, reach: float, slots: Bools, needed: Bools) -> tuple[Rows, Ints]:
    """Candidates of which each town in each slot needs one, and the towns that none can serve."""
    start, column = in_reach(problem.cost, reach, problem.allowed)
    near = Rows(start, column.astype(np.int64))
    parts: list[Rows] = []
    out = np.zeros(problem.n_demand, bool)
    _, kinds = np.unique(np.vstack([slots, needed]), axis=1, return_index=True)
    for t in kinds:
        asked = np.flatnonzero((problem.weight > 0) & needed[:, t])
        rows = near.take(asked).within(slots[:, t])
        out[asked[rows.size == 0]] = True
        parts.append(rows)
    rows = stacked_rows(parts)
    if out.any() or not len(rows.size):
        return rows, np.flatnonzero(out)
    kept = essential_rows(rows.start, rows.column.astype(np.int32), problem.n_site)
    return rows.take(kept), np.flatnonzero(out)


def _out_of_reach(
    problem: Problem, reach: float, towns: Ints, slots: Bools, needed: Bools, watch: Watch
) -> Siting:
    """The answer where some towns cannot be served, and the reach that would do."""
    far = 0.0
    for t in range(slots.shape[1]):
        mine = towns[needed[towns, t]]
        _, seconds, _, _ = nearest_two(problem.cost, np.flatnonzero(slots[:, t] & problem.allowed))
        far = max(far, float(seconds[mine].max(initial=0.0)))
    relaxation = {"reach": far} if math.isfinite(far) else {}
    return infeasible(
        "cover_lines", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=towns,
        relaxation=relaxation,
        message=f"{len(towns)} town(s), the first is {towns[0]}, have no candidate within {reach:g} s"
        + (f"; {far:g} s would do." if relaxation else " and none that is open and reaches them at all."),
    )  # fmt: skip
