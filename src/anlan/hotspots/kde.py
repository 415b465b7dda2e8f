"""Kernel density of points on a grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.hotspots.cells import Cells
from anlan.hotspots.surface import Surface
from anlan.kernels import density

KERNELS = ("gaussian", "quartic")
_REACH = 5.5
"""Standard deviations after which the Gaussian is cut off; what lies beyond is 4e-8 of each axis' mass."""
_FINE = 4.0
"""Cells per standard deviation below which the work is done on a finer grid."""
_KM2 = 1e6


def kde(
    x: Floats,
    y: Floats,
    weight: Floats | None = None,
    *,
    bandwidth_m: float,
    cell_m: float | None = None,
    cells: Cells | None = None,
    kernel: str = "gaussian",
    inside: Bools | None = None,
) -> Surface:
    """Density of points per km² at the centres of square cells.

    ``gaussian``: points are spread onto cells by the quadratic B-spline, which adds exactly a quarter
    cell² of variance per axis; the rest of the kernel's variance is applied by fast Fourier transform.
    Error against the exact sum: below 1e-3 of the highest density (measured; see
    docs/benchmarks/analysis.md). ``quartic``: (3 / π h²) (1 - d²/h²)², summed exactly.
    (Silverman, B. W. (1986), *Density Estimation for Statistics and Data Analysis*, ch. 4; Hockney and
    Eastwood 1988 for the spreading.)

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Metres, projected. Points without coordinates are left out.
    weight : ndarray of float64, shape (n,), optional
        Non-negative; 1 by default.
    bandwidth_m : float
        Standard deviation of the Gaussian, or radius of the quartic kernel.
    cell_m : float, optional
        Side of the cells; a fifth of the bandwidth by default. Ignored where ``cells`` is given.
    cells : Cells, optional
        Square cells to estimate on; by default they cover the points and the kernel's reach.
    kernel : {'gaussian', 'quartic'}
    inside : ndarray of bool, shape (n_row, n_column), optional
        The study area. Density is divided by the share of each kernel inside it (Diggle 1985, *Applied
        Statistics* 34, 138-147) and NaN elsewhere, so that shores and borders do not look quiet.

    Returns
    -------
    Surface
        Points per km²; its sum times the cells' area is the number of points (less what lies outside).

    Raises
    ------
    AnlanError
        If the kernel is unknown, the bandwidth not positive, or no point has coordinates.
    """
    if kernel not in KERNELS:
        raise AnlanError(
            f"kernel {kernel!r}", "it is gaussian or quartic", "name one of these", code="kernel"
        )
    if not (math.isfinite(bandwidth_m) and bandwidth_m > 0):
        raise AnlanError(
            f"bandwidth_m = {bandwidth_m}", "it is a positive length", "give metres, such as 300",
            code="bandwidth",
        )  # fmt: skip
    x, y = np.asarray(x, float), np.asarray(y, float)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    if cells is None:
        margin = bandwidth_m * (3.0 if kernel == "gaussian" else 1.0)
        cells = Cells.covering(x, y, cell_m or bandwidth_m / 5.0, margin_m=margin)
    if cells.shape != "square":
        raise ValueError("a density surface has square cells")
    value = _sum(x, y, w, cells, bandwidth_m, kernel)
    if inside is not None:
        if inside.shape != value.shape:
            raise ValueError(f"inside has shape {inside.shape}, the cells {value.shape}")
        cx, cy = cells.centre(np.flatnonzero(inside))
        share = _sum(cx, cy, np.full(len(cx), cells.area_m2 / _KM2), cells, bandwidth_m, kernel)
        value = np.where(inside, value / np.maximum(share, 1e-9), np.nan)
    return Surface(cells, value, "per km²")


def _sum(
    x: Floats, y: Floats, w: Floats, cells: Cells, bandwidth_m: float, kernel: str
) -> NDArray[np.float64]:
    column = x / cells.cell_m - (cells.column + 0.5)
    row = y / cells.cell_m - (cells.row + 0.5)
    if kernel == "quartic":
        reach = bandwidth_m / cells.cell_m
        height = 3.0 / (math.pi * bandwidth_m**2) * _KM2
        return height * density.quartic_sum(column, row, w, reach, cells.n_row, cells.n_column)
    return _gaussian(column, row, w, bandwidth_m / cells.cell_m, cells.n_row, cells.n_column) * (
        _KM2 / cells.area_m2
    )


def _gaussian(
    column: Floats, row: Floats, w: Floats, sigma: float, n_row: int, n_column: int
) -> NDArray[np.float64]:
    """Gaussian sums per cell² at cell centres; lengths in cells."""
    fine = 1
    while fine * sigma < _FINE:
        fine += 2  # odd, so that each coarse centre is a fine one
    sigma *= fine
    pad = math.ceil(_REACH * sigma) + 2
    at = (fine - 1) // 2 + pad
    rows, columns = n_row * fine + 2 * pad, n_column * fine + 2 * pad
    if rows * columns > 200_000_000:
        raise AnlanError(
            f"{rows} × {columns} cells of work",
            "the bandwidth is very small or very large beside the cells",
            "choose a bandwidth between one cell and a few hundred",
            code="bandwidth",
        )
    spread = density.spread(column * fine + at, row * fine + at, w, rows, columns)
    left = math.sqrt(sigma**2 - 0.25)
    shape = fft.next_fast_len(rows, real=True), fft.next_fast_len(columns, real=True)
    wave = fft.rfft2(spread, shape, overwrite_x=True)
    wave *= fft.fft(_taps(left, pad, shape[0])).real[:, None]
    wave *= fft.rfft(_taps(left, pad, shape[1])).real[None, :]
    smooth = fft.irfft2(wave, shape, overwrite_x=True)
    out = smooth[at : at + n_row * fine : fine, at : at + n_column * fine : fine] * fine**2
    # The transform leaves ±1e-16 of the highest value where there is nothing.
    return np.where(out > 1e-13 * out.max(initial=0.0), out, 0.0)


def _taps(sigma: float, reach: int, length: int) -> Floats:
    """The sampled Gaussian, symmetric about 0 modulo ``length``, normalised to sum 1."""
    k = np.arange(-reach, reach + 1)
    taps = np.exp(-0.5 * (k / sigma) ** 2)
    out = np.zeros(length)
    np.add.at(out, k % length, taps / taps.sum())
    return out
