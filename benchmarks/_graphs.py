"""Road graphs for benchmarks: the Wuhan streets, and a synthetic country of any size."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

from anlan.city.hilbert import hilbert

Array = NDArray[Any]


@dataclass(frozen=True)
class Graph:
    """Directed arcs with seconds; strongly connected."""

    name: str
    n_nodes: int
    tail: Array
    head: Array
    seconds: Array
    xy: Array

    def csr(self) -> sparse.csr_array:
        """The fastest arc of each pair as SciPy's CSR."""
        from anlan.city import Travel

        return Travel.from_arcs(self.n_nodes, self.tail, self.head, self.seconds).graph_csr()


def strongly_connected(name: str, tail: Array, head: Array, seconds: Array, xy: Array) -> Graph:
    """The largest strongly connected part, renumbered along a Hilbert curve, which suits every router."""
    n = len(xy)
    graph = sparse.coo_array((np.ones(len(tail), np.float32), (tail, head)), shape=(n, n)).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    keep = label == np.bincount(label).argmax()
    kept = np.flatnonzero(keep)
    kept = kept[np.argsort(hilbert(xy[kept, 0], xy[kept, 1]), kind="stable")]
    number = np.full(n, -1)
    number[kept] = np.arange(len(kept))
    both = keep[tail] & keep[head]
    return Graph(name, len(kept), number[tail[both]], number[head[both]], seconds[both], xy[kept])


def wuhan() -> Graph | None:
    """The streets of the Wuhan urban area (ODbL, OpenStreetMap contributors); None without ANLAN_DATA."""
    import pyarrow.parquet as pq
    import shapely

    from anlan.city.speed import CLASS_KMH, OTHER_KMH

    path = Path(os.environ.get("ANLAN_DATA", "")) / "wuhan" / "roads_original.parquet"
    if not path.is_file():
        return None
    table = pq.read_table(path)
    geometry = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    nodes, number = np.unique(np.concatenate([u, v]), return_inverse=True)
    tail, head = number[: len(u)], number[len(u) :]
    xy = np.empty((len(nodes), 2))
    xy[tail] = shapely.get_coordinates(shapely.get_point(geometry, 0))
    xy[head] = shapely.get_coordinates(shapely.get_point(geometry, -1))
    kmh = np.array([CLASS_KMH.get(c, OTHER_KMH) for c in table["highway"].to_pylist()])
    seconds = shapely.length(geometry) / (kmh / 3.6)
    return strongly_connected(
        "Wuhan",
        np.concatenate([tail, head]),
        np.concatenate([head, tail]),
        np.concatenate([seconds, seconds]),
        xy,
    )


def country(n: int, seed: int = 1) -> Graph:
    """A synthetic country of about n junctions.

    Towns of a Pareto size lie in open land; junctions are joined by the Urquhart graph (Delaunay without
    the longest side of each triangle: planar, about 1.3 streets a junction, as street maps have). Streets
    near and along the Delaunay lines between sampled hubs are arterials, between rarer hubs motorways.
    8 % of the streets below motorways are one-way.
    """
    rng = np.random.default_rng(seed)
    side = np.sqrt(n / 60.0) * 1000.0
    towns = max(4, n // 20_000)
    centre = rng.random((towns, 2)) * side
    size = rng.pareto(1.5, towns) + 0.3
    rural = int(n * 0.35)
    of = rng.choice(towns, n - rural, p=size / size.sum())
    spread = np.maximum(
        rng.uniform(1500, 5000, towns), np.sqrt(np.bincount(of, minlength=towns) / 2500) * 1000
    )
    town_xy = centre[of] + rng.normal(size=(n - rural, 2)) * spread[of][:, None]
    xy = np.concatenate([rng.random((rural, 2)) * side, np.clip(town_xy, 0, side)])
    xy += rng.normal(size=xy.shape) * 3.0
    street = _urquhart(xy)
    a, b = xy[street[:, 0]], xy[street[:, 1]]
    length = np.hypot(*(a - b).T) * rng.uniform(1.0, 1.25, len(street)) + 5.0
    level = np.zeros(len(street), np.int8)
    for rank, share, width in ((1, 60, 120.0), (2, 2500, 200.0)):
        hubs = xy[np.sort(rng.choice(n, max(8, n // share), replace=False))]
        level[_along(hubs, (a + b) / 2, b - a, width)] = rank
    kmh = np.array([30.0, 55.0, 95.0])[level] * rng.uniform(0.85, 1.15, len(street))
    seconds = length / (kmh / 3.6) + np.array([4.0, 3.0, 0.0])[level]
    two_way = (rng.random(len(street)) >= 0.08) | (level == 2)
    return strongly_connected(
        f"synthetic {n:,}",
        np.concatenate([street[:, 0], street[two_way, 1]]),
        np.concatenate([street[:, 1], street[two_way, 0]]),
        np.concatenate([seconds, seconds[two_way]]),
        xy,
    )


def _urquhart(xy: Array) -> Array:
    triangle = Delaunay(xy).simplices
    side = np.concatenate([triangle[:, [0, 1]], triangle[:, [1, 2]], triangle[:, [2, 0]]])
    side.sort(axis=1)
    length = np.hypot(*(xy[side[:, 0]] - xy[side[:, 1]]).T).reshape(3, -1)
    longest = np.zeros(length.shape, bool)
    longest[length.argmax(axis=0), np.arange(length.shape[1])] = True
    key = side[:, 0].astype(np.int64) * len(xy) + side[:, 1]
    kept = np.setdiff1d(key, key[longest.ravel()])
    return np.stack([kept // len(xy), kept % len(xy)], axis=1)


def _along(hubs: Array, middle: Array, vector: Array, width: float) -> Array:
    """Whether a street lies within ``width`` of a line between neighbouring hubs and runs along it."""
    line = _urquhart(hubs)
    a, b = hubs[line[:, 0]], hubs[line[:, 1]]
    length = np.hypot(*(b - a).T)
    count = np.maximum((length / width).astype(np.int64), 1)
    of = np.repeat(np.arange(len(line)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    share = (np.arange(len(of)) - first + 0.5) / count[of]
    far, nearest = cKDTree(a[of] + share[:, None] * (b - a)[of]).query(middle, distance_upper_bound=width)
    near = far < width
    direction = (b - a)[of[np.where(near, nearest, 0)]]
    cosine = np.abs((direction * vector).sum(axis=1)) / (np.hypot(*direction.T) * np.hypot(*vector.T) + 1e-9)
    return near & (cosine > 0.6)
