"""How fast help came: response, travel and waiting times of calls, and what it cost the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Strings
from anlan.evaluation.tally import Response, micros, tally_of

__all__ = ["RINGS_S", "Outcomes", "Response", "respond", "respond_by"]

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


def respond(outcomes: Outcomes, rings_s: Sequence[float] = RINGS_S, rows: Any = None) -> Response:
    """Figures of calls, or of some of their rows; `anlan.evaluation.listen` gives the same from events."""
    pick = slice(None) if rows is None else rows
    response, travel = outcomes.response_s[pick], outcomes.travel_s[pick]
    after = outcomes.arrived[pick] - outcomes.dispatched[pick]
    queued = outcomes.queued_s[pick]
    tally = tally_of(rings_s)
    tally.calls = len(response)
    came = np.isfinite(response)
    spans = {
        "response": micros(response[came]),
        "after_dispatch": micros(after[came]),
        "travel": micros(travel[came]),
        "queued": micros(np.where(np.abs(queued[came]) < 1e-6, 0.0, queued[came])),
    }
    spans["turnout"] = spans["after_dispatch"] - spans["travel"]
    tally.add_many(spans)
    return tally.response()


def respond_by(outcomes: Outcomes, column: str, rings_s: Sequence[float] = RINGS_S) -> dict[Any, Response]:
    """Figures by ``area``, ``category``, ``priority``, ``slot`` (hour of the week) or ``hour`` (of the day)."""
    keys = outcomes.slot % 24 if column == "hour" else getattr(outcomes, column)
    if keys.dtype == object:
        keys = keys.astype(str)
    unique, group = np.unique(keys, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(unique)))
    return {
        key: respond(outcomes, rings_s, rows)
        for key, rows in zip(unique.tolist(), np.split(order, ends[:-1]) if len(ends) else [], strict=True)
    }
