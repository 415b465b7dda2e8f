"""Means of independent batches of calls, and Student's interval over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from anlan.core.time import DAY_S
from anlan.evaluation.response import Outcomes


def batches(values: NDArray[Any], outcomes: Outcomes, synthetic: bool) -> NDArray[np.float64]:
    """Means of independent batches of calls, NaN left out."""
    known = np.isfinite(values)
    if not known.any():
        return np.empty(0)
    if synthetic and len(np.unique(outcomes.replication)) >= 5:
        key = outcomes.replication[known].astype(np.int64)
    else:
        key = np.floor(outcomes.received[known] / DAY_S).astype(np.int64)
        if synthetic:
            key = key + outcomes.replication[known].astype(np.int64) * 100_000
    _, group = np.unique(key, return_inverse=True)
    return np.bincount(group, values[known]) / np.bincount(group)


def interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Student's confidence interval of a mean; infinite where there are fewer than two batches."""
    n = len(values)
    if n < 2:
        return (-np.inf, np.inf)
    half = stats.t.ppf(0.5 + level / 2.0, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)
