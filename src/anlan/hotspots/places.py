"""Places: any division of the ground that calls fall into — cells, street segments or areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.city.roads import Roads
from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.model import Calls


class Places(Protocol):
    """What every division of the ground can say; `Cells`, `Streets` and `Districts` do."""

    def __len__(self) -> int:
        """Number of places."""
        ...

    @property
    def measure(self) -> Floats:
        """What a budget is counted in, shape (n_place,): m² of ground or metres of street."""
        ...

    def of_calls(self, calls: Calls) -> NDArray[np.int64]:
        """Place of each call, shape (n_call,); -1 where it is in none."""
        ...

    def ids(self, index: NDArray[np.integer] | None = None) -> Strings:
        """Ids of places; all of them by default."""
        ...


@dataclass(frozen=True, eq=False)
class Streets:
    """Street segments as places: a call belongs to the edge it was snapped to.

    Parameters
    ----------
    roads : Roads
    """

    roads: Roads

    def __len__(self) -> int:
        return len(self.roads)

    @property
    def measure(self) -> Floats:
        """Length of each segment, metres."""
        return self.roads.edges.length_m

    def of_calls(self, calls: Calls) -> NDArray[np.int64]:
        """Edge of each call; -1 where it was not snapped."""
        edge = calls.edge.astype(np.int64)
        if len(edge) and edge.max() >= len(self):
            raise AnlanError(
                f"edge {int(edge.max())} of a call",
                f"the roads have {len(self)} edges",
                "snap the calls to these roads",
                code="edge",
            )
        return edge

    def ids(self, index: NDArray[np.integer] | None = None) -> Strings:
        """Ids of the edges."""
        own = self.roads.edges.id
        return own if index is None else own[index]


@dataclass(frozen=True, eq=False)
class Districts:
    """Areas as places: a call belongs to the area whose code it carries.

    Attributes
    ----------
    code : ndarray of str, shape (n_place,)
    measure : ndarray of float64, shape (n_place,)
        m² of each area, or residents, or 1: what a budget is counted in.
    """

    code: Strings
    measure: Floats

    @classmethod
    def of(cls, calls: Calls) -> Districts:
        """The areas that occur in calls, each counting 1."""
        code = np.array(sorted(set(calls.area.tolist()) - {""}), dtype=object)
        return cls(code, np.ones(len(code)))

    def __len__(self) -> int:
        return len(self.code)

    def of_calls(self, calls: Calls) -> NDArray[np.int64]:
        """Area of each call; -1 where it carries none of these codes."""
        rows = {code: row for row, code in enumerate(self.code.tolist())}
        return np.fromiter((rows.get(a, -1) for a in calls.area.tolist()), np.int64, count=len(calls))

    def ids(self, index: NDArray[np.integer] | None = None) -> Strings:
        """Codes of the areas."""
        return self.code if index is None else self.code[index]
