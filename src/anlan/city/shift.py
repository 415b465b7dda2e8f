"""Whether points sit consistently off the roads, the signature of an undeclared coordinate system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.city.finding import Finding
from anlan.core.columns import Floats
from anlan.core.coordinates import distance_m, from_wgs84, in_china, to_wgs84
from anlan.core.seed import stream

CANDIDATES = ("wgs84", "gcj02", "bd09")
_SAMPLE = 2000
_FEWEST = 30
# On Wuhan's streets these found every shift of 200 places with up to 60 m of noise, and raised no false
# alarm in 1,200 draws (docs/benchmarks/shift.md).
_RATIO = 0.7
_SIGMAS = 4.0

Snap = Callable[[Floats, Floats], Floats]
"""Metres from points (longitude and latitude, WGS-84) to the nearest road."""


@dataclass(frozen=True)
class Shift:
    """How far points lie from the roads, as given and read in other coordinate systems.

    Attributes
    ----------
    given : str
        The system in which the numbers were read.
    likely : str
        The system in which they lie nearest to the roads beyond doubt; ``given`` where there is doubt.
    points : int
        Different places that were compared.
    distance_m : mapping of str to float
        System → median distance to the nearest road.
    apart_m : float
        Mean distance between the points read in ``given`` and in ``likely``.
    """

    given: str
    likely: str
    points: int
    distance_m: dict[str, float]
    apart_m: float

    @property
    def suspicious(self) -> bool:
        """Whether another system than the given one is likely."""
        return self.likely != self.given

    def finding(self) -> Finding | None:
        """The loud warning, with both numbers and the option to pass; None where there is nothing to say."""
        if not self.suspicious:
            return None
        now, then = self.distance_m[self.given], self.distance_m[self.likely]
        return Finding(
            "warning",
            "coordinates_shifted",
            f"THE CALLS ARE SHIFTED by about {self.apart_m:.0f} m: read as {self.given} they lie"
            f" {now:.0f} m from the roads (median of {self.points} places), read as {self.likely} only"
            f" {then:.0f} m. Read the file again with --coordinates {self.likely}"
            f" (coordinate_system={self.likely!r} from Python).",
            f"警情点位整体偏移约 {self.apart_m:.0f} 米：按 {self.given} 读取距道路 {now:.0f} 米"
            f"（{self.points} 处的中位数），按 {self.likely} 读取仅 {then:.0f} 米。"
            f"请用 --coordinates {self.likely}（Python 中为 coordinate_system={self.likely!r}）重新读取。",
            self.points,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "given": self.given,
            "likely": self.likely,
            "points": self.points,
            "distance_m": {k: round(v, 1) for k, v in self.distance_m.items()},
            "apart_m": round(self.apart_m, 1),
        }


def find_shift(lon: Floats, lat: Floats, snap: Snap, given: str = "wgs84") -> Shift | None:
    """Compare distances to the roads under each coordinate system that the numbers could have been in.

    Another system is likely where it brings the median distance below 0.7 of the given one's and more
    places nearer than farther by four standard deviations of a sign test. A sample of at most 2,000
    different places is compared, always the same one.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (n,)
        Degrees, WGS-84, as they were read.
    snap : callable
    given : str
        The system in which the numbers were read.

    Returns
    -------
    Shift or None
        None where fewer than 30 different places lie in China, for elsewhere the systems agree.
    """
    known = in_china(lon, lat)
    places = np.unique(np.round(np.column_stack([lon[known], lat[known]]), 5), axis=0)
    if len(places) < _FEWEST:
        return None
    if len(places) > _SAMPLE:
        places = places[stream(0, "shift").choice(len(places), _SAMPLE, replace=False)]
    given = "wgs84" if given in ("", "cgcs2000") else given
    numbers = from_wgs84(places[:, 0], places[:, 1], given)
    read = {system: to_wgs84(*numbers, system) for system in CANDIDATES}
    away = {system: snap(*points) for system, points in read.items()}
    medians = {system: float(np.median(distance)) for system, distance in away.items()}
    best = min(CANDIDATES, key=lambda system: medians[system])
    likely = given
    if best != given and medians[best] < _RATIO * medians[given]:
        nearer, farther = int(np.sum(away[best] < away[given])), int(np.sum(away[best] > away[given]))
        if nearer - farther > _SIGMAS * np.sqrt(nearer + farther):
            likely = best
    apart = float(np.mean(distance_m(*read[given], *read[likely])))
    return Shift(given, likely, len(places), medians, apart)
