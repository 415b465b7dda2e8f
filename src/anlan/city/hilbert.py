"""Order along a Hilbert curve: places near one another get numbers near one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats

_BITS = 16


def hilbert(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Distance of each point along the Hilbert curve that fills the points' bounding square.

    The turning rule is that of Warren, "Hacker's Delight" (2nd ed. 2012), section 16-2, over a grid of
    65,536 by 65,536; a point that is not finite counts as the south-west corner.
    """
    if not len(x):
        return np.empty(0, np.int64)
    i, j = _cells(x), _cells(y)
    out = np.zeros(len(x), np.int64)
    for bit in reversed(range(_BITS)):
        a, b = (i >> bit) & 1, (j >> bit) & 1
        out = (out << 2) | ((3 * a) ^ b)
        turn = b == 0
        mirror = turn & (a == 1)
        mask = (np.int64(1) << bit) - 1
        i = np.where(mirror, ~i & mask, i & mask)
        j = np.where(mirror, ~j & mask, j & mask)
        i, j = np.where(turn, j, i), np.where(turn, i, j)
    return out


def _cells(values: Floats) -> NDArray[np.int64]:
    finite = np.isfinite(values)
    low = values[finite].min(initial=np.inf)
    span = values[finite].max(initial=-np.inf) - low
    share = np.where(finite, values - low, 0.0) / span if span > 0 else np.zeros(len(values))
    return np.clip(share * (1 << _BITS), 0, (1 << _BITS) - 1).astype(np.int64)
