"""Sites: fixed places such as stations, posts, safe houses and equipment points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Strings
from anlan.model.position import Positions


@dataclass(frozen=True, eq=False)
class Sites(Columns):
    """Sites as column arrays.

    Attributes
    ----------
    id, kind, name_zh, name_en, hours, status : ndarray of str
        ``kind`` is data: station, post, candidate, safe_house, equipment, pole, hospital…
        ``hours`` is a weekly opening time as `anlan.model.hours.Hours` reads it; empty means always.
        ``status`` is open, closed, planned or empty (open).
    lon, lat : ndarray of float64
        Degrees, WGS-84.
    x, y : ndarray of float64
        Metres in the city's projected coordinate system.
    edge, offset_m : ndarray
        Snapped position (see `Positions`).
    capacity : ndarray of float64
        In the kind's unit: units a station can house, places in a shelter; NaN where it does not apply.
    """

    id: Strings
    kind: Strings
    name_zh: Strings
    name_en: Strings
    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    edge: NDArray[np.int32]
    offset_m: Floats
    capacity: Floats
    hours: Strings
    status: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "kind": object,
        "name_zh": object,
        "name_en": object,
        "lon": np.float64,
        "lat": np.float64,
        "x": np.float64,
        "y": np.float64,
        "edge": np.int32,
        "offset_m": np.float64,
        "capacity": np.float64,
        "hours": object,
        "status": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name_zh": "",
        "name_en": "",
        "x": np.nan,
        "y": np.nan,
        "edge": -1,
        "offset_m": 0.0,
        "capacity": np.nan,
        "hours": "",
        "status": "",
    }

    @property
    def positions(self) -> Positions:
        """Where each site is on the network."""
        return Positions(self.edge, self.offset_m)

    def of_kind(self, kind: str) -> Sites:
        """The sites of one kind."""
        return self.take(self.kind == kind)
