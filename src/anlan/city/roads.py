"""The street network: edges between junctions, with their shape, class, directions and speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Bools, Columns, Floats, Strings


@dataclass(frozen=True, eq=False)
class Edges(Columns):
    """Street edges as column arrays; an edge runs from node ``u`` to node ``v``.

    Attributes
    ----------
    id : ndarray of str
        The source's id of the street piece.
    u, v : ndarray of int32
        Node indexes, 0 … n_nodes-1.
    road_class : ndarray of str
        OpenStreetMap's ``highway`` value or the source's own word, lower case.
    forward, backward : ndarray of bool
        Whether it may be driven from u to v, and from v to u.
    foot : ndarray of bool
        Whether it may be walked (in both directions).
    speed_kmh : ndarray of float64
        Posted or measured speed; NaN where unknown (the speed profile's class default applies).
    length_m : ndarray of float64
    name, name_en : ndarray of str
        The street's name in the local language, and in English where given.
    """

    id: Strings
    u: NDArray[np.int32]
    v: NDArray[np.int32]
    road_class: Strings
    forward: Bools
    backward: Bools
    foot: Bools
    speed_kmh: Floats
    length_m: Floats
    name: Strings
    name_en: Strings

    DTYPES: ClassVar[Mapping[str, Any]] = {
        "id": object,
        "u": np.int32,
        "v": np.int32,
        "road_class": object,
        "forward": np.bool_,
        "backward": np.bool_,
        "foot": np.bool_,
        "speed_kmh": np.float64,
        "length_m": np.float64,
        "name": object,
        "name_en": object,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "forward": True,
        "backward": True,
        "foot": True,
        "speed_kmh": np.nan,
        "name": "",
        "name_en": "",
    }


@dataclass(frozen=True, eq=False)
class Roads:
    """A street network.

    Attributes
    ----------
    edges : Edges
    start : ndarray of int64, shape (n_edges + 1,)
        Vertices ``start[e]:start[e + 1]`` are edge e's shape, from u to v.
    x, y : ndarray of float64
        All vertices, metres in the city's projected coordinate system.
    node_x, node_y : ndarray of float64, shape (n_nodes,)
        Junctions, the same units.
    """

    edges: Edges
    start: NDArray[np.int64]
    x: Floats
    y: Floats
    node_x: Floats
    node_y: Floats

    def __post_init__(self) -> None:
        if len(self.start) != len(self.edges) + 1 or self.start[-1] != len(self.x):
            raise ValueError("the vertex index does not match the edges")
        if len(self.edges) and int(max(self.edges.u.max(), self.edges.v.max())) >= len(self.node_x):
            raise ValueError("an edge names a node that does not exist")

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def n_nodes(self) -> int:
        """Number of junctions."""
        return len(self.node_x)

    @property
    def drivable(self) -> Bools:
        """Whether each edge may be driven in at least one direction."""
        return self.edges.forward | self.edges.backward
