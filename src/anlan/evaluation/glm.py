"""Log-linear regression of counts, with errors that allow for dispersion and for memory between weeks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A quasi-Poisson fit.

    Attributes
    ----------
    beta : ndarray, shape (k,)
        Coefficients on the log scale.
    covariance : ndarray, shape (k, k)
    mean : ndarray, shape (n,)
        Fitted counts.
    dispersion : float
        Pearson's chi-square over degrees of freedom.
    """

    beta: Floats
    covariance: Floats
    mean: Floats
    dispersion: float


def quasi_poisson(x: Floats, y: Floats, offset: Floats | None = None, *, lags: int | None = None) -> Fit:
    """Fit ``E y = exp(x β + offset)`` by iteratively reweighted least squares (McCullagh & Nelder 1989).

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Design, with its constant.
    y : ndarray, shape (n,)
        Counts.
    offset : ndarray, shape (n,), optional
        Logarithm of the exposure.
    lags : int, optional
        Order of the Newey–West (1987) covariance; 0 allows for unequal variance only. By default
        ``floor(4 (n / 100)^(2/9))``. No variance falls below the plain quasi-Poisson one.

    Raises
    ------
    AnlanError
        If there are not more observations than coefficients, the design is singular or all counts are 0.
    """
    n, k = x.shape
    if n <= k:
        raise AnlanError(f"{n} periods", f"this model has {k} coefficients", "use a longer series")
    if y.sum() <= 0:
        raise AnlanError("a series of zeros", "there is nothing to model", "use a wider area or category")
    shift = np.zeros(n) if offset is None else offset
    eta = np.log(np.maximum(y, 0.5)) - shift
    beta = np.zeros(k)
    for _ in range(100):
        mean = np.exp(np.clip(eta + shift, -30, 30))
        working = eta + (y - mean) / mean
        weighted = x * mean[:, None]
        gram = x.T @ weighted
        try:
            new = np.linalg.solve(gram, weighted.T @ working)
        except np.linalg.LinAlgError:
            raise AnlanError(
                "the periods of this series",
                "they cannot tell the model's parts apart",
                "use a longer series or fewer seasonal terms",
            ) from None
        step = np.abs(new - beta).max()
        beta, eta = np.asarray(new, np.float64), np.asarray(x @ new, np.float64)
        if step < 1e-10:
            break
    mean = np.exp(np.clip(eta + shift, -30, 30))
    dispersion = float(((y - mean) ** 2 / mean).sum() / (n - k))
    bread = np.linalg.inv(x.T @ (x * mean[:, None]))
    score = x * (y - mean)[:, None]
    order = int(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    meat = score.T @ score
    for lag in range(1, order + 1):
        cross = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (order + 1)) * (cross + cross.T)
    covariance = bread @ meat @ bread * n / (n - k)
    # In short series the Newey–West errors are too small as often as not: the plain quasi-Poisson ones
    # are their floor.
    floor = np.diag(bread) * max(dispersion, 1.0)
    widen = np.sqrt(np.maximum(1.0, floor / np.maximum(np.diag(covariance), 1e-300)))
    covariance = covariance * np.outer(widen, widen)
    return Fit(beta, covariance, mean, dispersion)


def harmonics(phase: Floats, order: int) -> Floats:
    """Sine and cosine pairs of a cycle, shape (n, 2 order); ``phase`` runs from 0 to 1 over one cycle."""
    angle = 2 * np.pi * phase[:, None] * np.arange(1, order + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
