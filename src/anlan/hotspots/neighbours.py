"""Neighbourhoods: who is near whom on a grid, between areas, and along streets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse
from scipy.sparse.csgraph import dijkstra

from anlan.city.roads import Roads
from anlan.core.columns import Bools, Floats

Weights = Any
"""A SciPy CSR array of float64, shape (n, n)."""
"""Spatial weights, row by row; the type only, see `grid_weights` and `street_weights`."""

_LONGEST = 41
"""Rows of a footprint up to which running sums are quicker than the transform."""


@dataclass(frozen=True)
class Disk:
    """All cells whose centre lies within ``radius`` cells, the cell itself included."""

    radius: float

    def footprint(self) -> Bools:
        """The neighbourhood as a small odd-sided array with the cell in its middle."""
        reach = math.floor(self.radius)
        d = np.arange(-reach, reach + 1)
        return d[:, None] ** 2 + d[None, :] ** 2 <= self.radius**2 + 1e-9


@dataclass(frozen=True)
class Box:
    """All cells at most ``reach`` rows and columns away: 1 is the queen's neighbourhood, itself included."""

    reach: int = 1

    def footprint(self) -> Bools:
        """The neighbourhood as a small odd-sided array with the cell in its middle."""
        return np.ones((2 * self.reach + 1, 2 * self.reach + 1), bool)


@dataclass(frozen=True)
class Rook:
    """The four cells that share a side, and the cell itself."""

    def footprint(self) -> Bools:
        """The neighbourhood as a small odd-sided array with the cell in its middle."""
        return np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


Neighbourhood = Disk | Box | Rook


def grid_weights(near: Neighbourhood, shape: tuple[int, int], inside: Bools | None = None) -> Weights:
    """Binary weights between the cells of a grid, themselves excluded, as CSR (n_cell, n_cell).

    Cells outside ``inside`` have no neighbours and are nobody's.
    """
    rows, columns = shape
    index = np.arange(rows * columns).reshape(shape)
    live = np.ones(shape, bool) if inside is None else inside
    foot = near.footprint()
    middle = foot.shape[0] // 2
    tails, heads = [], []
    for dr, dc in np.argwhere(foot) - middle:
        if (dr == 0 and dc == 0) or abs(dr) >= rows or abs(dc) >= columns:
            continue
        here = (slice(max(0, -dr), rows - max(0, dr)), slice(max(0, -dc), columns - max(0, dc)))
        there = (slice(max(0, dr), rows - max(0, -dr)), slice(max(0, dc), columns - max(0, -dc)))
        both = live[here] & live[there]
        tails.append(index[here][both])
        heads.append(index[there][both])
    none = np.empty(0, np.int64)
    tail, head = np.concatenate([none, *tails]), np.concatenate([none, *heads])
    ones = np.ones(len(tail))
    out = sparse.csr_array((ones, (tail, head)), shape=(index.size, index.size))
    out.sort_indices()
    return out


def street_weights(roads: Roads, within_m: float | None = None) -> Weights:
    """Binary weights between street segments, themselves excluded, as CSR (n_edge, n_edge).

    Parameters
    ----------
    roads : Roads
    within_m : float, optional
        Segments whose middles are at most this far apart along the streets; by default those that share
        a junction.
    """
    u, v, n = roads.edges.u, roads.edges.v, len(roads)
    edges = np.arange(n)
    meets = sparse.csr_array(
        (np.ones(2 * n), (np.concatenate([edges, edges]), np.concatenate([u, v]))), shape=(n, roads.n_nodes)
    )
    touching = (meets @ meets.T).tocsr()
    if within_m is None:
        return _binary(touching)
    # Between the middles of touching segments lie half of each: hops of that length reach the rest.
    half = roads.edges.length_m / 2.0
    hop = touching.tocoo()
    length = half[hop.row] + half[hop.col]
    graph = sparse.csr_array((length, (hop.row, hop.col)), shape=(n, n))
    return _binary(_reach(graph, within_m))


def _reach(graph: Weights, limit: float) -> Weights:
    parts = []
    for begin in range(0, graph.shape[0], 512):
        rows = np.arange(begin, min(begin + 512, graph.shape[0]))
        far = dijkstra(graph, indices=rows, limit=limit)
        parts.append(sparse.csr_array(np.isfinite(far).astype(float)))
    return sparse.vstack(parts).tocsr()


def _binary(weights: Weights) -> Weights:
    out = sparse.csr_array(weights)
    coo = out.tocoo()
    off = coo.row != coo.col
    ones = np.ones(int(off.sum()))
    out = sparse.csr_array((ones, (coo.row[off], coo.col[off])), shape=coo.shape)
    out.sort_indices()
    return out


def sums(values: NDArray[np.float64], near: Neighbourhood) -> Floats:
    """Sum of a grid's values over each cell's neighbourhood, itself included; nothing lies beyond the edge.

    By running sums, row of the neighbourhood by row; large disks by fast Fourier transform. Error: about
    1e-15 of the sum of all values; none where the values are whole numbers.
    """
    whole = bool(np.all(values == np.rint(values)))
    if isinstance(near, Box):
        out = _runs(_runs(values, near.reach).T, near.reach).T
    else:
        foot = near.footprint()
        out = _rows(values, foot) if len(foot) <= _LONGEST else _convolved(values, foot)
    return np.rint(out) if whole else out


def neighbour_counts(shape: tuple[int, int], near: Neighbourhood) -> Floats:
    """How many cells of a whole grid lie in each cell's neighbourhood, itself included."""
    reach = near.footprint().shape[0] // 2
    # All inner cells have the same: count on a grid just large enough to show every kind of edge.
    small = tuple(min(n, 2 * reach + 1) for n in shape)
    count = sums(np.ones(small), near)
    rows, columns = (
        np.concatenate([np.arange(m // 2), np.full(n - m, m // 2), np.arange(m // 2, m)])
        for n, m in zip(shape, small, strict=True)
    )
    return count[np.ix_(rows, columns)]


def _runs(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Sums over the columns within reach."""
    return _between(_running(values, reach), reach, reach, values.shape[1])


def _running(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    out = np.zeros((values.shape[0], values.shape[1] + 2 * reach + 1))
    out[:, reach + 1 : reach + 1 + values.shape[1]] = values
    return np.cumsum(out, axis=1, out=out)


def _between(running: NDArray[np.float64], reach: int, half: int, n: int) -> NDArray[np.float64]:
    return running[:, reach + half + 1 : reach + half + 1 + n] - running[:, reach - half : reach - half + n]


def _rows(values: NDArray[np.float64], foot: Bools) -> NDArray[np.float64]:
    """Sums over a symmetric footprint whose rows are unbroken."""
    reach, n = len(foot) // 2, values.shape[0]
    running = _running(values, reach)
    halves = foot.sum(axis=1) // 2
    wide = {int(h): _between(running, reach, int(h), values.shape[1]) for h in set(halves.tolist())}
    out = wide[int(halves[reach])].copy()
    for d in range(1, min(reach, n - 1) + 1):
        row = wide[int(halves[reach + d])]
        out[:-d] += row[d:]
        out[d:] += row[:-d]
    return out


def _convolved(values: NDArray[np.float64], foot: Bools) -> NDArray[np.float64]:
    pad = foot.shape[0] // 2
    rows, columns = values.shape
    shape = (
        fft.next_fast_len(rows + 2 * pad, real=True),
        fft.next_fast_len(columns + 2 * pad, real=True),
    )
    wave = fft.rfft2(values, shape)
    wave *= fft.rfft2(foot.astype(float), shape)
    return fft.irfft2(wave, shape)[pad : pad + rows, pad : pad + columns]
