"""Maximal covering with a minimum service in every area: a given share of each area's demand is covered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.kernels.siting.cover import take_rows, transpose
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.covering import most_covered
from anlan.siting.explaining import explain_cover
from anlan.siting.mip import Outcome, Program, RowBuilder, optimise
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import Cover, in_reach, merge, nearest_two

PROGRAM_LINKS = 4_000_000
"""Links up to which the exact program is tried."""
ROUNDS = 12
"""Rounds in which areas that are short gain weight."""


def sums(of: Ints, weight: Floats, count: int) -> Floats:
    """Weight of each of so many areas."""
    total: Any = np.bincount(of, weight, count)
    return np.asarray(total, np.float64)


@dataclass(frozen=True, eq=False)
class Areas:
    """Which area each demand belongs to, and the covered weight each area must have.

    Attributes
    ----------
    labels : ndarray, shape (n_area,)
        As given by the caller, ascending.
    of : ndarray of int64, shape (n_demand,)
    weight : ndarray of float64, shape (n_area,)
    share : ndarray of float64, shape (n_area,)
    """

    labels: Any
    of: Ints
    weight: Floats
    share: Floats

    @property
    def least(self) -> Floats:
        """The weight that must be covered in each area."""
        return self.share * self.weight

    def met(self, covered: Floats) -> bool:
        """Whether covered weights per area are enough."""
        return bool(np.all(covered >= self.least - 1e-9 * (1.0 + self.weight)))


def checked_areas(areas: ArrayLike, min_share: float | Mapping[Any, float] | None, weight: Floats) -> Areas:
    """Areas and shares.

    Raises
    ------
    AnlanError
    """
    given = np.asarray(areas)
    if given.shape != weight.shape:
        raise AnlanError(
            f"areas of shape {given.shape}",
            f"there is one area for each of the {len(weight)} demands",
            "give an array of that length",
        )
    labels, of = np.unique(given, return_inverse=True)
    if min_share is None:
        raise AnlanError("min_share = None", "areas need the share that must be covered", "give min_share")
    if isinstance(min_share, Mapping):
        strange = set(min_share) - set(labels.tolist())
        if strange:
            raise AnlanError(
                f"min_share of area {min(strange, key=str)!r}",
                "no demand lies in that area",
                "leave it out or correct its name",
            )
        share = np.array([float(min_share.get(label, 0.0)) for label in labels.tolist()])
    else:
        share = np.full(len(labels), float(min_share))
    if not np.all((share >= 0) & (share <= 1)):
        raise AnlanError(f"min_share = {min_share}", "a share lies between 0 and 1", "correct it")
    return Areas(labels, of.ravel().astype(np.int64), sums(of.ravel(), weight, len(labels)), share)


@dataclass(frozen=True, eq=False)
class Served:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    rings, values : ndarray of float64
        Reaches, ascending, and what a demand counts within each.
    areas : Areas
    """

    problem: Problem
    rings: Floats
    values: Floats
    areas: Areas

    @property
    def sense(self) -> Sense:
        """Covered weight is maximised."""
        return "max"

    def _covered(self, sites: Ints) -> tuple[Floats, Ints]:
        site, cost, _, _ = nearest_two(self.problem.cost, sites)
        value = np.append(self.values, 0.0)[np.searchsorted(self.rings, cost, side="left")]
        return value * self.problem.weight, np.where(value > 0, site, -1)

    def by_area(self, sites: Ints) -> Floats:
        """Covered weight of each area."""
        return sums(self.areas.of, self._covered(sites)[0], len(self.areas.share))

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Covered weight and the nearest site in reach; the areas' shares are not asked for."""
        covered, assignment = self._covered(sites)
        return float(covered.sum()), assignment

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, float(self.rings[-1]))

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(Served(problem, self.rings, self.values, self.areas), Watch(time_limit_s))


@dataclass(frozen=True, eq=False)
class Rows:
    """Demands of one area that the same sites reach, as one row.

    Attributes
    ----------
    rs, rc : rows to sites
    weight : ndarray of float64
    area : ndarray of int64
    """

    rs: Ints
    rc: Any
    weight: Floats
    area: Ints


def merged_rows(model: Served) -> Rows:
    """The rows of all rings, merged within each area; rows that no site reaches are left out."""
    problem, areas = model.problem, model.areas
    n, m, k = problem.n_demand, problem.n_site, len(areas.share)
    key = stream(0, "covering sets").integers(0, 2**64, size=(2, m + k), dtype=np.uint64)
    starts, columns, weights, owners, shift = [np.zeros(1, np.int64)], [], [], [], 0
    for r, value in enumerate(model.values):
        rest = float(value - (model.values[r + 1] if r + 1 < len(model.values) else 0.0))
        if rest <= 0:
            continue
        rs, rc = in_reach(problem.cost, float(model.rings[r]), problem.allowed)
        named_start = rs + np.arange(n + 1)  # the area joins the set, as one more column
        named = np.empty(len(rc) + n, np.int32)
        named[named_start[1:] - 1] = m + areas.of
        named[np.arange(len(rc)) + np.repeat(np.arange(n), np.diff(rs))] = rc
        group, first = merge(named_start, named, key)
        weight = sums(group.astype(np.int64), problem.weight * rest, len(first))
        keep = (np.diff(rs)[first] > 0) & (weight > 0)
        s, c = take_rows(rs, rc, first[keep])
        starts.append(s[1:] + shift)
        columns.append(c)
        weights.append(weight[keep])
        owners.append(areas.of[first[keep]])
        shift += len(c)
    none = np.empty(0, np.int64)
    return Rows(
        np.concatenate(starts), np.concatenate([*columns, np.empty(0, np.int32)]),
        np.concatenate([*weights, np.empty(0)]), np.concatenate([*owners, none]),
    )  # fmt: skip


def solve(model: Served, watch: Watch) -> Siting:
    """First without the shares; then with weight on the areas that are short; then exactly."""
    problem, areas = model.problem, model.areas
    rows = merged_rows(model)
    k = len(areas.share)
    possible = sums(rows.area, rows.weight, k)
    if not areas.met(possible):
        return _out_of_reach(model, possible, watch)
    if np.any(problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "mclp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    search = Prices(model, rows, watch)
    search.run()
    best, sites, bound = search.best, search.sites, search.bound
    nodes = 0
    enough = best > -math.inf and bound - best <= max(problem.gap, 1e-7) * abs(best)
    if not enough and not watch.over and len(rows.rc) <= PROGRAM_LINKS:
        program = _program(model, rows)
        begin = _point(rows, sites, problem.n_site) if len(sites) else None
        outcome = optimise(program, watch, gap=problem.gap, start=begin, known=(best, bound))
        if outcome.status == "infeasible":
            return _too_few(model, rows, watch)
        if len(outcome.x) and outcome.objective > best + 1e-9 * abs(outcome.objective):
            sites = np.flatnonzero(outcome.x[: problem.n_site] > 0.5)
        bound = min(bound, outcome.bound) if math.isfinite(outcome.bound) else bound
        nodes = 1
    if not len(sites):
        return conclude(
            "mclp", "max", sites=sites, assignment=np.full(problem.n_demand, -1), objective=-math.inf,
            bound=bound, asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments,
            message="Time ran out before an answer that serves every area enough was found.", behind=model,
        )  # fmt: skip
    objective, assignment = model.evaluate(sites)
    served = model.by_area(sites)
    return conclude(
        "mclp", "max", sites=sites, assignment=assignment, objective=objective, bound=max(bound, objective),
        asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments, message=watch.message,
        behind=model,
        details={
            "rows": len(rows.weight), "links": len(rows.rc), "rounds": search.rounds, "program": bool(nodes),
            "share": dict(
                zip(areas.labels.tolist(), (served / np.maximum(areas.weight, 1e-300)).tolist(), strict=True)
            ),
        },
    )  # fmt: skip


class Prices:
    r"""Lagrangian relaxation of the shares.

    .. math::
        L(\lambda) = \max_y \sum_a (1 + \lambda_a) C_a(y) - \sum_a \lambda_a b_a

    with :math:`C_a` the covered weight of area a and :math:`b_a` what it needs bounds the answer from above
    for every :math:`\lambda \ge 0`; its answers are tried for their shares.
    """

    def __init__(self, model: Served, rows: Rows, watch: Watch) -> None:
        self.model, self.rows, self.watch = model, rows, watch
        self.best, self.bound, self.sites = -math.inf, math.inf, np.empty(0, np.int64)
        self.rounds = 0

    def run(self) -> None:
        """Raise the multipliers of areas that are short, lower those of areas that have more than enough."""
        model, rows, problem = self.model, self.rows, self.model.problem
        least = model.areas.least
        price = np.zeros(len(least))
        step = 1.0
        for self.rounds in range(1, ROUNDS + 1):
            cover = _cover(rows, rows.weight * (1.0 + price[rows.area]), problem)
            part = self.watch.part(0.3 if self.rounds == 1 else 0.08)
            found = most_covered(problem, cover, part, max(problem.gap, 1e-3 * (self.rounds > 1)))
            sites = found.sites
            self.bound = min(self.bound, found.bound - float(price @ least))
            covered = model.by_area(sites)
            if model.areas.met(covered) and covered.sum() > self.best:
                self.best, self.sites = float(covered.sum()), sites
            self.watch.note(self.best, self.bound)
            short = least - covered
            tight = np.all((short <= 1e-9 * (1.0 + least)) & ((price == 0.0) | (short >= -1e-9)))
            if tight or self.watch.over or self.bound - self.best <= problem.gap * abs(self.best):
                return
            # The best answer's areas are short by single sites' worth: steps relative to the area.
            scale = np.maximum(model.areas.weight, 1e-9)
            move = step * short / scale
            if not math.isfinite(self.best):
                move = np.where(short > 0, np.maximum(move, 0.25 * (1.0 + price)), 0.0)
            price = np.maximum(0.0, price + move)
            step *= 0.85


def _cover(rows: Rows, weight: Floats, problem: Problem) -> Cover:
    """The rows with other weights as an ordinary covering problem; rows that fixed sites reach are constant."""
    is_fixed = np.zeros(problem.n_site, bool)
    is_fixed[problem.fixed] = True
    held = np.logical_or.reduceat(is_fixed[rows.rc], rows.rs[:-1]) if len(rows.weight) else np.zeros(0, bool)
    rs, rc = take_rows(rows.rs, rows.rc, np.flatnonzero(~held).astype(np.int32))
    sites = np.flatnonzero(problem.allowed & ~is_fixed).astype(np.int64)
    place = np.full(problem.n_site, -1, np.int32)
    place[sites] = np.arange(len(sites), dtype=np.int32)
    column = place[rc]
    cs, cr = transpose(rs, column, len(sites))
    group = np.arange(len(weight), dtype=np.int32)
    return Cover(rs, column, cs, cr, weight[~held], sites, float(weight[held].sum()), group)


def _program(model: Served, rows: Rows, fewest: bool = False) -> Program:
    """Most covered weight, or the fewest sites, with every area's share."""
    problem, areas = model.problem, model.areas
    m, n = problem.n_site, len(rows.weight)
    builder = RowBuilder(m + n)
    links = sparse.csr_matrix((np.ones(len(rows.rc)), rows.rc, rows.rs), (n, m))
    builder.add(sparse.hstack([links, -sparse.eye(n)]), 0.0, np.inf)
    builder.add_cells(rows.area, np.arange(n) + m, rows.weight, len(areas.share), areas.least, np.inf)
    if len(problem.side):
        builder.add(problem.side.rows, -np.inf, problem.side.limit)
    if not fewest:
        builder.add(np.ones((1, m)), -np.inf, problem.places)
    lower = np.zeros(m + n)
    lower[problem.fixed] = 1.0
    upper = np.concatenate([problem.allowed.astype(np.float64), np.ones(n)])
    whole = np.concatenate([np.ones(m, bool), np.zeros(n, bool)])
    cost = np.concatenate([np.ones(m), np.zeros(n)] if fewest else [np.zeros(m), rows.weight])
    return builder.program("min" if fewest else "max", cost, lower, upper, whole)


def _point(rows: Rows, sites: Ints, m: int) -> Floats:
    is_open = np.zeros(m, bool)
    is_open[sites] = True
    met = np.logical_or.reduceat(is_open[rows.rc], rows.rs[:-1])
    return np.concatenate([is_open, met]).astype(np.float64)


def _out_of_reach(model: Served, possible: Floats, watch: Watch) -> Siting:
    """An area of which the sites, all of them open, cannot reach enough."""
    areas, problem = model.areas, model.problem
    short = np.flatnonzero(possible < areas.least - 1e-9 * (1.0 + areas.weight))
    worst = int(short[0])
    every, _ = model._covered(np.flatnonzero(problem.allowed))
    lost = (every < problem.weight) & np.isin(areas.of, short)
    could = possible[short] / areas.weight[short]
    return infeasible(
        "mclp", n_demand=problem.n_demand, seconds=watch.seconds, unreachable=np.flatnonzero(lost),
        message=f"Of area {areas.labels[worst]} the sites that may be used reach {could[0]:.1%} at most, "
        f"less than the {areas.share[worst]:.1%} asked; "
        f"a min_share of {math.floor(1000 * could.min()) / 10:g} % would do, or a longer reach.",
        relaxation={"min_share": float(could.min())},
    )  # fmt: skip


def _too_few(model: Served, rows: Rows, watch: Watch) -> Siting:
    """As many sites as were given cannot serve every area enough: how many it takes."""
    problem = model.problem
    message, relaxation = "These sites cannot serve every area enough at once", {}
    if not len(problem.side):
        outcome: Outcome = optimise(_program(model, rows, fewest=True), watch)
        if outcome.status == "solved":
            relaxation = {"p": float(round(outcome.objective))}
            message = (
                f"{problem.places} sites cannot serve every area enough at once; "
                f"it takes {relaxation['p']:g}, or smaller shares"
            )
    return infeasible(
        "mclp", n_demand=problem.n_demand, seconds=watch.seconds, message=message + ".", relaxation=relaxation
    )
