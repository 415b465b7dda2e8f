"""Where calls are to be expected next: the scores by which places are ranked."""

from __future__ import annotations

import math

import numpy as np

from anlan.core.columns import Floats
from anlan.core.time import WEEK_S
from anlan.hotspots.cells import Cells
from anlan.hotspots.kde import kde
from anlan.hotspots.network_kde import network_kde
from anlan.hotspots.places import Places, Streets
from anlan.model import Calls

METHODS = ("expected", "density", "count")
_MONTH_S = 365.2425 / 12 * 86400.0


def place_counts(calls: Calls, places: Places, weight: Floats | None = None) -> Floats:
    """Calls (or their weights) in each place, shape (n_place,)."""
    where = places.of_calls(calls)
    inside = where >= 0
    w = None if weight is None else weight[inside]
    return np.bincount(where[inside], weights=w, minlength=len(places)).astype(float)


def score(
    calls: Calls,
    places: Places,
    weight: Floats,
    until: float,
    *,
    method: str = "expected",
    bandwidth_m: float = 300.0,
    half_life_weeks: float = 104.0,
    months: float = 12.0,
) -> Floats:
    """Expected calls per week at each place after ``until``, up to a constant, shape (n_place,).

    ``count``: the calls of the last ``months`` months, the naive rule. ``density``: kernel density of the
    calls, each ageing with its half-life, at the middle of a cell or over a street segment; areas get
    their mean per unit of measure. ``expected``: each place's own aged count n_i, shrunk towards that
    density m_i as a gamma-Poisson rate, (n_i + k) / (m_i + k) · m_i, with the shape k by moments over
    places (Clayton, D. and Kaldor, J. (1987), *Biometrics* 43, 671-681). A place keeps its own record
    where it has one, and its neighbours' where it has not.

    Parameters
    ----------
    calls : Calls
        All received before ``until``.
    weight : ndarray of float64, shape (n_call,)
        From `admit`.
    until : float
        Unix seconds.
    """
    age_s = until - calls.received
    if method == "count":
        return place_counts(calls, places, weight * (age_s <= months * _MONTH_S))
    aged = weight * np.exp2(-age_s / (half_life_weeks * WEEK_S))
    centre = _smooth(calls, places, aged, bandwidth_m)
    if method == "density":
        return centre
    own = place_counts(calls, places, aged)
    return _shrunk(own, place_counts(calls, places, aged**2), centre)


def _smooth(calls: Calls, places: Places, aged: Floats, bandwidth_m: float) -> Floats:
    """Aged calls expected in each place from the density around it."""
    if isinstance(places, Streets):
        # A quartic kernel of radius √7 s has the variance of a Gaussian of deviation s.
        near = network_kde(places.roads, calls.positions, aged, bandwidth_m=math.sqrt(7.0) * bandwidth_m)
        return np.maximum(near.by_edge(), 0.0) * places.measure / 1000.0
    if isinstance(places, Cells):
        cells, cell_m = places, places.cell_m
        if places.shape != "square":
            x, y = places.centre()
            cell_m = min(places.cell_m, bandwidth_m) / 3.0
            cells = Cells.covering(x, y, cell_m)
        surface = kde(calls.x, calls.y, aged, cells=cells, bandwidth_m=bandwidth_m)
        value = surface.value.ravel() if places is cells else surface.at(*places.centre())
        return value * places.area_m2 / 1e6
    own = place_counts(calls, places, aged)
    return own.sum() * places.measure / places.measure.sum()


def _shrunk(own: Floats, own2: Floats, centre: Floats) -> Floats:
    """Gamma-Poisson rates around ``centre``; ``own2`` is the sampling variance of ``own``."""
    live = centre > 0
    if not live.any():
        return own
    scale = own[live].sum() / centre[live].sum()
    m = np.where(live, centre * scale, 0.0)
    # E[(n - m)²] = variance of the count + m² / k
    between = float(((own - m)[live] ** 2 - own2[live]).sum())
    k = float((m[live] ** 2).sum()) / between if between > 0 else math.inf
    if math.isinf(k):
        return m
    # An aged call counts less than one but is as uncertain as one: bring both to effective calls.
    size = np.divide(own2, own, out=np.full_like(own, own2.sum() / own.sum()), where=own > 0)
    return np.where(live, m * (own / size + k) / (m / size + k), own)
