"""Getis-Ord Gi* on a million cells without a weights object."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from anlan.hotspots import Disk, gi_star, grid_weights
from benchmarks._analysis.row import Row
from benchmarks._table import timed

PEER_SIDE = 316


def rows() -> list[Row]:
    near = Disk(2.0)
    rng = np.random.default_rng(0)
    values = rng.poisson(2.0, (1000, 1000)).astype(float)
    ours = timed(lambda: gi_star(values, near))
    small = np.ascontiguousarray(values[:PEER_SIDE, :PEER_SIDE])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local
        from libpysal.weights import WSP

        def theirs() -> np.ndarray:
            w = WSP(sparse.csr_matrix(grid_weights(near, small.shape))).to_W(silence_warnings=True)
            return G_Local(small.ravel(), w, transform="B", permutations=0, star=True).Zs

        peer = timed(theirs, runs=1, warm_up=0)
    gap = float(np.abs(gi_star(small, near).z.ravel() - peer.result).max())
    return [
        Row(
            "Gi*, disk of 13 cells, 10⁶ cells",
            ours.seconds,
            0.3,
            "esda, weights object included",
            peer.seconds,
            "on 10⁵ cells",
            f"max difference of z {gap:.1e}",
        )
    ]
