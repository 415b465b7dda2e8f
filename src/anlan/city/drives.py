"""What drives spend on each road class, by their fastest paths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anlan.city.ends import Place, direct_lines
from anlan.city.network import Network
from anlan.core.columns import Floats

Indices = NDArray[np.int64]
Served = Callable[[Network], tuple[Place, Indices]]
"""Gives, on a network, the places where drives start and which of them each drive starts at."""


def spent_by_class(
    network: Network,
    now: Network,
    *,
    served: Served,
    destinations: Place,
    slot: int | None,
    mode: str,
) -> Floats:
    """Seconds at the present speeds by class, and edges passed, on the fastest path of each drive.

    The paths are those of ``now``, the seconds those of ``network``; NaN where there is no way. Shape
    (n_drives, n_classes + 1).
    """
    names, code = network.classes
    running = network.edge_seconds(slot, mode) - network.profile.junction_s
    travel = now.travel(slot, mode)
    places, which = served(now)
    leave, arrive = travel.leaving(places, "origins")[which], travel.arriving(destinations, "destinations")
    edge = travel.arc_edges
    spent, side = travel.router.spend(leave, arrive, code[edge], running[edge], len(names))
    lost = side[:, 0] < 0
    for place, column in ((leave, 0), (arrive, 1)):
        on = np.flatnonzero((place.edge >= 0) & ~lost)
        e = place.edge[on]
        # Side 0 is along the edge: a leaving place has the rest of it before it, an arriving one its start.
        rest = (side[on, column] == 0) == (column == 0)
        share = np.where(rest, 1.0 - place.share[on], place.share[on])
        spent[on, code[e]] += share * running[e]
        spent[on, -1] += share
    line, ticks = direct_lines(leave, arrive, travel.edge_ticks)
    around = travel.router.pairs(leave[line], arrive[line])
    line = line[ticks <= around]
    share = np.abs(arrive.share[line] - leave.share[line])
    e = leave.edge[line]
    spent[line] = 0.0
    spent[line, code[e]] = share * running[e]
    spent[line, -1] = share
    lost[line] = False
    spent[lost] = np.nan
    return spent


class Mean:
    """Lines to observations: the weighted mean of the lines of each."""

    def __init__(self, rows: Indices, of: Indices, part: Floats, n: int) -> None:
        place = np.full(n, -1)
        place[rows] = np.arange(len(rows))
        self.line = np.flatnonzero(place[of] >= 0)
        self.of = place[of][self.line]
        total = np.bincount(self.of, part[self.line], len(rows))
        self.part = part[self.line] / total[self.of]
        self.n = len(rows)

    def __call__(self, spent: Floats) -> Floats:
        """Rows of the design: seconds by class, edges passed, and 1 for the delay."""
        columns = [np.bincount(self.of, self.part * c, self.n) for c in spent[self.line].T]
        return np.column_stack([*columns, np.ones(self.n)])
