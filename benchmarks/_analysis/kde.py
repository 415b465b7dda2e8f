"""Kernel density: a million points on 500,000 cells."""

from __future__ import annotations

import numpy as np

from anlan.hotspots import Cells, kde
from benchmarks._analysis.row import Row
from benchmarks._table import timed

BANDWIDTH_M = 125.0


def rows() -> list[Row]:
    from sklearn.neighbors import KernelDensity

    rng = np.random.default_rng(0)
    n = 1_000_000
    x = np.concatenate([rng.normal(9000, 1500, n // 2), rng.uniform(0, 17_675, n - n // 2)])
    y = np.concatenate([rng.normal(8000, 2500, n // 2), rng.uniform(0, 17_675, n - n // 2)])
    cells = Cells("square", 25.0, 0, 0, 707, 707)
    gaussian = timed(lambda: kde(x, y, cells=cells, bandwidth_m=BANDWIDTH_M))
    quartic = timed(lambda: kde(x, y, cells=cells, bandwidth_m=BANDWIDTH_M, kernel="quartic"))
    cx, cy = cells.centre()
    tenth = rng.choice(len(cells), len(cells) // 10, replace=False)
    few = rng.choice(tenth, 500, replace=False)

    def theirs(kernel: str, tolerance: float, where: np.ndarray) -> np.ndarray:
        model = KernelDensity(bandwidth=BANDWIDTH_M, kernel=kernel, rtol=tolerance)
        model.fit(np.column_stack([x, y]))
        points = np.column_stack([cx[where], cy[where]])
        return np.exp(model.score_samples(points)) * n * 1e6

    peer = timed(lambda: theirs("gaussian", 1e-2, tenth), runs=1, warm_up=0)
    exact = (
        np.array([np.exp(-((cx[i] - x) ** 2 + (cy[i] - y) ** 2) / 2 / BANDWIDTH_M**2).sum() for i in few])
        / (2 * np.pi * BANDWIDTH_M**2)
        * 1e6
    )
    gap = np.abs(gaussian.result.value.ravel()[few] - exact).max() / exact.max()
    d2 = np.array([(cx[i] - x) ** 2 + (cy[i] - y) ** 2 for i in few[:100]]) / BANDWIDTH_M**2
    sure = (3 / np.pi / BANDWIDTH_M**2 * np.clip(1 - d2, 0, None) ** 2).sum(axis=1) * 1e6
    gap4 = np.abs(quartic.result.value.ravel()[few[:100]] - sure).max() / sure.max()
    where = {int(c): k for k, c in enumerate(tenth)}
    theirs_few = peer.result[[where[int(c)] for c in few]]
    far = np.abs(theirs_few - exact).max() / exact.max()
    return [
        Row(
            "KDE, Gaussian, 1 M points, 500,000 cells",
            gaussian.seconds,
            0.3,
            "scikit-learn (rtol 1e-2)",
            peer.seconds,
            "on a tenth of the cells",
            f"max error {gap:.1e} of the peak against the exact sum (scikit-learn {far:.1e})",
        ),
        Row(
            "KDE, quartic, the same",
            quartic.seconds,
            None,
            agreement=f"max error {gap4:.1e} against the exact sum",
        ),
    ]
