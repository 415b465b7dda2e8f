"""Getis-Ord Gi*: where high values stand together, and where low ones do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.hotspots.fdr import adjusted
from anlan.hotspots.neighbours import Box, Disk, Neighbourhood, Rook, Weights, neighbour_counts, sums


@dataclass(frozen=True, eq=False)
class GiStar:
    """Gi* of every place, in the shape of the values that were given.

    Attributes
    ----------
    z : ndarray of float64
        Standard normal under no clustering; positive where high values stand together. NaN where there
        is no data.
    p : ndarray of float64
        Two-sided, from the normal distribution.
    """

    z: NDArray[np.float64]
    p: NDArray[np.float64]

    @cached_property
    def q(self) -> NDArray[np.float64]:
        """Benjamini–Hochberg adjusted ``p`` over all places."""
        return adjusted(self.p.ravel()).reshape(self.p.shape)

    def hot(self, level: float = 0.05) -> Bools:
        """Where high values cluster at a false-discovery rate."""
        return (self.q <= level) & (self.z > 0)

    def cold(self, level: float = 0.05) -> Bools:
        """Where low values cluster at a false-discovery rate."""
        return (self.q <= level) & (self.z < 0)


def gi_star(
    values: NDArray[np.floating] | NDArray[np.integer],
    near: Neighbourhood | Weights,
    *,
    inside: Bools | None = None,
) -> GiStar:
    """Getis-Ord Gi* on a grid, without a weights object, or on areas and street segments with one.

    With W_i = Σ_j w_ij, S_i = Σ_j w_ij² (the place itself included), mean m and deviation s of all n
    values (division by n):

        z_i = (Σ_j w_ij x_j - W_i m) / (s √((n S_i - W_i²) / (n - 1)))

    (Ord, J. K. and Getis, A. (1995), "Local spatial autocorrelation statistics", *Geographical Analysis*
    27, 286-306, equation 14.) Equal to esda's ``G_Local(star=True)`` with binary weights to 1e-9. The
    normal p-value is approximate where a neighbourhood expects fewer than about five calls.

    Parameters
    ----------
    values : ndarray
        Shape (n_row, n_column) for a grid (NaN: no data), or (n,) with sparse weights.
    near : Disk, Box, Rook or sparse array
        The neighbourhood on the grid; or weights (n, n), whose diagonal is taken as 1 where it is empty.
    inside : ndarray of bool, optional
        The study area; values elsewhere do not count.

    Returns
    -------
    GiStar

    Raises
    ------
    AnlanError
        If fewer than three values remain or all are equal.
    """
    x = np.asarray(values, float)
    live = np.isfinite(x) if inside is None else np.isfinite(x) & inside
    n = int(live.sum())
    kept = x[live]
    deviation = float(kept.std()) if n else 0.0
    if n < 3 or not deviation > 1e-12 * max(1.0, float(np.abs(kept).max(initial=0.0))):
        raise AnlanError(
            f"{n} values" + ("" if n < 3 else f", all {kept[0]:g}"),
            "clusters of high and low values need at least three values that differ",
            "take smaller places, a longer window or another category",
            code="no_variation",
        )
    mean = float(kept.mean())
    filled = np.where(live, x, 0.0)
    if isinstance(near, (Disk, Box, Rook)):
        if x.ndim != 2:
            raise ValueError("a neighbourhood of cells needs values of shape (n_row, n_column)")
        total = sums(filled, near)
        w = (
            neighbour_counts((x.shape[0], x.shape[1]), near)
            if n == x.size
            else sums(live.astype(float), near)
        )
        s = w
    else:
        total, w, s = _weighted(filled, near, live)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (total - mean * w) / (deviation * np.sqrt(np.maximum(n * s - w**2, 0.0) / (n - 1)))
    # A neighbourhood that is the whole study area says nothing about any part of it.
    z = np.where(live, np.where(n * s - w**2 > 1e-9 * n * s, z, 0.0), np.nan)
    p = np.where(live, 2.0 * ndtr(-np.abs(z)), np.nan)
    return GiStar(z, p)


def _weighted(filled: Floats, weights: Weights, live: Bools) -> tuple[Floats, Floats, Floats]:
    if filled.ndim != 1 or weights.shape != (len(filled), len(filled)):
        raise ValueError(f"weights of shape {weights.shape} do not match {filled.shape} values")
    w = sparse.csr_array(weights)
    diagonal = w.diagonal()
    w = w + sparse.diags_array(np.where(diagonal == 0, 1.0, 0.0)).tocsr()
    present = live.astype(float)
    return w @ filled, w @ present, w.multiply(w).tocsr() @ present
