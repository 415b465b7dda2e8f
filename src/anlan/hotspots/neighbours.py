"""Neighbourhoods: who is near whom on a grid, between areas, and along streets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anlan.city.roads import Roads
from anlan.core.columns import Bools, Floats

Weights = sparse.csr_array[np.float64, tuple[int, int]]
"""Spatial weights, row by row; the type only, see `grid_weights` and `street_weights`."""


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
        if dr == 0 and dc == 0:
            continue
        here = (slice(max(0, -dr), rows - max(0, dr)), slice(max(0, -dc), columns - max(0, dc)))
        there = (slice(max(0, dr), rows - max(0, -dr)), slice(max(0, dc), columns - max(0, -dc)))
        both = live[here] & live[there]
        tails.append(index[here][both])
        heads.append(index[there][both])
    tail, head = np.concatenate(tails), np.concatenate(heads)
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
    from scipy.sparse.csgraph import dijkstra

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

    Boxes by cumulative sums, others by fast Fourier transform. Error: about 1e-15 of the sum of all
    values; none where the values are whole numbers.
    """
    whole = bool(np.all(values == np.rint(values)))
    if isinstance(near, Box):
        out = _box(values, near.reach)
    else:
        foot = near.footprint()
        out = _plus(values) if isinstance(near, Rook) else _convolved(values, foot)
    return np.rint(out) if whole else out


def _plus(values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = values.copy()
    out[1:] += values[:-1]
    out[:-1] += values[1:]
    out[:, 1:] += values[:, :-1]
    out[:, :-1] += values[:, 1:]
    return out


def _box(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    out = values
    for axis in (0, 1):
        n = out.shape[axis]
        running = np.concatenate([np.zeros_like(out.take([0], axis)), np.cumsum(out, axis=axis)], axis=axis)
        high = np.minimum(np.arange(n) + reach + 1, n)
        low = np.maximum(np.arange(n) - reach, 0)
        out = running.take(high, axis) - running.take(low, axis)
    return out


def _convolved(values: NDArray[np.float64], foot: Bools) -> NDArray[np.float64]:
    from scipy import fft

    pad = foot.shape[0] // 2
    rows, columns = values.shape
    shape = (
        fft.next_fast_len(rows + 2 * pad, real=True),
        fft.next_fast_len(columns + 2 * pad, real=True),
    )
    wave = fft.rfft2(values, shape)
    wave *= fft.rfft2(foot.astype(float), shape)
    return fft.irfft2(wave, shape)[pad : pad + rows, pad : pad + columns]
