"""How much more counts scatter than Poisson ones do, week by week and in sums of several weeks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats
from anlan.hotspots.glm import Fits, Matrix

_PRIOR = 15.0
"""Weight of a group's dispersion beside a series' own: thirty weeks of well-filled counts."""


def pooled_dispersion(
    dispersion: Floats, mean: Floats, freedom: Floats, group: NDArray[np.integer] | None = None
) -> Floats:
    """Dispersions of many series, each drawn towards its group's, at least 1, shape (S,).

    Pearson's dispersion of n Poisson counts with mean m has variance (2 + 1/m) / n: a series of few calls
    says little about its own. It is averaged with its group's mean, which counts as thirty weeks of
    well-filled counts.

    Parameters
    ----------
    dispersion, mean, freedom : ndarray of float64, shape (S,)
        Of each series: Pearson's dispersion, mean count, and how many counts it comes from.
    group : ndarray of int, shape (S,), optional
    """
    which = np.zeros(len(dispersion), np.int64) if group is None else np.asarray(group, np.int64)
    known = np.where(mean > 0, freedom / (2.0 + 1.0 / np.maximum(mean, 1e-9)), 0.0)
    size = int(which.max(initial=0)) + 1
    weight = np.bincount(which, known, minlength=size)
    total = np.bincount(which, known * dispersion, minlength=size)
    shared = np.divide(total, weight, out=np.ones(size), where=weight > 0)
    return np.maximum((known * dispersion + _PRIOR * shared[which]) / (known + _PRIOR), 1.0)


def block_dispersion(
    y: Matrix, fits: Fits, design: Matrix, block: NDArray[np.int64], most: float
) -> tuple[Floats, Floats]:
    """Dispersion of sums of neighbouring weeks around a fit, and its degrees of freedom, shape (S,) each.

    Weeks that hang together make the variance of a sum of weeks more than the sum of their variances;
    past sums show it. With residuals r, means μ and blocks B of as many weeks as are tested together,

        φ = Σ_B (Σ_{t ∈ B} r_t)² / M_B  /  Σ_B (1 - g_B' V g_B / M_B),

    where M_B = Σ μ_t, g_B = Σ μ_t x_t and V is the inverse information of the fit: what the fitted
    effects have taken out of the sums is given back. Residuals above ``most`` standard deviations count as
    that, as past outbreaks must not hide a present one.

    Parameters
    ----------
    y : ndarray of float64, shape (S, T)
    fits : Fits
    design : ndarray of float64, shape (T, p)
    block : ndarray of int64, shape (T,)
        Number of the block each week belongs to.
    most : float
    """
    _, which = np.unique(block, return_inverse=True)
    n_block = int(which.max(initial=0)) + 1
    member = np.zeros((len(which), n_block))
    member[np.arange(len(which)), which] = 1.0
    scale = np.sqrt(np.maximum(fits.dispersion, 1.0)[:, None] * fits.mean)
    residual = np.minimum(y - fits.mean, most * scale)
    size = np.maximum(fits.mean @ member, 1e-12)
    squares = ((residual @ member) ** 2 / size).sum(axis=1)
    gone = np.zeros(len(y))
    for b in range(n_block):
        rows = which == b
        slope = fits.mean[:, rows] @ design[rows]
        gone += np.einsum("si,sij,sj->s", slope, fits.spread, slope) / size[:, b]
    freedom = np.maximum(n_block - gone, 0.0)
    # With hardly a degree of freedom left nothing can be said.
    known = freedom > 3.0
    return np.where(known, squares / np.maximum(freedom, 1.0), 1.0), np.where(known, freedom, 0.0)
