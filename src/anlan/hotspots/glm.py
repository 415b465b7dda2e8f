"""Log-linear models of counts for many series at once, on one design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fits:
    """Fitted models of S series.

    Attributes
    ----------
    beta : ndarray of float64, shape (S, p)
    mean : ndarray of float64, shape (S, T)
    spread : ndarray of float64, shape (S, p, p)
        Inverse of the (penalised) information; times the dispersion it is the coefficients' covariance.
    dispersion : ndarray of float64, shape (S,)
        Pearson's, weighted; may be below 1.
    leverage : ndarray of float64, shape (S, T)
    """

    beta: Matrix
    mean: Matrix
    spread: NDArray[np.float64]
    dispersion: Floats
    leverage: Matrix

    def take(self, rows: NDArray[Any]) -> Fits:
        """The fits of some series."""
        return Fits(
            self.beta[rows], self.mean[rows], self.spread[rows], self.dispersion[rows], self.leverage[rows]
        )


def fit(
    y: Matrix,
    design: Matrix,
    exposure: Floats,
    precision: Floats,
    weight: Matrix | None = None,
    *,
    start: Matrix | None = None,
    iterations: int = 25,
) -> Fits:
    """Quasi-Poisson regression with log link of every series on one design.

    log E[y_st] = log exposure_t + design_t · beta_s, maximised with the penalty ½ Σ precision_j beta_j²,
    by iteratively reweighted least squares; one matrix product per iteration builds all the normal
    equations. (McCullagh, P. and Nelder, J. A. (1989), *Generalized Linear Models*, ch. 9.)

    Parameters
    ----------
    y : ndarray of float64, shape (S, T)
    design : ndarray of float64, shape (T, p)
    exposure : ndarray of float64, shape (T,)
        Positive.
    precision : ndarray of float64, shape (p,)
        0 leaves a coefficient free; 1 / sd² is a normal prior around 0. Something must hold every
        direction in which a series has no data.
    weight : ndarray of float64, shape (S, T), optional
    start : ndarray of float64, shape (S, T), optional
        Means to start from; the counts by default.
    iterations : int
        At most; iteration ends when no linear predictor moves by more than 1e-6.
    """
    n_series, n_time = y.shape
    p = design.shape[1]
    w = np.ones_like(y) if weight is None else weight
    upper = np.triu_indices(p)
    products = design[:, upper[0]] * design[:, upper[1]]
    twice = products * np.where(upper[0] == upper[1], 1.0, 2.0)
    penalty = np.diag(precision)
    offset = np.log(exposure)
    beta: Any = np.zeros((n_series, p))
    mean = y + 0.1 if start is None else start
    eta = np.log(mean)
    for _ in range(iterations):
        working = w * mean
        information = _symmetric(_product(working, products), upper, p) + penalty
        target = _product(working * (eta - offset) + w * (y - mean), design)
        beta = np.linalg.solve(information, target[:, :, None])[:, :, 0]
        moved = np.clip(_product(beta, design.T) + offset, -30.0, 30.0)
        # A first step from the data can overshoot where a series is nearly empty: shorten it.
        moved = np.clip(moved, eta - 4.0, eta + 4.0)
        step = float(np.abs(moved - eta).max(initial=0.0))
        eta = moved
        mean = np.exp(eta)
        if step < 1e-6:
            break
    working = w * mean
    spread = np.linalg.inv(_symmetric(_product(working, products), upper, p) + penalty).astype(np.float64)
    leverage = np.minimum(working * _product(spread[:, upper[0], upper[1]], twice.T), 1.0 - 1e-9)
    dispersion = (w * (y - mean) ** 2 / mean).sum(axis=1) / max(n_time - p, 1)
    return Fits(beta, mean, spread, dispersion.astype(np.float64), leverage)


def _product(a: Matrix, b: Matrix) -> Matrix:
    """``a @ b`` in blocks so small that BLAS does not wake its threads, which cost more than they bring."""
    block = 16
    whole = len(a) // block * block
    out = np.empty((len(a), b.shape[1]))
    np.matmul(a[:whole].reshape(-1, block, a.shape[1]), b, out=out[:whole].reshape(-1, block, b.shape[1]))
    out[whole:] = a[whole:] @ b
    return out


def _symmetric(
    packed: Matrix, upper: tuple[NDArray[np.intp], NDArray[np.intp]], p: int
) -> NDArray[np.float64]:
    out = np.empty((len(packed), p, p))
    out[:, upper[0], upper[1]] = packed
    out[:, upper[1], upper[0]] = packed
    return out
