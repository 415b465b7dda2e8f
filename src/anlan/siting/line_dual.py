"""Whether so many places along lines can serve the towns within a longest gap: quick, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sparse

from anlan.kernels.siting.lines import line_dual
from anlan.siting.answer import Floats, Ints
from anlan.siting.candidates import Candidates
from anlan.siting.fewest import Bools, Chosen, Rows
from anlan.siting.problem import Watch

CHUNK = 20
"""Steps between two looks at the clock."""

STEPS = 400
"""Steps after which a question stays open."""


@dataclass(frozen=True, eq=False)
class LineDual:
    """Candidates that may be used, with towns and prices, ready to be asked.

    Attributes
    ----------
    candidates : Candidates
    numbers : ndarray of int64, shape (n,)
        Candidates that may be used; columns of all that follows.
    price : ndarray, shape (n,)
        0 for those that must be used.
    must : ndarray of bool, shape (n,)
    towns : Rows
        Columns for each town that no place that must be used serves.
    base : float
        Price of the places that must be used.
    ends : float
    dual : ndarray, shape (n_town,)
        Multipliers of the last question; the next one begins with them.
    """

    candidates: Candidates
    numbers: Ints
    price: Floats
    must: Bools
    towns: Rows
    base: float
    ends: float
    dual: Floats = field(repr=False)

    @classmethod
    def make(
        cls, candidates: Candidates, usable: Bools, towns: Rows, price: Floats, must: Bools, ends: float
    ) -> LineDual:
        """From rows over all candidates."""
        usable = usable | must
        numbers = np.flatnonzero(usable)
        place = np.cumsum(usable) - 1
        left = towns.take(np.flatnonzero(~towns.any_in(must))).within(usable)
        rows = Rows(left.start, place[left.column].astype(np.int64))
        there = must[numbers]
        return cls(
            candidates, numbers, np.where(there, 0.0, price[numbers]), there, rows,
            float(price[must].sum()), ends, np.zeros(len(left.size)),
        )  # fmt: skip

    def ask(self, longest: float, limit: float, watch: Watch, steps: int = STEPS) -> Chosen:
        """Places within a longest gap that cost at most ``limit``, or a bound beyond it, or neither.

        Without a finite limit: the cheapest found, and the bound.
        """
        n = len(self.numbers)
        if np.any(self.towns.size == 0):
            return Chosen(None, np.inf, np.inf)
        c = self.candidates
        first = np.searchsorted(c.line[self.numbers], np.arange(len(c.length_m) + 1)).astype(np.int64)
        at = np.ascontiguousarray(c.at_m[self.numbers])
        links = sparse.csr_matrix(
            (np.ones(len(self.towns.column), np.int8), self.towns.column, self.towns.start),
            (len(self.towns.size), n),
        ).tocsc()
        cs, cr = links.indptr.astype(np.int64), links.indices.astype(np.int64)
        whole = bool(np.all(self.price == np.floor(self.price)))
        best, control = np.zeros(n, bool), np.array([1.0, -np.inf, np.inf])
        slack = longest * (1 + 1e-12) + 1e-9
        asked = limit - self.base if np.isfinite(limit) else np.nan
        done = 0
        while done < steps and not (done and watch.over):
            bound, value = line_dual(
                first, at, c.length_m, c.closed, self.price, slack, self.ends, self.towns.start,
                self.towns.column, cs, cr, self.must, asked, whole, CHUNK, self.dual, control, best,
            )  # fmt: skip
            done += CHUNK
            bound = float(np.ceil(bound - 1e-6)) if whole and np.isfinite(bound) else bound
            if value <= asked + 1e-9 or bound > asked + 1e-9:
                break
            if bound >= value - 1e-9 or np.isinf(bound) or control[0] < 1e-3:
                break
        if not np.isfinite(control[2]):
            return Chosen(None, np.inf, bound + self.base)
        chosen = np.zeros(len(c), bool)
        chosen[self.numbers[best]] = True
        return Chosen(chosen, control[2] + self.base, min(bound, control[2]) + self.base)
