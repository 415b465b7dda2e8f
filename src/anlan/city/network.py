"""The network: streets made routable once, customised for each mode, hour and set of closures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from anlan.city.ends import EdgeTicks
from anlan.city.roads import Roads
from anlan.city.speed import SpeedProfile
from anlan.city.ticks import to_ticks
from anlan.city.travel import Travel
from anlan.core.columns import Bools, Floats
from anlan.core.errors import AnlanError
from anlan.kernels.routing import hierarchy
from anlan.kernels.routing.hierarchy import Topology

KMH = 1.0 / 3.6
"""Metres per second in a km/h."""

KEPT_NODES = 4_000_000
"""Customised networks are kept for the next call as long as they have about so many nodes in all."""


@dataclass(frozen=True, slots=True)
class CoreReport:
    """What lies outside the strongly connected core and is therefore not routed on.

    The core is the largest set of junctions each of which reaches every other one. Outside lie pieces of
    the map that touch nothing else, and one-way traps.

    Attributes
    ----------
    nodes, edges : int
        Usable junctions and edges in all.
    length_km : float
    nodes_cut, edges_cut : int
    length_cut_km : float
    """

    nodes: int
    edges: int
    length_km: float
    nodes_cut: int
    edges_cut: int
    length_cut_km: float

    @property
    def share_cut(self) -> float:
        """Share of the usable length that was cut."""
        return self.length_cut_km / self.length_km if self.length_km else 0.0

    def __str__(self) -> str:
        return (
            f"{self.nodes_cut:,} of {self.nodes:,} junctions and {self.length_cut_km:,.1f} of "
            f"{self.length_km:,.1f} km lie outside the connected core"
        )


class _Ground:
    """The arcs of one way of moving (driving or walking) inside its core, and their topology."""

    def __init__(self, roads: Roads, forward: Bools, backward: Bools) -> None:
        e, n = roads.edges, roads.n_nodes
        usable = forward | backward
        edge = np.concatenate([np.flatnonzero(forward), np.flatnonzero(backward)])
        back = np.concatenate([np.zeros(int(forward.sum()), bool), np.ones(int(backward.sum()), bool)])
        tail, head = np.where(back, e.v[edge], e.u[edge]), np.where(back, e.u[edge], e.v[edge])
        touched = np.zeros(n, bool)
        touched[tail] = touched[head] = True
        self.core = np.zeros(n, bool)
        if len(edge):
            plain = tail != head
            ones = np.ones(int(plain.sum()), np.float32)
            graph = sparse.coo_array((ones, (tail[plain], head[plain])), shape=(n, n)).tocsr()
            _, label = connected_components(graph, directed=True, connection="strong")
            self.core = label == np.bincount(label[touched]).argmax()
        self.inside = usable & self.core[e.u] & self.core[e.v]
        keep = self.inside[edge]
        self.n_nodes, self.edge, self.backward = n, edge[keep], back[keep]
        self.tail, self.head = tail[keep].astype(np.int32), head[keep].astype(np.int32)
        km = e.length_m / 1000.0
        self.report = CoreReport(
            nodes=int(touched.sum()),
            edges=int(usable.sum()),
            length_km=float(km[usable].sum()),
            nodes_cut=int((touched & ~self.core).sum()),
            edges_cut=int((usable & ~self.inside).sum()),
            length_cut_km=float(km[usable & ~self.inside].sum()),
        )

    def shape(self) -> tuple[Topology, NDArray[np.int32]]:
        """The topology and where the arcs enter it; built at the first call."""
        return self._shape

    @cached_property
    def _shape(self) -> tuple[Topology, NDArray[np.int32]]:
        built = hierarchy.build(self.n_nodes, self.tail, self.head)
        return built, hierarchy.slots(built, self.tail, self.head)


class Network:
    """Streets with a speed profile.

    Parameters
    ----------
    roads : Roads
    profile : SpeedProfile, optional
        Road-class defaults where not given.
    """

    def __init__(self, roads: Roads, profile: SpeedProfile | None = None) -> None:
        self.roads = roads
        self.profile = SpeedProfile() if profile is None else profile
        self._made: OrderedDict[tuple[object, ...], Travel] = OrderedDict()

    def travel(self, slot: int | None = None, mode: str = "lights", closed: Iterable[int] = ()) -> Travel:
        """Travel times in an hour of the week and a mode.

        Parameters
        ----------
        slot : int, optional
            Hour of the week, 0 is Monday 00:00; None takes the profile's base speeds.
        mode : {"lights", "ordinary", "walk"}
            ``walk`` keeps footways and ignores one-ways.
        closed : iterable of int, optional
            Rows of edges that are closed in both directions.

        Raises
        ------
        AnlanError
            If there is no such slot, mode or edge.
        """
        factors = self.profile.factors(self.classes[0], slot, mode)
        shut = tuple(sorted({int(e) for e in closed}))
        if shut and not 0 <= shut[0] <= shut[-1] < len(self.roads):
            raise AnlanError(
                f"closed edge {shut[0] if shut[0] < 0 else shut[-1]}",
                f"the network's edges are 0 … {len(self.roads) - 1}",
                "give rows of its roads",
                code="edge_range",
            )
        key = (mode == "walk", factors, shut)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._customised(mode, np.array(factors), shut)
            while len(self._made) > max(4, min(64, KEPT_NODES // max(self.roads.n_nodes, 1))):
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(key)
        return found

    def with_profile(self, profile: SpeedProfile) -> Network:
        """The same streets with other speeds; what does not depend on speeds is shared."""
        other = Network(self.roads, profile)
        for part in ("classes", "_drive", "_walk"):
            if part in self.__dict__:
                other.__dict__[part] = self.__dict__[part]
        return other

    @property
    def core_report(self) -> CoreReport:
        """What driving cannot use, see `CoreReport`."""
        return self._drive.report

    @property
    def walk_core_report(self) -> CoreReport:
        """What walking cannot use."""
        return self._walk.report

    @property
    def core(self) -> Bools:
        """Whether each junction lies in the driving core, shape (n_nodes,)."""
        return self._drive.core

    @property
    def core_edges(self) -> Bools:
        """Whether each edge can be driven within the core, shape (n_edges,)."""
        return self._drive.inside

    def edge_seconds(self, slot: int | None = None, mode: str = "lights") -> Floats:
        """Seconds along each edge before rounding and direction, shape (n_edges,)."""
        return self._edge_seconds(mode, np.array(self.profile.factors(self.classes[0], slot, mode)))

    # -- inside ---------------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> tuple[list[str], NDArray[np.intp]]:
        """The road classes that occur, sorted, and the number of each edge's class in them."""
        names, code = np.unique(self.roads.edges.road_class.astype(str), return_inverse=True)
        return [str(n) for n in names], code

    @cached_property
    def _drive(self) -> _Ground:
        e = self.roads.edges
        return _Ground(self.roads, e.forward, e.backward)

    @cached_property
    def _walk(self) -> _Ground:
        return _Ground(self.roads, self.roads.edges.foot, self.roads.edges.foot)

    def _edge_seconds(self, mode: str, factors: Floats) -> Floats:
        e, p = self.roads.edges, self.profile
        if mode == "walk":
            return e.length_m / (p.walk_kmh * KMH)
        if not len(e):
            return np.empty(0)
        return (
            e.length_m / (p.base_kmh(e.road_class, e.speed_kmh) * factors[self.classes[1]] * KMH)
            + p.junction_s
        )

    def _customised(self, mode: str, factors: Floats, shut: tuple[int, ...]) -> Travel:
        ground = self._walk if mode == "walk" else self._drive
        e = self.roads.edges
        edge_s = self._edge_seconds(mode, factors)
        edge_s[list(shut)] = np.inf
        time_s = edge_s[ground.edge]
        ticks, tick_s = to_ticks(self.roads.n_nodes, ground.tail, ground.head, time_s)
        both = np.full((2, len(e)), EdgeTicks.CLOSED, np.int32)
        both[ground.backward.astype(np.int64), ground.edge] = ticks
        return Travel(
            self.roads.n_nodes,
            ground.tail,
            ground.head,
            ticks,
            tick_s,
            edges=EdgeTicks(e.u, e.v, both[0], both[1], e.length_m),
            arc_edge=ground.edge,
            roads=self.roads,
            shape=ground.shape,
        )
