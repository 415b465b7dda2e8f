"""What the demo's model reads off the street network: centre-ness, water gaps, lively streets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from anlan.city.demo.kinds import PLACES, ROAD_GROUPS, Kind
from anlan.city.demo.roads import demo_roads
from anlan.city.roads import Roads
from anlan.core.columns import Bools, Floats
from anlan.core.seed import stream

GROUND_SEED = 8989
"""The demo city's ground is one and the same for every seed of the calls."""

CELL_M = 100.0
NEAR_M, FAR_M = 800.0, 4000.0
"""Two scales of street density whose geometric mean is centre-ness: the quarter and the part of town."""

CLUMP_M = 600.0
STREET_SPREAD, CLUMP_SPREAD = 0.9, 0.5
"""Log standard deviations of the street effect: street by street, and by clumps of streets."""

GAP_M, SHORE_M = 250.0, 400.0
"""A place farther than GAP_M from every street is a gap; a street within SHORE_M of one is waterside."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The street network and three fields on its edges.

    Attributes
    ----------
    roads : Roads
    centre : ndarray of float64, shape (n_edges,)
        Centre-ness, 0 to 1: density of ordinary streets around the edge.
    waterside : ndarray of bool, shape (n_edges,)
        Near a wide gap of the built-up network, which in this city is nearly always a river or a lake.
    street : ndarray of float64, shape (n_edges,)
        Street effect, mean 1: some streets are livelier than others that look alike on the map.
    """

    roads: Roads
    centre: Floats
    waterside: Bools
    street: Floats

    @property
    def mid_x(self) -> Floats:
        """Middle of each edge, metres."""
        return (self.roads.x[::2] + self.roads.x[1::2]) / 2

    @property
    def mid_y(self) -> Floats:
        """Middle of each edge, metres."""
        return (self.roads.y[::2] + self.roads.y[1::2]) / 2

    @cached_property
    def group(self) -> NDArray[np.object_]:
        """Group of each edge's road class."""
        names, code = np.unique(self.roads.edges.road_class.astype(str), return_inverse=True)
        return np.array([ROAD_GROUPS[n] for n in names.tolist()], dtype=object)[code]

    def share(self, kind: Kind, unevenness: float = 1.0) -> Floats:
        """Where a kind's background calls are: share of each edge, shape (n_edges,); sums to 1.

        Edge e has ``length_e · place(class_e) · centre_e ** kind.centre · street_e ** (kind.uneven ·
        unevenness)``.
        """
        rate = PLACES[kind.where]
        per_metre = np.select([self.group == g for g in rate], list(rate.values()), 0.0)
        weight = self.roads.edges.length_m * per_metre * self.centre**kind.centre
        if unevenness:
            weight *= self.street ** (kind.uneven * unevenness)
        if kind.waterside:
            weight = np.where(self.waterside, weight, 0.0)
        return np.asarray(weight / weight.sum())


@lru_cache(maxsize=1)
def ground() -> Ground:
    """The demo city's ground."""
    roads = demo_roads()
    mid_x, mid_y = (roads.x[::2] + roads.x[1::2]) / 2, (roads.y[::2] + roads.y[1::2]) / 2
    west, south = roads.node_x.min() - FAR_M, roads.node_y.min() - FAR_M
    shape = (
        int((roads.node_y.max() + FAR_M - south) / CELL_M) + 1,
        int((roads.node_x.max() + FAR_M - west) / CELL_M) + 1,
    )
    at = (((mid_y - south) / CELL_M).astype(int), ((mid_x - west) / CELL_M).astype(int))
    centre = _centre(roads, at, shape)
    rng = stream(GROUND_SEED, "streets")
    clump = gaussian_filter(rng.standard_normal(shape), CLUMP_M / CELL_M)
    effect = CLUMP_SPREAD * (clump / clump.std())[at] + STREET_SPREAD * rng.standard_normal(len(roads))
    spread = CLUMP_SPREAD**2 + STREET_SPREAD**2
    return Ground(roads, centre, _waterside(roads, at, shape, west, south), np.exp(effect - spread / 2))


Cells = tuple[NDArray[np.int64], NDArray[np.int64]]


def _centre(roads: Roads, at: Cells, shape: tuple[int, int]) -> Floats:
    ordinary = ~np.isin(roads.edges.road_class, [c for c, g in ROAD_GROUPS.items() if g == "fast"])
    metres = np.zeros(shape)
    np.add.at(metres, at, np.where(ordinary, roads.edges.length_m, 0.0))
    density = np.ones(len(roads))
    for scale in (NEAR_M, FAR_M):
        local = gaussian_filter(metres, scale / CELL_M)[at]
        density *= local / np.quantile(local, 0.99)
    return np.clip(np.sqrt(density), 0.0, 1.0)


def _waterside(roads: Roads, at: Cells, shape: tuple[int, int], west: float, south: float) -> Bools:
    """Edges near a wide gap where the network around is dense enough to be town, not countryside."""
    empty = np.ones(shape, bool)
    steps = np.maximum(1, np.ceil(roads.edges.length_m / (CELL_M / 2)).astype(int))
    owner = np.repeat(np.arange(len(roads)), steps)
    part = (np.arange(len(owner)) - np.repeat(np.cumsum(steps) - steps, steps) + 0.5) / steps[owner]
    x = roads.x[::2][owner] + part * (roads.x[1::2] - roads.x[::2])[owner]
    y = roads.y[::2][owner] + part * (roads.y[1::2] - roads.y[::2])[owner]
    empty[((y - south) / CELL_M).astype(int), ((x - west) / CELL_M).astype(int)] = False
    built = gaussian_filter((~empty).astype(float), 2000.0 / CELL_M)
    gap = (distance_transform_edt(empty) * CELL_M > GAP_M) & (built > 0.15)
    return np.asarray((distance_transform_edt(~gap) * CELL_M)[at] < SHORE_M)
