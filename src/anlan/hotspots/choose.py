"""Choosing places within a budget, and how the choice holds when reporting differs between places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.core.seed import stream


def choose(score: Floats, measure: Floats, budget: float) -> NDArray[np.int64]:
    """Places of the highest score per unit of measure that fit a budget, the best first.

    Greedy: a place that no longer fits is passed over for smaller ones. Places of score 0 are never
    taken; equal ones are taken in order.

    Parameters
    ----------
    score, measure : ndarray of float64, shape (n_place,)
    budget : float
        In the unit of ``measure``.
    """
    live = np.flatnonzero(score > 0)
    order = live[np.argsort(-score[live] / measure[live], kind="stable")]
    filled = np.cumsum(measure[order])
    slack = budget * 1e-9
    whole = int(np.searchsorted(filled, budget + slack, side="right"))
    taken = order[:whole]
    left = budget - (filled[whole - 1] if whole else 0.0) + slack
    rest = order[whole:]
    rest = rest[measure[rest] <= left]
    extra = []
    for place in rest.tolist():
        if measure[place] <= left:
            extra.append(place)
            left -= measure[place]
    return np.concatenate([taken, np.array(extra, np.int64)])


@dataclass(frozen=True, eq=False)
class ReportingBand:
    """What unequal reporting could change.

    Attributes
    ----------
    factor : float
        Reporting differs by up to this factor between any two places.
    kept : ndarray of float64, shape (n_place,)
        Share of the drawn worlds in which the place is among the targets.
    share : (float, float)
        Middle 95 % of the share of true calls that the targets, chosen from the reported ones, hold.
    """

    factor: float
    kept: Floats
    share: tuple[float, float]


def reporting_band(
    score: Floats,
    measure: Floats,
    budget: float,
    *,
    factor: float = 1.5,
    group: NDArray[np.integer] | None = None,
    draws: int = 200,
    seed: int = 0,
) -> ReportingBand:
    """How the choice of targets holds if some places report more of what happens than others.

    Nobody knows the share of what happens that is reported at each place. Worlds are drawn in which the
    true score is the reported one divided by a reporting rate, log-uniform between factor^-½ and
    factor^½ (so that any two places differ by at most ``factor``), and targets are chosen anew. (The
    sensitivity analysis asked for by Akpinar, N.-J., De-Arteaga, M. and Chouldechova, A. (2021), "The
    effect of differential victim crime reporting on predictive policing systems", *FAccT*.)

    Parameters
    ----------
    score, measure : ndarray of float64, shape (n_place,)
    budget : float
    factor : float
        At least 1.
    group : ndarray of int, shape (n_place,), optional
        Places of one group (a precinct, say) share a rate; by default each has its own.
    draws, seed : int
    """
    if not factor >= 1.0:
        raise AnlanError(
            f"reporting factor {factor}", "it is 1 (equal) or more", "give one such as 1.5", code="reporting"
        )
    rng = stream(seed, "differential reporting")
    which = np.arange(len(score)) if group is None else np.asarray(group)
    chosen = choose(score, measure, budget)
    kept, shares = np.zeros(len(score)), np.empty(draws)
    for draw in range(draws):
        rate = factor ** (rng.random(int(which.max(initial=0)) + 1) - 0.5)
        true = score / rate[which]
        kept[choose(true, measure, budget)] += 1.0 / draws
        shares[draw] = true[chosen].sum() / max(true.sum(), 1e-300)
    low, high = np.quantile(shares, [0.025, 0.975])
    return ReportingBand(factor, kept, (float(low), float(high)))
