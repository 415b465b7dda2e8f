"""What every siting model is given, checked once: costs, weights, sites that must or must not be used."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import ArrayLike, NDArray

from anlan.core.errors import AnlanError
from anlan.core.job import Job
from anlan.siting.answer import Apart, Floats, Ints, Moment

BLOCK = 1 << 24
"""Cells of a dense matrix that are looked at in one go, to keep temporary arrays small."""


@dataclass(frozen=True, eq=False)
class Side:
    """Linear limits on the choice of sites: ``rows @ y <= limit`` for the 0/1 vector ``y`` of used sites.

    A budget is one row; keeping distance from an earlier answer is one row.

    Attributes
    ----------
    rows : ndarray of float64, shape (n_row, n_site)
    limit : ndarray of float64, shape (n_row,)
    """

    rows: Floats
    limit: Floats

    def __len__(self) -> int:
        return len(self.limit)

    def holds(self, sites: Ints) -> bool:
        """Whether a set of sites respects every limit."""
        return bool(np.all(self.rows[:, sites].sum(axis=1) <= self.limit + 1e-9 * (1 + np.abs(self.limit))))

    def with_apart(self, apart: Sequence[Apart]) -> Side:
        """These limits and, for each earlier answer, that so many of its sites are not used."""
        rows, limit = [self.rows], [self.limit]
        for sites, swaps in apart:
            row = np.zeros((1, self.rows.shape[1]))
            row[0, sites] = 1.0
            rows.append(row)
            limit.append(np.array([float(len(sites) - swaps)]))
        return Side(np.ascontiguousarray(np.vstack(rows)), np.concatenate(limit))


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked input of a siting model.

    Attributes
    ----------
    model : str
    cost : ndarray (n_demand, n_site), C order, float32 or float64, or scipy CSR matrix
        Seconds from site to demand; infinite (dense) or absent (sparse) where unreachable. Explicit
        zeros of a sparse matrix are costs of zero.
    weight : ndarray of float64, shape (n_demand,)
    p : int or None
        Sites to use in all, with the fixed ones; None where only a budget limits them.
    fixed, forbidden : ndarray of int64
        Sites that must, and that must not, be used; ascending.
    site_cost : ndarray of float64, shape (n_site,)
        Price of each site (ones where not given).
    side : Side
        The budget, if any, as a limit.
    seed : int
    time_limit_s, gap : float
    """

    model: str
    cost: Any
    weight: Floats
    p: int | None
    fixed: Ints
    forbidden: Ints
    site_cost: Floats
    side: Side
    seed: int
    time_limit_s: float
    gap: float

    @property
    def n_demand(self) -> int:
        """Number of demands."""
        return int(self.cost.shape[0])

    @property
    def n_site(self) -> int:
        """Number of candidate sites."""
        return int(self.cost.shape[1])

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Which sites may be used."""
        mask = np.ones(self.n_site, bool)
        mask[self.forbidden] = False
        return mask

    def limited(self, forbidden: Ints, apart: Sequence[Apart], time_limit_s: float, gap: float) -> Problem:
        """The same with further sites forbidden (fixed ones too) and distance from earlier answers."""
        closed = np.union1d(self.forbidden, forbidden).astype(np.int64)
        return replace(
            self,
            forbidden=closed,
            fixed=np.setdiff1d(self.fixed, closed),
            p=None if self.p is None else min(self.p, self.n_site - len(closed)),
            side=self.side.with_apart(apart),
            time_limit_s=time_limit_s,
            gap=gap,
        )

    @property
    def places(self) -> int:
        """How many sites can be used at most, the fixed ones among them."""
        usable = self.n_site - len(self.forbidden)
        return usable if self.p is None else self.p

    @classmethod
    def make(
        cls,
        model: str,
        cost: Any,
        *,
        p: int | None = None,
        needs_p: bool = True,
        weight: ArrayLike | None = None,
        fixed: ArrayLike = (),
        existing: ArrayLike = (),
        forbidden: ArrayLike = (),
        site_cost: ArrayLike | None = None,
        budget: float | None = None,
        seed: int = 0,
        time_limit_s: float = 60.0,
        gap: float = 0.0,
    ) -> Problem:
        """Check and normalise.

        Parameters
        ----------
        model : str
        cost : array or sparse matrix (n_demand, n_site)
        p : int, optional
            Sites to use, the fixed ones among them, the existing ones besides.
        needs_p : bool
            Whether the model asks for ``p`` (or else for a budget).
        weight : array (n_demand,), optional
            Ones where left out.
        fixed, existing, forbidden : sequences of int
            ``fixed`` must be used and counts in ``p``; ``existing`` is open already and does not, so that
            ``p`` is "the next p".
        site_cost : array (n_site,), optional
        budget : float, optional
            The used sites together cost at most this; existing sites are already paid.
        seed, time_limit_s, gap
            As everywhere.

        Raises
        ------
        AnlanError
            One sentence for whatever is wrong.
        """
        matrix = checked_cost(cost)
        n, m = matrix.shape
        weights = _checked_weight(weight, n)
        must, open_already = _indexes(fixed, m, "fixed"), _indexes(existing, m, "existing")
        closed = _indexes(forbidden, m, "forbidden")
        for name, chosen in (("fixed", must), ("existing", open_already)):
            clash = np.intersect1d(chosen, closed)
            if len(clash):
                raise AnlanError(
                    f"site {clash[0]}",
                    f"a site cannot be {name} and forbidden at once",
                    f"take it out of {name} or out of forbidden",
                )
        every_fixed = np.union1d(must, open_already).astype(np.int64)
        prices = np.ones(m) if site_cost is None else _checked_price(site_cost, m)
        total = None if p is None else _checked_p(p, m - len(closed), every_fixed, must, open_already)
        if needs_p and p is None and budget is None:
            raise AnlanError(
                "p = None", "a number of sites or a budget has to limit the answer", "give p or budget"
            )
        rows, limit = np.zeros((0, m)), np.zeros(0)
        if budget is not None:
            rows, limit = _budget(float(budget), prices, open_already, every_fixed)
        if not (time_limit_s > 0):
            raise AnlanError(f"time_limit_s = {time_limit_s}", "it must be positive", "give some seconds")
        if not (gap >= 0):
            raise AnlanError(f"gap = {gap}", "a relative gap is 0 or more", "give 0 for the proven optimum")
        return cls(
            model, matrix, weights, total, every_fixed, closed, prices, Side(rows, limit),
            int(seed), float(time_limit_s), float(gap),
        )  # fmt: skip


@dataclass
class Watch:
    """The clock, the history and the listener of one solve."""

    time_limit_s: float
    job: Job | None = None
    moments: list[Moment] = field(default_factory=list)
    begin: float = field(default_factory=time.perf_counter)
    silent: bool = False
    """Records and tells nothing: the clock of a part of a solve."""

    def part(self, share: float = 1.0) -> Watch:
        """A silent clock that runs for a share of the time that is left."""
        return Watch(share * self.left, self.job, silent=True)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.begin

    @property
    def left(self) -> float:
        """Seconds that remain, 0 at least."""
        return max(0.0, self.time_limit_s - self.seconds)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self.job is not None and self.job.cancelled

    @property
    def over(self) -> bool:
        """Whether to stop: out of time, or asked to."""
        return self.left <= 0.0 or self.cancelled

    def note(self, objective: float, bound: float) -> None:
        """Record a state if it is new, and tell the listener."""
        if self.silent:
            return
        last = self.moments[-1] if self.moments else None
        if last is None or last.objective != objective or last.bound != bound:
            self.moments.append(Moment(self.seconds, float(objective), float(bound)))
            if self.job is not None:
                wide = math.inf if not objective else abs(objective - bound) / abs(objective)
                self.job.update(note=f"gap {100 * wide:.2f} %" if math.isfinite(wide) else "")

    @property
    def message(self) -> str:
        """What to say about how it ended."""
        return "Stopped on request; this is the best answer so far." if self.cancelled else ""


def checked_cost(cost: Any) -> Any:
    """A C-ordered float32/float64 array or a canonical CSR matrix, without NaN and without negatives.

    Raises
    ------
    AnlanError
    """
    if sparse.issparse(cost):
        matrix = cost.tocsr()
        if not matrix.has_sorted_indices:
            matrix = matrix.sorted_indices()
        if not matrix.has_canonical_format:
            raise AnlanError("cost", "a cell is given twice in the sparse matrix", "give each cell once")
        if matrix.data.dtype not in (np.float32, np.float64):
            matrix = sparse.csr_matrix(
                (matrix.data.astype(np.float64), matrix.indices, matrix.indptr), matrix.shape
            )
        _scan(matrix.data.reshape(-1, 1), lambda at: _cell(matrix, at))
    else:
        matrix = np.asarray(cost)
        if matrix.ndim != 2:
            raise AnlanError(
                f"cost with {matrix.ndim} dimension(s)",
                "it must be a matrix (n_demand, n_site)",
                "give one row per demand and one column per site",
            )
        if matrix.dtype.kind not in "fiub":
            raise AnlanError(f"cost of type {matrix.dtype}", "it must be numbers", "convert it to float64")
        dtype = matrix.dtype if matrix.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        matrix = np.ascontiguousarray(matrix, dtype=dtype)
        if matrix.size:
            _scan(matrix, lambda at: (int(at) // matrix.shape[1], int(at) % matrix.shape[1]))
    if 0 in matrix.shape:
        raise AnlanError(
            f"cost of shape {matrix.shape}",
            "there must be at least one demand and one site",
            "check that demand and candidate sites were loaded",
        )
    return matrix


def _cell(matrix: Any, at: int) -> tuple[int, int]:
    return int(np.searchsorted(matrix.indptr, at, side="right") - 1), int(matrix.indices[at])


def _scan(values: NDArray[Any], where: Any) -> None:
    rows = max(1, BLOCK // max(1, values.shape[1]))
    for first in range(0, len(values), rows):
        block = values[first : first + rows]
        least = block.min()
        if np.isnan(least) or least < 0:
            bad = np.flatnonzero(np.isnan(block) | (block < 0))[0] + first * values.shape[1]
            i, j = where(bad)
            found = "NaN" if np.isnan(values.flat[bad]) else f"{values.flat[bad]:g}"
            raise AnlanError(
                f"cost[{i}, {j}] = {found}",
                "a travel time is a number of seconds, 0 or more",
                "use infinity (dense) or leave the cell out (sparse) where a site cannot reach a demand",
                code="cost_not_a_number" if found == "NaN" else "cost_negative",
            )


def _checked_weight(weight: ArrayLike | None, n: int) -> Floats:
    if weight is None:
        return np.ones(n)
    values = np.ascontiguousarray(weight, dtype=np.float64)
    if values.shape != (n,):
        raise AnlanError(
            f"weight of shape {values.shape}",
            f"there is one weight for each of the {n} demands",
            "give an array of that length",
        )
    bad = np.flatnonzero(~(values >= 0) | ~np.isfinite(values))
    if len(bad):
        raise AnlanError(
            f"weight[{bad[0]}] = {values[bad[0]]:g}",
            "a weight is a finite number, 0 or more",
            "correct it, or leave that demand out",
            code="weight_negative" if values[bad[0]] < 0 else "weight_not_a_number",
        )
    return values


def _checked_price(price: ArrayLike, m: int) -> Floats:
    values = np.ascontiguousarray(price, dtype=np.float64)
    if values.shape != (m,) or not np.all(values >= 0) or not np.all(np.isfinite(values)):
        raise AnlanError(
            f"site_cost of shape {values.shape}",
            f"there is one finite price, 0 or more, for each of the {m} sites",
            "correct it",
        )
    return values


def _indexes(sites: ArrayLike, m: int, name: str) -> Ints:
    given = np.asarray(sites)
    if given.dtype == bool:
        if given.shape != (m,):
            raise AnlanError(
                f"{name} of shape {given.shape}",
                f"a mask has one value for each of the {m} sites",
                "correct it",
            )
        given = np.flatnonzero(given)
    values = np.unique(given.astype(np.int64).ravel()) if given.size else np.empty(0, np.int64)
    bad = values[(values < 0) | (values >= m)]
    if len(bad):
        raise AnlanError(
            f"{name} site {bad[0]}", f"sites are numbered from 0 to {m - 1}", "correct the number"
        )
    return values


def _checked_p(p: int, usable: int, every_fixed: Ints, must: Ints, existing: Ints) -> int:
    if int(p) != p or p < 0 or (p == 0 and not len(existing)):
        raise AnlanError(f"p = {p}", "it is a whole number of sites, 1 or more", "choose how many to use")
    if len(must) > p:
        raise AnlanError(
            f"p = {p}",
            f"{len(must)} sites are fixed and all of them count in p",
            "raise p or fix fewer sites (sites that are open already and do not count go into existing)",
            code="fixed_exceeds_p",
        )
    total = int(p) + len(np.setdiff1d(existing, must))
    if total > usable:
        raise AnlanError(
            f"p = {p}",
            f"only {usable} candidate sites can be used"
            + (f" and {len(existing)} of them are open already" if len(existing) else ""),
            "ask for fewer, or add candidates",
            code="p_exceeds_sites",
        )
    return total


def _budget(budget: float, prices: Floats, existing: Ints, fixed: Ints) -> tuple[Floats, Floats]:
    row = prices.copy()
    row[existing] = 0.0
    if not (budget >= 0 and math.isfinite(budget)):
        raise AnlanError(f"budget = {budget}", "it is a finite amount, 0 or more", "correct it")
    due = float(row[fixed].sum())
    if due > budget * (1 + 1e-12):
        raise AnlanError(
            f"budget = {budget:g}",
            f"the fixed sites alone cost {due:g}",
            "raise the budget or fix fewer sites",
            code="budget_too_small",
        )
    return row[None, :], np.array([budget])
