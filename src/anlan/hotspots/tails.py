"""Tails of the negative binomial by mean and variance, fine enough for a hundred thousand tests."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammainc, gammaln
from scipy.stats import nbinom, poisson

from anlan.core.columns import Bools, Floats


def upper_tail(y: Floats, mean: Floats, variance: Floats, *, mid: bool = False) -> Floats:
    """P(Y ≥ y) of a negative binomial with this mean and variance, shape as given.

    Poisson where the variance does not exceed the mean. Exact to double precision down to 1e-300, so that
    it survives any correction for many tests. ``mid`` counts P(Y = y) by half (Lancaster 1961), which is
    less conservative for small counts but no longer bounds the rate of false alarms.
    """
    mean = np.maximum(np.asarray(mean, float), 1e-300)
    extra = np.asarray(variance, float) - mean
    poissonian = extra <= 1e-9 * mean
    size = mean**2 / np.where(poissonian, 1.0, extra)
    y = np.asarray(y, float)
    some = y > 0
    yy = np.where(some, y, 1.0)
    nb = betainc(yy, np.where(poissonian, 1.0, size), mean / (mean + np.where(poissonian, 1.0, size)))
    p = np.where(some, np.where(poissonian, gammainc(yy, mean), nb), 1.0)
    if mid:
        p = p - 0.5 * np.exp(_log_mass(y, mean, size, poissonian))
    return np.clip(p, 0.0, 1.0)


def _log_mass(y: Floats, mean: Floats, size: Floats, poissonian: Bools) -> Floats:
    r = np.where(poissonian, 1.0, size)
    nb = (
        gammaln(y + r)
        - gammaln(r)
        - gammaln(y + 1)
        + r * np.log(r / (r + mean))
        + y * np.log(mean / (r + mean))
    )
    return np.where(poissonian, y * np.log(mean) - mean - gammaln(y + 1), nb)


def prediction_interval(mean: Floats, variance: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Counts between which a new one falls with at least this probability: two arrays."""
    mean = np.maximum(np.asarray(mean, float), 1e-300)
    extra = np.asarray(variance, float) - mean
    poissonian = extra <= 1e-9 * mean
    size = mean**2 / np.where(poissonian, 1.0, extra)
    out = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        nb = nbinom.ppf(q, size, size / (size + mean))
        out.append(np.where(poissonian, poisson.ppf(q, mean), nb).astype(np.float64))
    return out[0], out[1]
