"""A call: somebody reported, an officer discovered, or a device signalled that something is happening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns, Floats, Strings
from anlan.model.position import Positions

SOURCES = ("reported", "discovered", "device", "unknown")
"""Who noticed it. Hot spots learn from ``reported`` only (Ensign et al. 2018, charter rule 2)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as live work sees it; times in Unix seconds, NaN where unknown. See `Calls`."""

    id: str
    category: str
    priority: int
    source: str
    received: float
    dispatched: float
    en_route: float
    arrived: float
    cleared: float
    start: float
    end: float
    x: float
    y: float
    lon: float
    lat: float
    edge: int
    offset_m: float
    area: str
    disposition: str


@dataclass(frozen=True, eq=False)
class Calls(Columns):
    """Calls as column arrays.

    Attributes
    ----------
    id, category, source, area, disposition : ndarray of str
        ``source`` is one of `SOURCES`; an unknown text is empty.
    priority : ndarray of int8
        1 is the most urgent.
    received, dispatched, en_route, arrived, cleared : ndarray of float64
        Unix seconds (UTC), NaN where unknown.
    start, end : ndarray of float64
        The interval in which it happened, where the time is only known between two (aoristic); else NaN.
    x, y : ndarray of float64
        Metres in the city's projected coordinate system.
    lon, lat : ndarray of float64
        Degrees, WGS-84.
    edge, offset_m : ndarray
        Snapped position (see `Positions`).
    """

    id: Strings
    category: Strings
    priority: NDArray[np.int8]
    source: Strings
    received: Floats
    dispatched: Floats
    en_route: Floats
    arrived: Floats
    cleared: Floats
    start: Floats
    end: Floats
    x: Floats
    y: Floats
    lon: Floats
    lat: Floats
    edge: NDArray[np.int32]
    offset_m: Floats
    area: Strings
    disposition: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "category": object,
        "priority": np.int8,
        "source": object,
        "received": np.float64,
        "dispatched": np.float64,
        "en_route": np.float64,
        "arrived": np.float64,
        "cleared": np.float64,
        "start": np.float64,
        "end": np.float64,
        "x": np.float64,
        "y": np.float64,
        "lon": np.float64,
        "lat": np.float64,
        "edge": np.int32,
        "offset_m": np.float64,
        "area": object,
        "disposition": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "category": "",
        "priority": 2,
        "source": "unknown",
        "received": np.nan,
        "dispatched": np.nan,
        "en_route": np.nan,
        "arrived": np.nan,
        "cleared": np.nan,
        "start": np.nan,
        "end": np.nan,
        "x": np.nan,
        "y": np.nan,
        "lon": np.nan,
        "lat": np.nan,
        "edge": -1,
        "offset_m": 0.0,
        "area": "",
        "disposition": "",
    }

    @property
    def positions(self) -> Positions:
        """Where each call is on the network."""
        return Positions(self.edge, self.offset_m)

    @cached_property
    def _categories(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        names: dict[str, int] = {}
        raw = np.fromiter(
            (names.setdefault(c, len(names)) for c in self.category.tolist()), np.int32, count=len(self)
        )
        order = sorted(names)
        rank = np.empty(max(len(names), 1), np.int32)
        for new, name in enumerate(order):
            rank[names[name]] = new
        return tuple(order), rank[raw]

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that occur, sorted."""
        return self._categories[0]

    @property
    def category_code(self) -> NDArray[np.int32]:
        """Index of each call's category in `categories`."""
        return self._categories[1]

    def row(self, index: int) -> Call:
        """One call as a frozen row."""
        return Call(**{name: array[index : index + 1].tolist()[0] for name, array in self.columns().items()})
