"""A position on the road network: which edge, and how far along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anlan.core.columns import Columns


@dataclass(frozen=True, eq=False)
class Positions(Columns):
    """Snapped positions.

    Attributes
    ----------
    edge : ndarray of int32
        Row of the city's roads; -1 where the thing is not on the network.
    offset_m : ndarray of float64
        Metres along the edge from its first node, between 0 and the edge's length.
    """

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]

    DTYPES: ClassVar[Mapping[str, Any]] = {"edge": np.int32, "offset_m": np.float64}
