"""Local Moran's I: high among high, low among low, and the outliers between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtr
from scipy.stats import gamma

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.hotspots.fdr import adjusted
from anlan.hotspots.neighbours import Box, Disk, Neighbourhood, Rook, Weights, grid_weights
from anlan.kernels import local_moran as kernel

QUADRANTS = ("", "high-high", "low-high", "low-low", "high-low")
_TRUSTED = 10
"""Permutations at least as extreme that are needed before their share is trusted as a p-value."""


@dataclass(frozen=True, eq=False)
class LocalMoran:
    """Local Moran's I of every place, in the shape of the values that were given; NaN without data.

    Attributes
    ----------
    i : ndarray of float64
        z_i times the mean of its neighbours' z, as (n - 1) z_i lag_i / Σ z².
    quadrant : ndarray of int8
        Index into `QUADRANTS`: 1 high among high, 2 low among high, 3 low among low, 4 high among low; 0
        without data or neighbours.
    p_permutation : ndarray of float64
        One-sided pseudo p-value of the neighbours' sum in its direction, (count + 1) / (permutations + 1);
        ties count against it. (esda counts ties as larger only, so that on sparse counts every place
        among zeros is called extreme.)
    p_analytic : ndarray of float64
        The same tail of a Pearson type III distribution with the exact conditional mean, variance and
        third moment of a sum of neighbours drawn without replacement.
    p : ndarray of float64
        Two-sided: twice the permutation tail, or twice the analytic one where fewer than ten
        permutations were as extreme and their share is too coarse to survive correction.
    q : ndarray of float64
        Benjamini–Hochberg adjusted ``p``.
    """

    i: NDArray[np.float64]
    quadrant: NDArray[np.int8]
    p_permutation: NDArray[np.float64]
    p_analytic: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]

    def clusters(self, level: float = 0.05) -> NDArray[np.int8]:
        """The quadrant where it stands at a false-discovery rate, else 0."""
        return np.where(self.q <= level, self.quadrant, 0).astype(np.int8)


def local_moran(
    values: NDArray[np.floating] | NDArray[np.integer],
    near: Neighbourhood | Weights,
    *,
    inside: Bools | None = None,
    permutations: int = 9_999,
    seed: int = 0,
) -> LocalMoran:
    """Local Moran's I with conditional permutations.

    (Anselin, L. (1995), "Local indicators of spatial association", *Geographical Analysis* 27, 93-115.)
    Under the null a place keeps its value and its k neighbours are any k of the others. Where neighbours
    weigh alike, all places with the same k share one set of draws, sorted once, so that the work grows
    with permutations + places, not with their product; ten thousand permutations are the default because
    the customary 999 cannot give a p-value that survives a thousand places. Unequal weights are permuted
    place by place, as esda does.

    Parameters
    ----------
    values : ndarray
        Shape (n_row, n_column) for a grid (NaN: no data), or (n,) with sparse weights.
    near : Disk, Box, Rook or sparse array
        The place itself is never its own neighbour here. Weights are row-standardised.
    inside : ndarray of bool, optional
        The study area.
    permutations : int
    seed : int

    Returns
    -------
    LocalMoran

    Raises
    ------
    AnlanError
        If fewer than four values remain or all are equal.
    """
    x = np.asarray(values, float)
    live = np.isfinite(x) if inside is None else np.isfinite(x) & inside
    if isinstance(near, (Disk, Box, Rook)):
        if x.ndim != 2:
            raise ValueError("a neighbourhood of cells needs values of shape (n_row, n_column)")
        weights = grid_weights(near, (x.shape[0], x.shape[1]), live)
    else:
        weights = sparse.csr_array(near)
        if x.ndim != 1 or weights.shape != (len(x), len(x)):
            raise ValueError(f"weights of shape {weights.shape} do not match {x.shape} values")
    rows = np.flatnonzero(live.ravel())
    kept = x.ravel()[rows]
    if len(rows) < 4 or not np.ptp(kept) > 0:
        raise AnlanError(
            f"{len(rows)} values" + ("" if len(rows) < 4 else f", all {kept[0]:g}"),
            "local Moran needs at least four values that differ",
            "take smaller places, a longer window or another category",
            code="no_variation",
        )
    own = _without_self(weights if len(rows) == x.size else weights[rows][:, rows])
    moran = _moran(kept, own, permutations, seed)

    def spread(part: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.full(x.size, np.nan)
        out[rows] = part
        return out.reshape(x.shape)

    quadrant = np.zeros(x.size, np.int8)
    quadrant[rows] = moran[1]
    p = spread(moran[4])
    return LocalMoran(
        spread(moran[0]),
        quadrant.reshape(x.shape),
        spread(moran[2]),
        spread(moran[3]),
        p,
        adjusted(p.ravel()).reshape(x.shape),
    )


def _moran(
    x: Floats, w: Weights, permutations: int, seed: int
) -> tuple[Floats, NDArray[np.int8], Floats, Floats, Floats]:
    n = len(x)
    deviation = float(x.std())
    z = (x - x.mean()) / deviation
    k = np.diff(w.indptr)
    some = k > 0
    alike = _alike(w)
    step = 1.0 / deviation if alike and np.all(x == np.rint(x)) else 0.0
    if not alike:
        total: Floats = np.asarray(w.sum(axis=1)).ravel()
        w = sparse.csr_array((w.data / np.repeat(total, k), w.indices, w.indptr), shape=w.shape)
    lag = w @ z  # the sum of the neighbours where they weigh alike, else their weighted mean
    mean = lag / np.maximum(k, 1) if alike else lag
    larger, smaller = _tails(z, w, k, lag, permutations, seed, alike)
    extreme = np.minimum(larger, smaller)
    p_permutation = (extreme + 1.0) / (permutations + 1.0)
    p_analytic = _pearson3(z, w, k, lag, alike, step)
    tail = np.where(extreme >= _TRUSTED, p_permutation, np.minimum(p_analytic, p_permutation))
    quadrant = np.where(z > 0, np.where(mean > 0, 1, 4), np.where(mean > 0, 2, 3))

    def known(values: Floats) -> Floats:
        return np.where(some, values, np.nan)

    return (
        known((n - 1) / n * z * mean),
        np.where(some, quadrant, 0).astype(np.int8),
        known(p_permutation),
        known(p_analytic),
        known(np.minimum(2.0 * tail, 1.0)),
    )


def _tails(
    z: Floats, w: Weights, k: NDArray[np.int32], lag: Floats, draws: int, seed: int, alike: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Draws at least, and at most, as large as each place's own sum.

    A tie counts on both sides: counts of calls tie often, and a quiet place among quiet ones would
    otherwise be called extreme because nothing can be lower than zero.
    """
    n = len(z)
    slack = 1e-9 * float(np.abs(z).max())
    rng = stream(seed, "local moran")
    at_least, above = np.zeros(n, np.int32), np.zeros(n, np.int32)
    if not alike:
        most = int(min(k.max(initial=0), n - 2))
        sample = kernel.draw(n, most, draws, int(rng.integers(2**31)))
        start = w.indptr.astype(np.int32)
        at_least = kernel.count_at_least_weighted(z, start, w.data, lag, sample, slack)
        above = kernel.count_at_least_weighted(z, start, w.data, lag, sample, -slack)
    else:
        for size in np.unique(k[k > 0]).tolist():
            sample = kernel.draw(n, min(size, n - 1), draws, int(rng.integers(2**31)))
            at_least += kernel.count_at_least(z, lag, k == size, sample, slack)
            above += kernel.count_at_least(z, lag, k == size, sample, -slack)
    return at_least, np.where(k > 0, draws - above, 0).astype(np.int32)


def _pearson3(z: Floats, w: Weights, k: NDArray[np.int32], lag: Floats, alike: bool, step: float) -> Floats:
    """The tail beyond the neighbours' sum in its direction, by the first three conditional moments.

    ``step`` is the distance between possible sums (0: continuous); half of it is taken as correction.
    """
    n_other = len(z) - 1.0
    power = [float((z**j).sum()) for j in (1, 2, 3)]
    m1, m2, m3 = ((power[j - 1] - z**j) / n_other for j in (1, 2, 3))
    variance = m2 - m1**2
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    if alike:
        s1 = s2 = s3 = k.astype(np.float64)
        fewer: Floats = ((n_other - k) / (n_other - 1)).astype(np.float64)
        fewer3 = fewer * (n_other - 2 * k) / max(n_other - 2, 1.0)
    else:
        # Weighted draws without replacement: exact to the second moment, and third for small k / n.
        row = np.repeat(np.arange(len(z)), k)
        s1, s2, s3 = (np.bincount(row, w.data**j, minlength=len(z)).astype(np.float64) for j in (1, 2, 3))
        fewer = np.where(s2 > 0, (n_other - s1**2 / np.maximum(s2, 1e-300)) / (n_other - 1), 0.0)
        fewer3 = fewer**2
    sd = np.sqrt(np.maximum(s2 * variance * fewer, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        away = lag - s1 * m1
        t = np.sign(away) * np.maximum(np.abs(away) - 0.5 * step, 0.0) / sd
        skew = s3 * third * fewer3 / sd**3
    t, skew = np.nan_to_num(t), np.nan_to_num(skew)
    flat = np.abs(skew) < 1e-4
    shape = 4.0 / np.where(flat, 1.0, skew) ** 2
    # t = (G - shape) / sqrt(shape), mirrored where the skew is negative.
    at = np.maximum(shape + np.sqrt(shape) * t * np.sign(skew), 0.0)
    above, below = gamma.sf(at, shape), gamma.cdf(at, shape)
    above, below = np.where(skew < 0, below, above), np.where(skew < 0, above, below)
    above, below = np.where(flat, ndtr(-t), above), np.where(flat, ndtr(t), below)
    return np.minimum(above, below)


def _alike(w: Weights) -> bool:
    """Whether every neighbour of a place weighs the same; ``w.data`` is then made 1."""
    if w.nnz == 0:
        return True
    same = bool(np.all(w.data == w.data[0]))
    if same:
        w.data = np.ones_like(w.data)
    return same


def _without_self(w: Weights) -> Weights:
    out = sparse.csr_array(w, copy=True)
    if out.diagonal().any():
        coo = out.tocoo()
        off = coo.row != coo.col
        out = sparse.csr_array((coo.data[off], (coo.row[off], coo.col[off])), shape=out.shape)
    out.sort_indices()
    return out
