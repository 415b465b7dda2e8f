"""Demand for siting and simulation: how many calls to expect where, when and of which category."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.hotspots.cells import Cells
from anlan.hotspots.discipline import Admitted, admit
from anlan.hotspots.places import Places
from anlan.hotspots.profiles import check_history, hour_profiles, slot_counts, weeks_of, whole_days
from anlan.model import Calls, Demand, Positions


def demand(
    calls: Calls,
    places: Places | Strings | None = None,
    *,
    tz: ZoneInfo,
    window: tuple[float, float] | None = None,
    source: str | tuple[str, ...] = "reported",
    dose: Floats | None = None,
    cell_m: float = 250.0,
    shape: str = "square",
) -> Demand:
    """Expected calls by category, place and hour of week.

    The volume of a place is its count over the weeks of the window; `Demand.interval` gives its credible
    interval from that count. The weekly rhythm is estimated per category over the whole city and shrunk
    to the overall rhythm (see `hour_profiles`). A place stands at the call nearest to the mean of its
    calls, which is their medoid for squared distance and lies on the street network.

    Parameters
    ----------
    calls : Calls
        With projected ``x, y``.
    places : Places or ndarray of str, optional
        `Cells`, `Streets` or `Districts`, or the id of each call's place, shape (n_call,), empty where it
        has none. By default cells of ``cell_m`` metres over the calls.
    tz : ZoneInfo
        The city's time zone, for the hours of the week.
    window : (float, float), optional
        Learn from calls received in ``[from, to)``, Unix seconds; by default the whole local days that
        the calls span. At least a week.
    source, dose
        Who noticed it; see `admit`.
    cell_m, shape
        Of the default cells; see `Cells`.

    Returns
    -------
    Demand
        Places with at least one call, in the order of the division (by id where ids were given).

    Raises
    ------
    AnlanError
        If no call may teach, the window is shorter than a week, or no call has a place.
    """
    admitted = admit(calls, source, window=window, dose=dose)
    window = window or whole_days(admitted.calls.received, tz)
    check_history(window, 7, "a weekly rhythm")
    if places is None:
        places = Cells.covering(admitted.calls.x, admitted.calls.y, cell_m, shape)
    where, names = _division(places, len(calls), admitted)
    placed = np.isfinite(admitted.calls.x) & np.isfinite(admitted.calls.y) & (where >= 0)
    if not placed.any():
        raise AnlanError(
            f"{len(admitted)} calls",
            "none lies in any of the places",
            "check that calls and places share a coordinate system",
            code="no_places",
        )
    used, place = np.unique(where[placed], return_inverse=True)
    kept = admitted.calls.take(placed)
    weight = admitted.weight[placed]
    categories = kept.categories
    n_category, n_place = len(categories), len(used)
    flat = np.bincount(
        kept.category_code.astype(np.int64) * n_place + place, weights=weight, minlength=n_category * n_place
    )
    count = flat.reshape(n_category, n_place).astype(np.float64)
    x, y, medoid = _centres(kept, place, n_place, weight)
    rhythm = hour_profiles(slot_counts(kept.category_code, n_category, kept.received, tz, weight), window, tz)
    weeks = weeks_of(window)
    return Demand(
        categories=categories,
        place=names(used),
        x=x,
        y=y,
        positions=Positions(kept.edge[medoid], kept.offset_m[medoid]),
        area=kept.area[medoid],
        volume=count / weeks,
        profile=rhythm.share,
        count=count,
        weeks=weeks,
    )


def _division(
    places: Places | Strings, n_call: int, admitted: Admitted
) -> tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], Strings]]:
    """The place of each admitted call (-1: none), and what names places."""
    if not isinstance(places, np.ndarray):
        return places.of_calls(admitted.calls), places.ids
    if len(places) != n_call:
        raise ValueError(f"{len(places)} place ids for {n_call} calls")
    ids, which = np.unique(places[admitted.rows].astype(str), return_inverse=True)
    return np.where(ids[which] == "", -1, which), lambda used: ids.astype(object)[used]


def _centres(
    calls: Calls, place: NDArray[np.int64], n_place: int, weight: Floats
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Weighted mean of each place's calls, and the row of the call nearest to it.

    A call off the network is taken only where no call of the place is on it.
    """
    total = np.bincount(place, weights=weight, minlength=n_place)
    x = np.bincount(place, weights=weight * calls.x, minlength=n_place) / total
    y = np.bincount(place, weights=weight * calls.y, minlength=n_place) / total
    gap2 = (calls.x - x[place]) ** 2 + (calls.y - y[place]) ** 2
    order = np.lexsort((gap2, calls.edge < 0, place))
    first = np.searchsorted(place[order], np.arange(n_place))
    return x, y, order[first]
