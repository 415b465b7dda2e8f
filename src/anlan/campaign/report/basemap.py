"""The city's own streets as one SVG symbol, drawn once in a report and reused by each of its maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.city.roads import Roads

MAIN_CLASSES = ("motorway", "trunk", "primary", "secondary")
"""OpenStreetMap classes drawn strongly (their ``_link`` roads go with them)."""

_WIDTH = 1000


@dataclass(frozen=True)
class Frame:
    """The window of a map: projected metres to drawing units, y downwards.

    Attributes
    ----------
    left, top : float
        Projected coordinates (metres) of the upper left corner.
    scale : float
        Drawing units a metre.
    width, height : int
        Size in drawing units.
    """

    left: float
    top: float
    scale: float
    width: int
    height: int

    @classmethod
    def around(cls, x: NDArray[np.float64], y: NDArray[np.float64], margin: float = 0.03) -> Frame:
        """A frame around the middle 99.8 % of points in each direction, with a margin."""
        left, right = np.quantile(x, [0.001, 0.999])
        bottom, top = np.quantile(y, [0.001, 0.999])
        pad = margin * max(right - left, top - bottom, 1.0)
        left, right, bottom, top = left - pad, right + pad, bottom - pad, top + pad
        # A city of any shape fits a page: never taller than 1.1 times its width.
        span = max(right - left, (top - bottom) / 1.1)
        left -= (span - (right - left)) / 2
        scale = _WIDTH / span
        return cls(float(left), float(top), float(scale), _WIDTH, max(int((top - bottom) * scale), 1))

    def to_xy(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Drawing coordinates of projected points."""
        return (np.asarray(x) - self.left) * self.scale, (self.top - np.asarray(y)) * self.scale

    def scale_bar(self) -> tuple[float, float]:
        """A round distance (metres) of about a fifth of the width, and its length in drawing units."""
        target = self.width / 5 / self.scale
        power = 10.0 ** np.floor(np.log10(target))
        metres = max(m * power for m in (1, 2, 5) if m * power <= target)
        return float(metres), float(metres * self.scale)


def street_paths(roads: Roads, frame: Frame) -> tuple[str, str]:
    """SVG path data of the minor and of the main drivable streets.

    Vertices are rounded to drawing units (tens of metres on a city map), repeated ones are left out, and
    so are streets that shrink to a point: the drawing is a background, not a data set.
    """
    edges = roads.edges
    base = np.array([c.removesuffix("_link") in MAIN_CLASSES for c in edges.road_class.tolist()], dtype=bool)
    x, y = frame.to_xy(roads.x, roads.y)
    xi, yi = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    drawn = roads.drivable
    return _path(roads.start, xi, yi, drawn & ~base, frame), _path(roads.start, xi, yi, drawn & base, frame)


def _path(
    start: NDArray[np.int64],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    keep: NDArray[np.bool_],
    frame: Frame,
) -> str:
    counts = np.diff(start)
    edge_of = np.repeat(np.arange(len(counts)), counts)
    inside = (x >= 0) & (x <= frame.width) & (y >= 0) & (y <= frame.height)
    # Segments between neighbouring vertices of one edge, each distinct pair of cells drawn once.
    a, b = np.arange(len(x) - 1), np.arange(1, len(x))
    use = (edge_of[a] == edge_of[b]) & keep[edge_of[a]] & inside[a] & inside[b]
    use &= (x[a] != x[b]) | (y[a] != y[b])
    a, b = a[use], b[use]
    here, there = y[a] * 65536 + x[a], y[b] * 65536 + x[b]
    pair = np.minimum(here, there) * (1 << 32) + np.maximum(here, there)
    _, first = np.unique(pair, return_index=True)
    first.sort()
    a, b = a[first], b[first]
    out: list[str] = []
    at = (-1, -1)
    for ax, ay, bx, by in zip(x[a].tolist(), y[a].tolist(), x[b].tolist(), y[b].tolist(), strict=True):
        if (ax, ay) != at:
            out.append(f"M{ax} {ay}")
        out.append(f"l{bx - ax} {by - ay}")
        at = (bx, by)
    return "".join(out)
