"""Local Moran on 10⁵ cells with 999 conditional permutations."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from anlan.hotspots import Box, grid_weights, local_moran
from benchmarks._analysis.row import Row
from benchmarks._table import timed


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    values = rng.gamma(0.7, 3.0, (316, 316))
    near = Box(1)
    ours = timed(lambda: local_moran(values, near, permutations=999))
    many = timed(lambda: local_moran(values, near, permutations=99_999), runs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.moran import Moran_Local
        from libpysal.weights import WSP

        w = WSP(sparse.csr_matrix(grid_weights(near, values.shape))).to_W(silence_warnings=True)
        Moran_Local(values[:3, :3].ravel(), _tiny(), permutations=9, n_jobs=1)
        peer = timed(
            lambda: Moran_Local(values.ravel(), w, permutations=999, n_jobs=1, seed=1), runs=1, warm_up=0
        )
    p, q = ours.result.p_permutation.ravel(), peer.result.p_sim
    mid = np.clip((p + q) / 2, 5 / 999, 0.5)
    z = (p - q) / np.sqrt(2 * mid * (1 - mid) / 999)
    truth = many.result.p_permutation.ravel()
    return [
        Row(
            "local Moran, 10⁵ cells, 999 permutations",
            ours.seconds,
            2.0,
            "esda, without its weights object",
            peer.seconds,
            "",
            f"I equal to {np.abs(ours.result.i.ravel() - peer.result.Is).max():.0e}; p-values differ by "
            f"{z.std():.2f} Monte-Carlo standard errors (mean {z.mean():+.2f})",
        ),
        Row(
            "local Moran, 10⁵ cells, 99,999 permutations",
            many.seconds,
            None,
            agreement=f"smallest p {truth.min():.0e}; analytic p differs by "
            f"{np.abs(many.result.p_analytic.ravel() - truth).max():.3f} at most",
        ),
    ]


def _tiny() -> object:
    from libpysal.weights import lat2W

    return lat2W(3, 3, rook=False)
