"""The covering and median models over several periods: checked input, rows, and how they are solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike

from anlan.core.errors import AnlanError
from anlan.siting.answer import Floats, Ints
from anlan.siting.lists import near_lists
from anlan.siting.mclp import checked_rings, mclp
from anlan.siting.p_median import p_median
from anlan.siting.problem import Problem, Watch
from anlan.siting.reduce import in_reach, merged, nearest_two
from anlan.siting.unit_cover import NO_LIMIT, Layer, stacked
from anlan.siting.unit_model import no_demand_in_reach
from anlan.siting.unit_place import place

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Placing:
    """Units of each block of periods, shape (blocks, sites), and a proven bound on the whole objective."""

    x: Ints
    bound: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PeriodModel:
    """Checked input of `anlan.siting.periods`; see there.

    Attributes
    ----------
    model : str
    problems : tuple of Problem
        Of each period; they share sites, seed, gap.
    units : ndarray of int64, shape (n_period,)
    rings, values : ndarray of float64
        Ascending reaches and what each is worth; empty for the median.
    busy : ndarray of float64, shape (n_period,)
    most : ndarray of int64, shape (n_site,)
        Most units at each site.
    """

    model: str
    problems: tuple[Problem, ...]
    units: Ints
    rings: Floats
    values: Floats
    busy: Floats
    most: Ints

    @property
    def gap(self) -> float:
        """The relative gap that was asked for."""
        return self.problems[0].gap

    @classmethod
    def make(
        cls,
        model: str,
        cost: Any,
        p: int | ArrayLike,
        weight: ArrayLike,
        *,
        reach: float | Sequence[float] | None,
        ring_weights: Sequence[float] | None,
        busy: float | ArrayLike,
        capacity: int | ArrayLike | None,
        **options: Any,
    ) -> PeriodModel:
        """Check.

        Raises
        ------
        AnlanError
        """
        if model not in ("mclp", "mexclp", "p_median"):
            raise AnlanError(f"model = {model!r}", "it is mclp, mexclp or p_median", "choose one of them")
        weights = np.asarray(weight, np.float64)
        if weights.ndim != 2 or not len(weights):
            raise AnlanError(
                f"weight of shape {weights.shape}",
                "there is one row of weights for each period",
                "give an array (n_period, n_demand)",
            )
        n = len(weights)
        several = isinstance(cost, Sequence) or (isinstance(cost, np.ndarray) and cost.ndim == 3)
        if several and len(cost) != n:
            raise AnlanError(
                f"{len(cost)} cost matrices",
                f"there is one for all periods or one for each of the {n}",
                "correct it",
            )
        units = np.asarray(p)
        if units.shape not in ((), (n,)) or not np.all(units == np.floor(units)):
            raise AnlanError(
                f"p of shape {units.shape}",
                f"it is a whole number of units, one for all or one for each of the {n} periods",
                "correct it",
            )
        units = np.broadcast_to(units, (n,)).astype(np.int64)
        first = Problem.make(model, cost[0] if several else cost, needs_p=False, weight=weights[0], **options)
        most = _most(model, capacity, first, int(units.max()))
        _check_units(units, most, first)
        problems = [first]
        for t in range(1, n):
            # The same matrix is checked and kept once.
            matrix = cost[t] if several else first.cost
            problems.append(Problem.make(model, matrix, needs_p=False, weight=weights[t], **options))
        share = np.asarray(busy, np.float64)
        if share.shape not in ((), (n,)) or not np.all((share >= 0) & (share < 1)):
            raise AnlanError(
                f"busy of shape {share.shape}" if share.ndim else f"busy = {float(share)}",
                f"a busy fraction is at least 0 and below 1, one for all or one for each of {n} periods",
                "correct it",
            )
        rings, values = np.empty(0), np.empty(0)
        if model != "p_median":
            if reach is None or (model == "mexclp" and np.ndim(reach) > 0):
                raise AnlanError(
                    "reach", f"{model} needs one reach in seconds", "give a number, such as reach=300"
                )
            rings, values = checked_rings(reach, ring_weights)
        return cls(
            model,
            tuple(problems),
            units,
            rings,
            values,
            np.broadcast_to(share, (n,)).astype(np.float64),
            most,
        )

    def apart(self, block: Ints, watch: Watch) -> Placing:
        """Solve each block of periods for itself."""
        count = int(block.max()) + 1
        x = np.zeros((count, self.problems[0].n_site), np.int64)
        bound = 0.0
        for b in range(count):
            mine = np.flatnonzero(block == b)
            share = max(watch.left / (count - b), 1e-3)
            if self.model == "mexclp":
                placing = self._coupled(mine, np.zeros(len(mine), np.int64), Watch(share, watch.job))
                x[b], bound = placing.x[0], bound + placing.bound
                continue
            first = self.problems[mine[0]]
            cost, weight = self._one(mine)
            options: dict[str, Any] = {
                "fixed": first.fixed, "forbidden": first.forbidden, "gap": first.gap,
                "time_limit_s": share, "seed": first.seed, "job": watch.job,
            }  # fmt: skip
            p = int(self.units[mine[0]])
            if self.model == "mclp":
                answer = mclp(cost, p, tuple(self.rings), weight, ring_weights=tuple(self.values), **options)
            else:
                answer = p_median(cost, p, weight, **options)
            if not len(answer.sites):
                raise AnlanError(
                    f"period {mine[0]}", answer.message or "no choice of sites serves all demand",
                    "leave that demand out, allow further sites, or raise p", code="period_infeasible",
                )  # fmt: skip
            x[b, answer.sites] = 1
            bound += answer.bound
        return Placing(_filled(x, self.units, block, self.most, self.problems[0].forbidden), bound)

    def together(self, block: Ints, limit: Ints, price: Floats, watch: Watch) -> Placing:
        """Solve all blocks at once, with moves limited or priced at the borders before them."""
        return self._coupled(np.arange(len(block)), block, watch, limit, price)

    def judged(self, units: Ints) -> tuple[Floats, Ints]:
        """What each period brings or costs with units (n_period, n_site), and who serves each demand."""
        worth = np.zeros(len(units))
        assignment = np.empty((len(units), self.problems[0].n_demand), np.int64)
        for t, problem in enumerate(self.problems):
            sites = np.flatnonzero(units[t])
            one, near, _, _ = nearest_two(problem.cost, sites)
            has = problem.weight > 0
            if self.model == "p_median":
                worth[t] = float(near[has] @ problem.weight[has])
                assignment[t] = one
                continue
            assignment[t] = np.where(near <= self.rings[-1], one, -1)
            if self.model == "mclp":
                value = np.append(self.values, 0.0)[np.searchsorted(self.rings, near, side="left")]
            else:
                start, column = in_reach(problem.cost, float(self.rings[0]), problem.allowed)
                rows = np.repeat(np.arange(problem.n_demand), np.diff(start))
                held = np.bincount(rows, units[t][column], minlength=problem.n_demand)
                value = 1.0 - self.busy[t] ** held
            worth[t] = float(value @ problem.weight)
        return worth, assignment

    def _one(self, mine: Ints) -> tuple[Any, Floats]:
        """Several periods as one: weights added where they share their costs, rows stacked elsewhere."""
        chosen = [self.problems[t] for t in mine]
        if all(problem.cost is chosen[0].cost for problem in chosen):
            return chosen[0].cost, np.sum([problem.weight for problem in chosen], axis=0)
        stack = sparse.vstack if sparse.issparse(chosen[0].cost) else np.vstack
        return stack([problem.cost for problem in chosen]), np.concatenate([c.weight for c in chosen])

    def _coupled(
        self, mine: Ints, block: Ints, watch: Watch, limit: Ints | None = None, price: Floats | None = None
    ) -> Placing:
        """Place units in blocks of some periods by the engine for units."""
        first = self.problems[0]
        count = int(block.max()) + 1
        layers, offset = [], 0.0
        for t, b in zip(mine.tolist(), block.tolist(), strict=True):
            layer, fixed_cost = self._layer(t)
            layers.append(layer._replace(period=b))
            offset -= fixed_cost
        if self.model != "p_median" and not any(layer.cover.n_row for layer in layers):
            raise no_demand_in_reach(float(self.rings[-1]))
        units = np.zeros(count, np.int64)
        units[block] = self.units[mine]
        lower = np.zeros((count, first.n_site), np.int64)
        lower[:, first.fixed] = 1
        upper = np.tile(self.most, (count, 1))
        upper[:, first.forbidden] = 0
        total = int(units.max())
        if self.model == "mexclp":
            values = 1.0 - self.busy[:, None] ** np.arange(total + 1.0)
        else:
            values = np.array([[0.0, 1.0]])
        change = np.abs(units - np.roll(units, 1))
        most, dear = None, None
        if limit is not None and price is not None:
            most = np.where(limit >= NO_LIMIT, NO_LIMIT, 2 * limit + change)
            dear = 0.5 * price
            offset += float(dear @ change)
        cover = stacked(
            layers, values=values, units=units, lower=lower, upper=upper, limit=most, price=dear
        )  # fmt: skip
        placed = place(cover, watch, gap=first.gap, seed=first.seed, offset=offset)
        if placed is None or not len(placed.x):
            raise AnlanError(
                "the limits on moves", "no placement keeps them with these numbers of units",
                "allow more moves or raise capacities", code="moves_infeasible",
            )  # fmt: skip
        bound = placed.bound + offset
        details = {"rows": cover.n_row, "links": len(cover.rc)}
        return Placing(placed.x, -bound if self.model == "p_median" else bound, details=details)

    def _layer(self, t: int) -> tuple[Layer, float]:
        """The merged rows of one period, and the cost that no placement avoids."""
        problem = self.problems[t]
        if self.model == "p_median":
            return self._median_layer(problem)
        parts = []
        for r, value in enumerate(self.values):
            rest = value - (self.values[r + 1] if r + 1 < len(self.values) else 0.0)
            if rest > 0:
                start, column = in_reach(problem.cost, float(self.rings[r]), problem.allowed)
                parts.append((start, column, problem.weight * rest))
        cover = merged(parts, problem.n_site, _NONE, problem.allowed)
        return Layer(cover, kind=t if self.model == "mexclp" else 0), 0.0

    def _median_layer(self, problem: Problem) -> tuple[Layer, float]:
        """A row for each demand and each step of its costs: what it saves if a site before the step is open.

        Lists end where one of the sites is open in any case; longer than that only where the time allows,
        and what they leave out counts as nothing, so that the bound stays one.
        """
        allowed = int(problem.allowed.sum())
        fewest = int(self.units.min())
        width = min(allowed - fewest + 1, max(40, 8 * allowed // max(1, fewest)))
        lists = near_lists(problem.cost, problem.weight, problem.allowed, width)
        alone = lists.rows[np.diff(lists.rs) == 0]
        if len(alone):
            raise AnlanError(
                f"demand {alone[0]}", "no site that may be used reaches it",
                "leave it out, give it weight 0 or allow a site that reaches it", code="unreachable",
            )  # fmt: skip
        size = np.diff(lists.rs)
        number = np.arange(len(lists.rc)) - np.repeat(lists.rs[:-1], size)
        last = number == np.repeat(size, size) - 1
        following = np.append(lists.rv[1:], 0.0)
        # Beyond a complete list of all reachable sites a demand has no service, which must never pay.
        full = np.isfinite(lists.cap) | (size == allowed)
        beyond = np.where(np.isfinite(lists.cap), lists.cap, np.where(full, 0.0, lists.miss))
        following[last] = np.maximum(beyond[np.repeat(np.arange(len(size)), size)][last], lists.rv[last])
        step = np.maximum(following - lists.rv, 0.0)
        keep = np.flatnonzero(step > 0)
        length = number[keep] + 1
        start = np.concatenate([[0], np.cumsum(length)])
        begin = lists.rs[np.repeat(np.arange(len(size)), size)[keep]]
        place_of = np.arange(start[-1]) - np.repeat(start[:-1] - begin, length)
        column = lists.sites[lists.rc[place_of]].astype(np.int32)
        # Equal sets are recognised by any order of their sites once they are sorted.
        owner = np.repeat(np.arange(len(keep)), length)
        column = column[np.lexsort((column, owner))]
        weight = step[keep]
        cover = merged([(start, column, weight)], problem.n_site, _NONE, problem.allowed)
        least = float(lists.rv[lists.rs[:-1]].sum())
        return Layer(cover), least + float(cover.weight.sum())


def blocks_of(units: Ints, limit: Ints, cyclic: bool) -> tuple[Ints, Ints]:
    """Periods between which nothing may move are one block.

    Parameters
    ----------
    units, limit : ndarray of int64, shape (n_period,)
    cyclic : bool

    Returns
    -------
    block : ndarray of int64, shape (n_period,)
    limit : ndarray of int64, shape (n_block,)
        Most moves at the border before each block.
    """
    linked = (limit == 0) & (units == np.roll(units, 1))
    if not cyclic:
        linked[0] = False
    block = np.cumsum(~linked)
    border = np.flatnonzero(~linked)
    if not len(border):
        return np.zeros(len(units), np.int64), np.full(1, NO_LIMIT)
    block = (block - 1) % len(border)  # before the first border: the last block, round the circle
    return block, limit[border].copy()


def _most(model: str, capacity: int | ArrayLike | None, problem: Problem, total: int) -> Ints:
    n = problem.n_site
    if model != "mexclp":
        if capacity is not None:
            raise AnlanError(
                f"capacity with {model}",
                "only mexclp has several units at a site",
                "leave it out, or use model='mexclp'",
            )
        return np.ones(n, np.int64)
    given = np.full(n, float(total)) if capacity is None else np.asarray(capacity, np.float64)
    if given.shape not in ((), (n,)) or not np.all(given >= 0):
        raise AnlanError(
            f"capacity of shape {given.shape}",
            f"it is a number of units, 0 or more, one for all or one for each of the {n} sites",
            "correct it",
        )
    return np.minimum(np.broadcast_to(np.floor(given), (n,)), total).astype(np.int64)


def _check_units(units: Ints, most: Ints, problem: Problem) -> None:
    """Whether every period's units find their sites."""
    room = int(most[problem.allowed].sum())
    low, high = int(units.min()), int(units.max())
    if low < 1:
        raise AnlanError(f"p = {low}", "every period has 1 unit or more", "leave empty periods out")
    if high > room:
        raise AnlanError(
            f"p = {high}", f"the sites hold only {room}", "ask for fewer, or add candidates",
            code="p_exceeds_sites",
        )  # fmt: skip
    if len(problem.fixed) > low or np.any(most[problem.fixed] < 1):
        raise AnlanError(
            f"p = {low}", f"{len(problem.fixed)} sites are fixed and each takes a unit", "raise p or fix fewer",
            code="fixed_exceeds_p",
        )  # fmt: skip


def _filled(x: Ints, units: Ints, block: Ints, most: Ints, forbidden: Ints) -> Ints:
    """Units that brought nothing, put where there is room, so that every block has all of its units."""
    room = most.copy()
    room[forbidden] = 0
    for b in range(len(x)):
        missing = int(units[np.flatnonzero(block == b)[0]] - x[b].sum())
        for j in np.flatnonzero(x[b] < room)[: max(0, missing)]:
            x[b, j] += 1
    return x
