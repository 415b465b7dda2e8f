"""The ground under the desk: who is near, by the city's own streets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.city import City
from anlan.model import Positions

Place = Sequence[float]
"""Longitude and latitude, degrees."""


class Near(Protocol):
    """Anything that says how long people walk."""

    def walking(self, to: Place, places: Sequence[Place]) -> NDArray[np.float64]:
        """Seconds on foot from each place to one; inf where there is no way."""
        ...


class Ground:
    """A city's walking and driving times between places in degrees.

    Parameters
    ----------
    city : City
    """

    def __init__(self, city: City) -> None:
        self.city = city
        self._walk: Any = None
        self._known: dict[tuple[float, float], tuple[int, float]] = {}

    @property
    def walk(self) -> Any:
        """Travel on foot."""
        if self._walk is None:
            self._walk = self.city.travel(mode="walk").prepare()
        return self._walk

    def positions(self, places: Sequence[Place]) -> Positions:
        """Where places lie on the walking network; remembered, because premises do not move."""
        keys = [(float(p[0]), float(p[1])) for p in places]
        new = [k for k in dict.fromkeys(keys) if k not in self._known]
        if new:
            found, _ = self.city.snap([k[0] for k in new], [k[1] for k in new], mode="walk")
            self._known.update(
                zip(new, zip(found.edge.tolist(), found.offset_m.tolist(), strict=True), strict=True)
            )
        return Positions.make(
            edge=[self._known[k][0] for k in keys], offset_m=[self._known[k][1] for k in keys]
        )

    def walking(self, to: Place, places: Sequence[Place]) -> NDArray[np.float64]:
        """Seconds on foot from each place to one; inf where there is no way."""
        out = np.full(len(places), np.inf)
        if not places:
            return out
        target, origins = self.positions([to]), self.positions(places)
        on = np.flatnonzero(origins.edge >= 0)
        if target.edge[0] < 0 or not len(on):
            return out
        start = Positions.make(edge=origins.edge[on], offset_m=origins.offset_m[on])
        out[on] = self.walk.matrix(start, target)[:, 0]
        return out
