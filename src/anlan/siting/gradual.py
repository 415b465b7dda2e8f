"""Gradual covering: demand counts in full up to one reach and ever less up to a second one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sparse

from anlan.core.errors import AnlanError
from anlan.siting.answer import Apart, Explanation, Floats, Ints, Sense, Siting, conclude, infeasible
from anlan.siting.choose import Chooser, starting_columns
from anlan.siting.explaining import explain_cover
from anlan.siting.lists import near_lists
from anlan.siting.medians import Medians
from anlan.siting.problem import Problem, Side, Watch
from anlan.siting.reduce import in_reach, nearest_two

Decay = Callable[[Floats], Floats]
NOWHERE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Gradual:
    """The model behind an answer.

    Attributes
    ----------
    problem : Problem
    full, end : float
        Reach up to which a demand counts in full, and from which it does not count.
    decay : callable
        Share of the way between the two, (k,) in [0, 1] → value in [0, 1], not increasing.
    """

    problem: Problem
    full: float
    end: float
    decay: Decay

    @property
    def sense(self) -> Sense:
        """Covered weight is maximised."""
        return "max"

    def value(self, cost: Floats) -> Floats:
        """What a unit of demand counts at some cost from its nearest site."""
        seconds = np.asarray(cost, np.float64)
        value = (seconds <= self.full).astype(np.float64)
        between = (seconds > self.full) & (seconds <= self.end)
        value[between] = self.decay((seconds[between] - self.full) / (self.end - self.full))
        return value

    def evaluate(self, sites: Ints) -> tuple[float, Ints]:
        """Covered weight and the nearest site of each demand that counts."""
        site, cost, _, _ = nearest_two(self.problem.cost, sites)
        value = self.value(cost)
        return float(value @ self.problem.weight), np.where(value > 0, site, -1)

    def explain(self, sites: Ints, demand: int) -> Explanation:
        """How one demand is served."""
        return explain_cover(self.problem, sites, demand, self.end)

    def again(
        self, *, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float, start: Ints
    ) -> Siting:
        """Solve once more, further limited."""
        problem = self.problem.limited(forbidden, apart, time_limit_s, gap)
        return solve(Gradual(problem, self.full, self.end, self.decay), Watch(time_limit_s), start)


def checked_decay(reach: Any, decay: Decay | Literal["linear"]) -> tuple[float, float, Decay]:
    """The two reaches and the decay between them.

    Raises
    ------
    AnlanError
    """
    ends = np.atleast_1d(np.asarray(reach, dtype=np.float64)).ravel()
    if ends.shape != (2,) or not 0 <= ends[0] < ends[1] < np.inf:
        raise AnlanError(
            f"reach = {reach}",
            "gradual covering has two reaches: full value up to the first, none beyond the second",
            "give two rising numbers of seconds",
        )
    if decay == "linear":
        return float(ends[0]), float(ends[1]), lambda share: 1.0 - share
    if not callable(decay):
        raise AnlanError(
            f"decay = {decay!r}",
            'it is "linear" or a function of the share of the way between the two reaches',
            'use "linear" or a function such as lambda share: 1 - share**2',
        )
    probe = np.asarray(decay(np.linspace(0.0, 1.0, 101)), dtype=np.float64)
    if (
        probe.shape != (101,)
        or np.any(np.diff(probe) > 1e-12)
        or not np.all((probe >= 0) & (probe <= 1 + 1e-12))
    ):
        raise AnlanError(
            "decay",
            "its values lie between 0 and 1 and do not rise with the share of the way",
            "correct the function; it is given an array and gives an array",
        )
    return float(ends[0]), float(ends[1]), decay


def solve(model: Gradual, watch: Watch, start: Ints = NOWHERE) -> Siting:
    r"""As a p-median of what is lost.

    A demand loses :math:`w_i (1 - f(c_{ij}))` if site j is its nearest and :math:`w_i` if nobody comes:
    a site that is open already and everybody's equal. The least total loss is the most weight covered.
    """
    problem = model.problem
    if np.any(problem.side.limit - problem.side.rows[:, problem.fixed].sum(axis=1) < -1e-9):
        return infeasible(
            "mclp", n_demand=problem.n_demand, seconds=watch.seconds,
            message="No other choice of sites keeps the fixed ones and the asked distance.",
        )  # fmt: skip
    m = problem.n_site
    loss = _losses(model)
    if loss.nnz == problem.n_demand:
        raise AnlanError(
            f"reach = {model.end:g} s",
            "no demand is within reach of any site",
            "enlarge the reach, or check that costs and reach are in the same unit",
            code="no_demand_in_reach",
        )
    lists = near_lists(loss, problem.weight, np.append(problem.allowed, True), m + 1)
    rows = np.hstack([problem.side.rows, np.zeros((len(problem.side), 1))])
    side = Side(np.ascontiguousarray(rows[:, lists.sites]), problem.side.limit)
    locked = starting_columns(np.append(problem.fixed, m), lists.sites, m + 1)
    choice = Medians(problem, lists, min(problem.places + 1, lists.n_column), side, locked, False)
    total = float(problem.weight.sum())
    chooser = Chooser(choice, problem.seed, problem.gap, watch, shift=-total, sign=-1.0)
    outcome = chooser.solve(starting_columns(start, lists.sites, m + 1), choice.first_state())
    chosen = lists.sites[outcome.columns]
    chosen = chosen[chosen < m]
    objective, assignment = model.evaluate(chosen)
    return conclude(
        "mclp", "max", sites=chosen, assignment=assignment, objective=objective,
        bound=total - outcome.bound, asked_gap=problem.gap, seconds=watch.seconds, history=watch.moments,
        message=watch.message, behind=model,
        details={
            "rows": lists.n_row, "columns": lists.n_column - 1, "links": len(lists.rc) - lists.n_row,
            "columns_undecided": outcome.free, "nodes": outcome.nodes,
        },
    )  # fmt: skip


def _losses(model: Gradual) -> Any:
    """Share of a demand that is lost at each site in reach, and all of it at one more site; CSR."""
    problem = model.problem
    n, m = problem.n_demand, problem.n_site
    rs, rc = in_reach(problem.cost, model.end, problem.allowed)
    owner = np.repeat(np.arange(n), np.diff(rs))
    if sparse.issparse(problem.cost):
        allowed = problem.allowed[problem.cost.indices]
        seconds = problem.cost.data[allowed & (problem.cost.data <= model.end)].astype(np.float64)
    else:
        seconds = problem.cost[owner, rc].astype(np.float64)
    value = model.value(seconds)
    good = value > 0
    owner, column, lost = owner[good], rc[good], 1.0 - value[good]
    start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n) + 1)])
    data, index = np.ones(start[-1]), np.full(start[-1], m, np.int32)
    at = np.arange(len(owner)) + owner  # one place more for each row before
    data[at], index[at] = lost, column
    return sparse.csr_matrix((data, index, start), (n, m + 1))
