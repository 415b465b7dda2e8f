"""What any layout gives the public, whatever model chose it: share within each ring, mean and worst time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.siting.answer import Floats, Ints
from anlan.siting.reduce import nearest_two


@dataclass(frozen=True)
class Measures:
    """Travel from the nearest site of a layout, as if it were always free.

    Attributes
    ----------
    within : tuple of float
        Share of all calls within each ring.
    mean_s, worst_s : float
        Over the calls, and over the places with calls, that some site reaches; infinite where none is reached.
    unreached : float
        Share of calls at places to which no street leads from any site.
    """

    within: tuple[float, ...]
    mean_s: float
    worst_s: float
    unreached: float = 0.0


def measure(cost: Any, weight: Floats, sites: Ints, rings_s: tuple[float, ...]) -> Measures:
    """Measure a layout.

    Parameters
    ----------
    cost : array (n_demand, n_site) or sparse matrix
        Seconds from site to demand.
    weight : ndarray, shape (n_demand,)
        Calls; places of weight 0 do not count.
    sites : ndarray of int64
        The layout.
    rings_s : tuple of float
    """
    total = float(weight.sum())
    if not len(sites) or not total:
        return Measures(tuple(0.0 for _ in rings_s), np.inf, np.inf, 1.0 if total else 0.0)
    _, seconds, _, _ = nearest_two(cost, sites)
    has = (weight > 0) & np.isfinite(seconds)
    held = float(weight[has].sum())
    return Measures(
        tuple(float(weight[seconds <= ring].sum() / total) for ring in rings_s),
        float(seconds[has] @ weight[has] / held) if held else np.inf,
        float(seconds[has].max(initial=0.0)) if held else np.inf,
        float(weight[~np.isfinite(seconds)].sum() / total),
    )
