"""The tail of the largest ratio among worlds under the null."""

from __future__ import annotations

import math

from anlan.core.columns import Floats

_EULER = 0.5772156649015329


def gumbel_tail(value: float, null: Floats) -> float:
    """Chance of a largest ratio of at least ``value``, from a Gumbel distribution fitted by moments.

    Not bounded by 1/(worlds + 1); NaN for fewer than two worlds or worlds that do not differ. (Abrams, A. M.,
    Kleinman, K. and Kulldorff, M. (2010), "Gumbel based p-value approximations for spatial scan
    statistics", *International Journal of Health Geographics* 9, 61.)

    Parameters
    ----------
    value : float
    null : ndarray of float64, shape (n_world,)
    """
    if len(null) < 2 or not null.std() > 0:
        return math.nan
    scale = float(null.std(ddof=1)) * math.sqrt(6.0) / math.pi
    middle = float(null.mean()) - _EULER * scale
    return float(-math.expm1(-math.exp(-(value - middle) / scale)))
