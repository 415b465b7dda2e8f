"""ST-DBSCAN of 10⁵ calls, many of them at the same addresses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from anlan.hotspots import st_dbscan
from benchmarks._analysis.row import Row
from benchmarks._table import timed

CALLS, EPS_M, EPS_S, MIN_POINTS = 100_000, 150.0, 3 * 86400.0, 5


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    addresses = rng.uniform(0, 30_000, (20_000, 2))
    at = addresses[rng.choice(len(addresses), CALLS, p=rng.dirichlet(np.full(len(addresses), 0.3)))]
    t = rng.uniform(0, 365 * 86400.0, CALLS)

    def ours() -> NDArray[np.int64]:
        return st_dbscan(at[:, 0], at[:, 1], t, eps_m=EPS_M, eps_s=EPS_S, min_points=MIN_POINTS).labels

    def theirs() -> NDArray[np.int64]:
        from sklearn.cluster import DBSCAN

        pairs = KDTree(at).query_pairs(EPS_M, output_type="ndarray")
        pairs = pairs[np.abs(t[pairs[:, 0]] - t[pairs[:, 1]]) <= EPS_S]
        i, j = np.concatenate([pairs, pairs[:, ::-1], np.repeat(np.arange(CALLS)[:, None], 2, axis=1)]).T
        graph = sparse.csr_array((np.full(len(i), 0.5), (i, j)), shape=(CALLS, CALLS))
        model = DBSCAN(eps=1.0, min_samples=MIN_POINTS, metric="precomputed")
        labels: NDArray[np.int64] = model.fit_predict(sparse.csr_matrix(graph))
        return labels

    mine = timed(ours)
    peer = timed(theirs, runs=1, warm_up=0)
    same = float((mine.result == peer.result).mean())
    return [
        Row(
            f"ST-DBSCAN, {CALLS:,} calls, coincident ones among them",
            mine.seconds,
            1.5,
            "scikit-learn on the pairs of a k-d tree",
            peer.seconds,
            "",
            f"{mine.result.max() + 1} clusters; {same:.2%} of labels the same, in the same order",
        )
    ]
