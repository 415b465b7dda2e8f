"""How fast help came: response, travel and waiting times of calls, and what it cost the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Strings

RINGS_S = (60.0, 180.0, 300.0)
"""The 1/3/5-minute response rings of the model campaign; a city's own standard replaces them."""


@dataclass(frozen=True, eq=False)
class Outcomes(Columns):
    """What became of each call; one row per call and replication.

    Attributes
    ----------
    id : ndarray of str
    unit : ndarray of str
        The unit that arrived first; empty where none came.
    received, dispatched, arrived, cleared : ndarray of float64
        Unix seconds; NaN where it did not happen. ``dispatched`` is of the unit that arrived.
    queued_s : ndarray of float64
        From when it could be dispatched until it was for good.
    response_s, travel_s : ndarray of float64
        From the call, and from setting off, to arrival.
    area, category : ndarray of str
    slot : ndarray of int16
        Hour of the week of the call.
    priority : ndarray of int8
    replication : ndarray of int32
    """

    id: Strings
    unit: Strings
    received: Floats
    dispatched: Floats
    arrived: Floats
    cleared: Floats
    queued_s: Floats
    response_s: Floats
    travel_s: Floats
    area: Strings
    category: Strings
    slot: NDArray[np.int16]
    priority: NDArray[np.int8]
    replication: NDArray[np.int32]

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "unit": object,
        "received": np.float64,
        "dispatched": np.float64,
        "arrived": np.float64,
        "cleared": np.float64,
        "queued_s": np.float64,
        "response_s": np.float64,
        "travel_s": np.float64,
        "area": object,
        "category": object,
        "slot": np.int16,
        "priority": np.int8,
        "replication": np.int32,
    }


@dataclass(frozen=True)
class Response:
    """Figures of a group of calls; times in seconds.

    Attributes
    ----------
    calls : int
    served_share : float
        Calls to which a unit came.
    mean_s, median_s, p90_s : float
        Response time from the call, over the calls that were served.
    dispatch_to_arrival_s : float
        Mean from the dispatch of the unit that arrived.
    travel_s, queued_s : float
        Means.
    within : mapping of float to float
        Share of **all** calls answered within so many seconds; a call nobody came to is not.
    """

    calls: int
    served_share: float
    mean_s: float
    median_s: float
    p90_s: float
    dispatch_to_arrival_s: float
    travel_s: float
    queued_s: float
    within: Mapping[float, float]


def respond(outcomes: Outcomes, rings_s: Sequence[float] = RINGS_S, rows: Any = None) -> Response:
    """Figures of calls, or of some of their rows."""
    o = outcomes if rows is None else outcomes.take(rows)
    n = len(o)
    r = o.response_s[np.isfinite(o.response_s)]
    nan = float("nan")
    if not len(r):
        return Response(
            n, 0.0 if n else nan, nan, nan, nan, nan, nan, nan, dict.fromkeys(rings_s, 0.0 if n else nan)
        )
    came = np.isfinite(o.arrived)
    return Response(
        calls=n,
        served_share=len(r) / n,
        mean_s=float(r.mean()),
        median_s=float(np.median(r)),
        p90_s=float(np.quantile(r, 0.9)),
        dispatch_to_arrival_s=float((o.arrived - o.dispatched)[came].mean()),
        travel_s=float(o.travel_s[came].mean()),
        queued_s=float(o.queued_s[came].mean()),
        within={ring: float((r <= ring).sum() / n) for ring in rings_s},
    )


def respond_by(outcomes: Outcomes, column: str, rings_s: Sequence[float] = RINGS_S) -> dict[Any, Response]:
    """Figures by ``area``, ``category``, ``priority``, ``slot`` (hour of the week) or ``hour`` (of the day)."""
    keys = outcomes.slot % 24 if column == "hour" else getattr(outcomes, column)
    return {key: respond(outcomes, rings_s, np.flatnonzero(keys == key)) for key in np.unique(keys).tolist()}
