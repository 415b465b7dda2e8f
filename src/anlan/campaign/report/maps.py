"""The report's maps: the city's streets with demand, hot spots or sites on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from anlan.campaign.report.basemap import Frame, street_paths
from anlan.city.roads import Roads
from anlan.core.text import Text


@dataclass(frozen=True)
class Base:
    """The frame of a report's maps and the streets in it."""

    frame: Frame
    minor: str
    main: str

    @classmethod
    def of(cls, roads: Roads, x: NDArray[np.float64], y: NDArray[np.float64]) -> Base:
        """Streets around some points (projected metres)."""
        frame = Frame.around(x, y)
        return cls(frame, *street_paths(roads, frame))

    def symbol(self) -> str:
        """The streets, to be placed once in the page."""
        return (
            f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><g id="streets">'
            f'<path class="minor" d="{self.minor}"/><path class="main" d="{self.main}"/></g></defs></svg>'
        )

    def map(self, body: str, title: Text) -> str:
        """A map with something drawn on the streets, a scale bar and the north at the top."""
        f = self.frame
        metres, length = f.scale_bar()
        name = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        x, y = f.width - length - 16, f.height - 14
        bar = (
            f'<path class="axis" d="M{x:.1f} {y - 5}v5h{length:.1f}v-5"/>'
            f'<text class="halo" x="{x + length / 2:.1f}" y="{y - 8}" text-anchor="middle">{name}</text>'
        )
        name_of = escape(str(title))
        return (
            f'<svg class="map" viewBox="0 0 {f.width} {f.height}" role="img" aria-label="{name_of}">'
            f'<use href="#streets"/>{body}{bar}</svg>'
        )

    def density(
        self,
        left: NDArray[np.float64],
        bottom: NDArray[np.float64],
        size_m: float,
        value: NDArray[np.float64],
    ) -> str:
        """Square cells, the darker the higher their value; the lowest are left out.

        Parameters
        ----------
        left, bottom : ndarray of float64
            Lower left corners, projected metres.
        size_m : float
        value : ndarray of float64
            Calls per km² and week.
        """
        top = float(np.quantile(value, 0.999)) if len(value) else 0.0
        if top <= 0:
            return ""
        # Eight steps of equal ratio: each cell is one rectangle in the group of its step.
        level = np.clip(np.floor(8 + np.log2(np.maximum(value, 1e-12) / top)), -1, 7).astype(int)
        x, y = self.frame.to_xy(left, bottom + size_m)
        side = size_m * self.frame.scale + 0.3
        out = []
        for k in range(8):
            rows = np.flatnonzero(level == k)
            if not len(rows):
                continue
            path = "".join(f"M{x[i]:.1f} {y[i]:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z" for i in rows)
            out.append(f'<path class="heat" fill-opacity="{0.07 + 0.08 * k:.2f}" d="{path}"/>')
        return "".join(out)

    def cells(self, left: NDArray[np.float64], bottom: NDArray[np.float64], size_m: float, css: str) -> str:
        """Square cells of one kind as one path; corners in projected metres."""
        if not len(left):
            return ""
        x, y = self.frame.to_xy(left, bottom + size_m)
        side = size_m * self.frame.scale + 0.2
        path = "".join(
            f"M{a:.1f} {b:.1f}h{side:.1f}v{side:.1f}h-{side:.1f}z" for a, b in zip(x, y, strict=True)
        )
        return f'<path class="cell {css}" d="{path}"/>'

    def streets(self, roads: Roads, edges: NDArray[np.integer], css: str) -> str:
        """Some street segments of one kind as one path."""
        if not len(edges):
            return ""
        x, y = self.frame.to_xy(roads.x, roads.y)
        out = []
        for k in np.asarray(edges).tolist():
            a, b = int(roads.start[k]), int(roads.start[k + 1])
            out.append("M" + "L".join(f"{p:.1f} {q:.1f}" for p, q in zip(x[a:b], y[a:b], strict=True)))
        return f'<path class="street {css}" d="{"".join(out)}"/>'

    def shapes(self, rings: Sequence[NDArray[np.float64]], css: str, name: str = "") -> str:
        """Outlines of areas: rings of projected metres, each of shape (n, 2)."""
        out = []
        for ring in rings:
            x, y = self.frame.to_xy(ring[:, 0], ring[:, 1])
            out.append("M" + "L".join(f"{p:.1f} {q:.1f}" for p, q in zip(x, y, strict=True)) + "z")
        title = f"<title>{escape(name)}</title>" if name else ""
        return f'<path class="zone {css}" fill-rule="evenodd" d="{"".join(out)}">{title}</path>'

    def frames(self, left: NDArray[np.float64], bottom: NDArray[np.float64], size_m: float) -> str:
        """Numbered frames around cells, in the order given."""
        x, y = self.frame.to_xy(left, bottom + size_m)
        side = max(size_m * self.frame.scale, 7.0)
        out: list[str] = []
        told: list[tuple[float, float]] = []
        for k, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True), start=1):
            out.append(
                f'<rect class="hotcell" x="{a:.1f}" y="{b:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
            )
            # Of frames that crowd together the first has its number; the others would print over it.
            if all(abs(a - p) > 26 or abs(b - q) > 14 for p, q in told):
                told.append((a, b))
                out.append(f'<text class="halo" x="{a + side + 2:.1f}" y="{b + side / 2 + 4:.1f}">{k}</text>')
        return "".join(out)

    def squares(self, x: NDArray[np.float64], y: NDArray[np.float64], names: Sequence[str]) -> str:
        """Present sites."""
        a, b = self.frame.to_xy(x, y)
        return "".join(
            f'<rect class="site present" x="{p - 5:.1f}" y="{q - 5:.1f}" width="10" height="10">'
            f"<title>{escape(n)}</title></rect>"
            for p, q, n in zip(a, b, names, strict=True)
        )

    def dots(self, x: NDArray[np.float64], y: NDArray[np.float64], names: Sequence[str]) -> str:
        """Proposed sites."""
        a, b = self.frame.to_xy(x, y)
        return "".join(
            f'<circle class="site proposed" cx="{p:.1f}" cy="{q:.1f}" r="5">'
            f"<title>{escape(n)}</title></circle>"
            for p, q, n in zip(a, b, names, strict=True)
        )
