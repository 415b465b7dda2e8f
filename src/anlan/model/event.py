"""Events: what happened, to what, when, by whom — the same for a live night and a simulated one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anlan.core.columns import Columns, Floats, Strings


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as live work sees it; see `Events`."""

    id: str
    stream: str
    subject: str
    procedure: str
    transition: str
    at: float
    recorded_at: float
    actor: str
    role: str
    unit: str
    area: str
    lon: float
    lat: float
    payload: str


@dataclass(frozen=True, eq=False)
class Events(Columns):
    """Events as column arrays, in order of time.

    Attributes
    ----------
    id : ndarray of str
    stream : ndarray of str
        Which log it belongs to: a jurisdiction's, or a replication of a run.
    subject : ndarray of str
        Id of what it happened to: the call, the unit.
    procedure, transition : ndarray of str
        For responses ``dispatch`` with ``received, queued, dispatched, diverted, departed, arrived,
        left_scene, delivered, cleared``; for units ``unit`` with ``set_off, at_post, on_duty, off_duty``.
    at, recorded_at : ndarray of float64
        Unix seconds.
    actor, role, unit, area : ndarray of str
    lon, lat : ndarray of float64
        NaN where it has no place.
    payload : ndarray of str
        JSON, or empty: of ``received`` the call's ``category`` and ``priority``; of a unit's way to a post its
        ``site``; of ``arrived``, ``delivered`` and ``at_post`` the ``metres`` driven, where known.
    """

    id: Strings
    stream: Strings
    subject: Strings
    procedure: Strings
    transition: Strings
    at: Floats
    recorded_at: Floats
    actor: Strings
    role: Strings
    unit: Strings
    area: Strings
    lon: Floats
    lat: Floats
    payload: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "stream": object,
        "subject": object,
        "procedure": object,
        "transition": object,
        "at": float,
        "recorded_at": float,
        "actor": object,
        "role": object,
        "unit": object,
        "area": object,
        "lon": float,
        "lat": float,
        "payload": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "stream": "",
        "recorded_at": float("nan"),
        "actor": "",
        "role": "",
        "unit": "",
        "area": "",
        "lon": float("nan"),
        "lat": float("nan"),
        "payload": "",
    }

    def row(self, index: int) -> Event:
        """One event as a frozen row."""
        return Event(**{name: array[index : index + 1].tolist()[0] for name, array in self.columns().items()})
