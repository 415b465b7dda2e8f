"""A path through the network: its junctions, the time at each, and its shape for drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Floats


@dataclass(frozen=True, eq=False)
class Path:
    """The fastest way from one place to another.

    Attributes
    ----------
    travel_s : float
        Seconds from start to finish; inf where there is no way (then everything else is empty).
    nodes : ndarray of int32, shape (n_nodes_on_path,)
        Junctions in order; empty where both places lie on one edge and no junction is passed.
    node_s : ndarray of float64, shape (n_nodes_on_path,)
        Seconds since departure at each of them.
    x, y : ndarray of float64, shape (n_vertices,)
        The shape, metres in the city's projected coordinates, from the start to the finish; empty where
        the network has no coordinates.
    vertex_s : ndarray of float64, shape (n_vertices,)
        Seconds since departure at each vertex: where a unit is at any time is one interpolation away.
    """

    travel_s: float
    nodes: NDArray[np.int32]
    node_s: Floats
    x: Floats
    y: Floats
    vertex_s: Floats

    @property
    def reachable(self) -> bool:
        """Whether there is a way."""
        return bool(np.isfinite(self.travel_s))

    def at(self, seconds: float) -> tuple[float, float]:
        """Coordinates after so many seconds of travel; the ends hold before and after."""
        return (
            float(np.interp(seconds, self.vertex_s, self.x)),
            float(np.interp(seconds, self.vertex_s, self.y)),
        )


def no_path() -> Path:
    """The path between places that no way connects."""
    none = np.empty(0)
    return Path(np.inf, np.empty(0, np.int32), none, none, none, none)
