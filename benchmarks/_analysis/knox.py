"""Knox' table of 10⁵ calls with 99 permutations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from anlan.hotspots import knox
from benchmarks._analysis.row import Row
from benchmarks._table import timed

CALLS, PEER_CALLS = 100_000, 3_000


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 50_000, (2, CALLS))
    t = rng.uniform(0, 730, CALLS)
    edges: Any = {"space_edges": [0, 100, 200, 400, 800], "time_edges": [0, 1, 2, 4, 7, 14]}
    knox(x[:500], y[:500], t[:500], **edges, permutations=2)
    ours = timed(lambda: knox(x, y, t, **edges, permutations=99), 1, 0)
    few = slice(0, PEER_CALLS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pointpats import Knox

        points = np.column_stack([x[few], y[few]])
        peer = timed(
            lambda: Knox(points, t[few, None], delta=800.0, tau=14.0, permutations=99), runs=1, warm_up=0
        )
    mine = knox(
        x[few], y[few], t[few], space_edges=[0, 800.0 + 1e-6], time_edges=[0, 14.0 + 1e-9], permutations=999
    )
    share = float(mine.p_value[0, 0])
    return [
        Row(
            "Knox table, 10⁵ calls, 4 × 5 bands, 99 permutations",
            ours.seconds,
            15.0,
            "pointpats",
            peer.seconds,
            f"on {PEER_CALLS:,} calls, one band",
            f"pairs {int(mine.observed[0, 0])} and {int(peer.result.statistic_)}, "
            f"p {share:.2f} and {float(peer.result.p_sim):.2f} (error {np.sqrt(share * (1 - share) / 99):.2f})",
        )
    ]
