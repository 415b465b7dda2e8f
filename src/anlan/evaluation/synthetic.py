"""Synthetic control: a weighted mix of untouched areas that moved like the treated one before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from anlan.core.errors import AnlanError
from anlan.evaluation.counts import counts

LARGEST_SHARE = 0.2
"""One place may not carry more than this share of the weight without a warning."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """A treated series beside its synthetic twin.

    Attributes
    ----------
    weights : ndarray of float64, shape (n_donor,)
        Non-negative, summing to 1.
    expected : ndarray of float64, shape (n_period,)
        The twin's series.
    effect : float
        Seen minus expected, summed over the periods after the change.
    p_value : float
        Placebo test: rank of the ratio of fit errors (after over before) among the donors, each treated
        as if it were the treated one (Abadie, Diamond & Hainmueller 2010).
    fit_error : float
        Root mean squared error before, relative to the treated mean before.
    largest_share : float
        Largest weight; above `LARGEST_SHARE` the twin is mostly one place.
    warning : bool
        Whether it is.
    """

    weights: NDArray[np.float64]
    expected: NDArray[np.float64]
    effect: float
    p_value: float
    fit_error: float
    largest_share: float
    warning: bool


def synthetic(treated: ArrayLike, donors: ArrayLike, change: int) -> Synthetic:
    """Synthetic control of one treated series (Abadie & Gardeazabal 2003; Abadie et al. 2010).

    Weights fit the series before the change only; the outcome after it plays no part in them.

    Parameters
    ----------
    treated : array_like, shape (n_period,)
    donors : array_like, shape (n_donor, n_period)
        Untouched areas, scaled like the treated one (rates, or counts of like areas).
    change : int
        First period after the change.

    Raises
    ------
    AnlanError
        If there are fewer than three donors, or fewer than eight periods before or one after.
    """
    y, pool = counts(treated, "treated"), counts(donors, "donors", 2)
    if len(pool) < 3:
        raise AnlanError(
            f"{len(pool)} donors", "a synthetic control mixes at least three", "add untouched areas"
        )
    if change < 8 or change >= len(y) or pool.shape[1] != len(y):
        raise AnlanError(
            f"{change} periods before of {len(y)}",
            "at least eight before, one after and equally long donors are needed",
            "use a longer history",
        )
    weights = _weights(y[:change], pool[:, :change])
    expected = weights @ pool
    ratio = _ratio(y, expected, change)
    # Placebos: each donor in turn, its twin made of the other donors.
    ratios = []
    for k in range(len(pool)):
        others = np.delete(pool, k, axis=0)
        mix = _weights(pool[k, :change], others[:, :change]) @ others
        ratios.append(_ratio(pool[k], mix, change))
    p = (1 + sum(r >= ratio - 1e-12 for r in ratios)) / (1 + len(ratios))
    mean = float(y[:change].mean())
    error = float(np.sqrt(((y - expected)[:change] ** 2).mean()))
    largest = float(weights.max())
    return Synthetic(
        weights,
        expected,
        float((y - expected)[change:].sum()),
        p,
        error / mean if mean > 0 else float("inf"),
        largest,
        largest > LARGEST_SHARE,
    )


def _weights(y: NDArray[np.float64], pool: NDArray[np.float64]) -> NDArray[np.float64]:
    # Least squares on the simplex: the sum-to-one row is weighted a thousand times the data's size.
    heavy = 1e3 * max(float(np.abs(pool).max()), 1.0) * np.sqrt(len(y))
    a = np.vstack([pool.T, np.full(len(pool), heavy)])
    solution, _ = nnls(a, np.append(y, heavy))
    total = solution.sum()
    return solution / total if total > 0 else np.full(len(pool), 1.0 / len(pool))


def _ratio(y: NDArray[np.float64], expected: NDArray[np.float64], change: int) -> float:
    gap = (y - expected) ** 2
    return float(np.sqrt(gap[change:].mean() / max(gap[:change].mean(), 1e-12)))
