"""Places: any division of the ground that calls fall into — cells, street segments or areas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.city.roads import Roads
from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.model import Areas, Calls


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
    """Areas as places: a call belongs to the area whose code it carries, or to the one that this lies in.

    Attributes
    ----------
    code : ndarray of str, shape (n_place,)
    measure : ndarray of float64, shape (n_place,)
        m² of each area, or residents, or 1: what a budget is counted in.
    within : mapping of str to str
        Codes that calls carry to the code of the area around; a code that is not named stands for itself.
    """

    code: Strings
    measure: Floats
    within: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, calls: Calls) -> Districts:
        """The areas that occur in calls, each counting 1."""
        code = np.array(sorted(set(calls.area.tolist()) - {""}), dtype=object)
        return cls(code, np.ones(len(code)))

    @classmethod
    def at_level(cls, areas: Areas, level: str) -> Districts:
        """The areas of a level, each counting 1 and holding the calls of all areas below it.

        Raises
        ------
        AnlanError
            If there are none of that level, or the areas are not a tree.
        """
        code = areas.code[areas.level == level]
        if not len(code):
            raise AnlanError(
                f"areas of level {level!r}",
                "there are none; there are " + (", ".join(sorted(set(areas.level.tolist()))) or "no areas"),
                "name one of these levels",
                code="level",
            )
        parent = dict(zip(areas.code.tolist(), areas.parent.tolist(), strict=True))
        chosen, within = set(code.tolist()), {}
        for own in parent:
            above, seen = own, 0
            while above not in chosen and above in parent:
                above, seen = parent[above], seen + 1
                if seen > len(parent):
                    raise AnlanError(
                        f"area {own}",
                        "it lies within itself",
                        "correct the parents of the areas",
                        code="areas",
                    )
            if above in chosen:
                within[own] = above
        return cls(code, np.ones(len(code)), within)

    def __len__(self) -> int:
        return len(self.code)

    def of_calls(self, calls: Calls) -> NDArray[np.int64]:
        """Area of each call; -1 where it carries none of these codes and lies in none of them."""
        rows = {code: row for row, code in enumerate(self.code.tolist())}
        rows |= {own: rows[above] for own, above in self.within.items() if above in rows}
        return np.fromiter((rows.get(a, -1) for a in calls.area.tolist()), np.int64, count=len(calls))

    def ids(self, index: NDArray[np.integer] | None = None) -> Strings:
        """Codes of the areas."""
        return self.code if index is None else self.code[index]
