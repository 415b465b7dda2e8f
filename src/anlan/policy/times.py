"""Travel times between places of a board, in the whole ticks that the simulation counts in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anlan.city.ends import Ends, direct, direct_lines
from anlan.city.travel import Travel
from anlan.core.columns import Floats
from anlan.core.errors import AnlanError
from anlan.kernels.routing.customise import INF
from anlan.model.board import Where
from anlan.model.position import Positions


class Matrix(Protocol):
    """What any source of travel times offers: seconds from each origin to each destination."""

    def matrix(self, origins: Any, destinations: Any) -> NDArray[Any]:
        """Shape (n_origins, n_destinations); inf where there is no way."""
        ...


def modes_of(travel: Any) -> dict[str, Any]:
    """Travel modes by name, from one object or a mapping."""
    return dict(travel) if isinstance(travel, Mapping) else {"ordinary": travel}


class Times:
    """Travel times of one mode.

    With a `Travel` they are exactly those of `anlan.simulation`: whole ticks along the network, times between
    a place and its street rounded to ticks, and only their sum turned into seconds. So two units that tie in
    the simulation tie here. Any other object with a ``matrix`` serves too, to the precision of its seconds.

    Parameters
    ----------
    travel : Travel or Matrix
    """

    def __init__(self, travel: Travel | Matrix) -> None:
        self.travel = travel

    def to_one(self, origins: Where, destination: Where) -> Floats:
        """Seconds from each origin to one destination, shape (n_origins,); inf where there is no way."""
        if not isinstance(self.travel, Travel):
            return self._by_matrix(origins, destination)[:, 0]
        t = self.travel
        leave, arrive = _ends(t, origins, leaving=True), _ends(t, destination, leaving=False)
        ticks = t.router.toward(leave, arrive).astype(np.int64)
        row, _, beside = direct(leave, arrive, t.edge_ticks)
        np.minimum.at(ticks, row, beside)
        return self._seconds(ticks)

    def from_one(self, origin: Where, destinations: Where) -> Floats:
        """Seconds from one origin to each destination, shape (n_destinations,)."""
        if not isinstance(self.travel, Travel):
            return self._by_matrix(origin, destinations)[0]
        t = self.travel
        rows = np.zeros(len(destinations), np.int64)
        leave, arrive = _ends(t, origin, leaving=True)[rows], _ends(t, destinations, leaving=False)
        ticks = t.router.pairs(leave, arrive).astype(np.int64)
        line, beside = direct_lines(leave, arrive, t.edge_ticks)
        ticks[line] = np.minimum(ticks[line], beside)
        return self._seconds(ticks)

    def within(self, origins: Where, destinations: Where, reach_s: float) -> NDArray[np.bool_]:
        """Which destinations each origin reaches in time, shape (n_destinations, n_origins).

        A place exactly on the limit is reached.
        """
        if not isinstance(self.travel, Travel):
            return reach_s + 1e-9 >= self._by_matrix(origins, destinations).T
        t = self.travel
        leave, arrive = _ends(t, origins, leaving=True), _ends(t, destinations, leaving=False)
        seconds = t.router.cost(leave, arrive)
        # Seconds are float32: below 2^24 ticks (28 minutes) the ticks come back exactly.
        far = np.isinf(seconds)
        ticks = np.rint(np.where(far, 0.0, seconds) / t.tick_s).astype(np.int64)
        ticks[far] = int(INF)
        row, column, beside = direct(leave, arrive, t.edge_ticks)
        np.minimum.at(ticks, (column, row), beside)
        return self._seconds(ticks) <= reach_s + 1e-9

    def _seconds(self, ticks: NDArray[np.int64]) -> Floats:
        assert isinstance(self.travel, Travel)
        return np.where(ticks >= INF, np.inf, ticks * self.travel.tick_s)

    def _by_matrix(self, origins: Where, destinations: Where) -> Floats:
        out = np.full((len(origins), len(destinations)), np.inf)
        for rows, a in _groups(origins):
            for columns, b in _groups(destinations):
                out[np.ix_(rows, columns)] = self.travel.matrix(a, b)
        return out + origins.off_road_s[:, None] + destinations.off_road_s[None, :]


def _groups(where: Where) -> list[tuple[NDArray[np.int64], Any]]:
    """Junctions and positions apart, with their rows."""
    out: list[tuple[NDArray[np.int64], Any]] = []
    rows = np.flatnonzero(where.node >= 0)
    if len(rows):
        out.append((rows, where.node[rows]))
    rows = np.flatnonzero(where.edge >= 0)
    if len(rows):
        out.append((rows, Positions(where.edge[rows], where.offset_m[rows])))
    return out


def _ends(travel: Travel, where: Where, *, leaving: bool) -> Ends:
    """Junctions by which places are left or reached, the way off the road included."""
    n = len(where)
    node, ticks = np.full((n, 2), -1, np.int32), np.zeros((n, 2), np.int32)
    edge, share = np.full(n, -1, np.int32), np.zeros(n)
    side = travel.leaving if leaving else travel.arriving
    for rows, place in _groups(where):
        some = side(place, "a place on the board")
        node[rows], ticks[rows], edge[rows], share[rows] = some.node, some.ticks, some.edge, some.share
    off = where.off_road_s
    if off.any():
        ticks += np.floor(off / travel.tick_s + 0.5).astype(np.int32)[:, None]
    return Ends(node, ticks, edge, share)


def checked(modes: Mapping[str, Any], name: str) -> Any:
    """The travel object of a mode.

    Raises
    ------
    AnlanError
        If there is none of this name.
    """
    if name not in modes:
        raise AnlanError(
            f"mode {name!r}",
            "there is no such travel mode",
            f"use one of {', '.join(modes)}",
            code="mode_unknown",
        )
    return modes[name]
