"""Kernel density along a street network: all events travel together, bin by bin of distance."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit(cache=True, nogil=True)
def _share(t: float, m0: float, m1: float, m2: float, reach: float, sigma: float) -> float:
    """What a pulse of these moments at distance t adds: height, slope and half curvature of the kernel.

    Gaussian where sigma > 0, else quartic of radius reach.
    """
    if t >= reach:
        return 0.0
    if sigma > 0.0:
        u = t / sigma
        k = np.exp(-0.5 * u * u) / (sigma * 2.5066282746310002)
        return k * (m0 - m1 * u / sigma + 0.5 * m2 * (u * u - 1.0) / (sigma * sigma))
    q = t / reach
    r = 1.0 - q * q
    h = 15.0 / (16.0 * reach)
    return h * (m0 * r * r - 4.0 * m1 * q * r / reach - 2.0 * m2 * (1.0 - 3.0 * q * q) / (reach * reach))


@njit(cache=True, nogil=True)
def travel(
    tail: Ints,
    out_start: Ints,
    out_arc: Ints,
    edge_length: Floats,
    lixel_start: Ints,
    event_edge: Ints,
    event_offset: Floats,
    event_weight: Floats,
    reach: float,
    sigma: float,
    step: float,
    continuous: bool,
) -> Floats:
    """Density at the centre of every lixel.

    Arc ``2e`` runs along edge e from its first node, ``2e + 1`` back; ``tail[a]`` is where arc a begins
    and ``out_arc[out_start[n]:out_start[n + 1]]`` are the arcs that leave node n. A pulse is the events'
    weight that has come the same way: its distance bin, and the sum, first and second moment of what each
    event's true distance differs from the bin by. Every arc is a delay line of its length; a node passes
    on ``alpha * (all arriving) - beta * (what came along this very edge)``, which is the equal split.

    Parameters
    ----------
    edge_length : ndarray of float64, shape (n_edge,)
    lixel_start : ndarray of int32, shape (n_edge + 1,)
        Lixels of edge e: equal pieces, numbered from its first node.
    event_edge, event_offset, event_weight : ndarray, shape (n_event,)
    reach, sigma, step : float
        Where the kernel ends, its standard deviation (0: quartic), and the distance bin.
    continuous : bool
        Equal-split continuous (with the negative reflection), else discontinuous.

    Returns
    -------
    ndarray of float64, shape (n_lixel,)
    """
    n_arc, n_node = len(tail), len(out_start) - 1
    bins = int(np.ceil(reach / step))
    delay = np.empty(n_arc, np.int32)
    slot = np.zeros(n_arc + 1, np.int64)
    for a in range(n_arc):
        delay[a] = min(max(int(np.rint(edge_length[a // 2] / step)), 1), bins + 1)
        slot[a + 1] = slot[a] + delay[a] + 1
    line = np.zeros((slot[n_arc], 3))
    density = np.zeros(lixel_start[-1])

    for i in range(len(event_edge)):
        e, o, w = event_edge[i], event_offset[i], event_weight[i]
        length, first = edge_length[e], lixel_start[e]
        n = lixel_start[e + 1] - first
        for x in range(n):
            density[first + x] += _share(abs((x + 0.5) * length / n - o), w, 0.0, 0.0, reach, sigma)
        for side in range(2):
            gone = length - o if side == 0 else o
            j = int(np.rint(gone / step))
            a = 2 * e + side
            j = min(j, delay[a])
            if j <= bins:
                rest = gone - j * step
                p = slot[a] + j
                line[p, 0] += w
                line[p, 1] += w * rest
                line[p, 2] += w * rest * rest

    for j in range(bins + 1):
        gone = j * step
        for node in range(n_node):
            begin, end = out_start[node], out_start[node + 1]
            all0, all1, all2 = 0.0, 0.0, 0.0
            any_pulse = False
            for q in range(begin, end):
                a = out_arc[q] ^ 1  # arrives here
                p = slot[a] + j % (delay[a] + 1)
                if line[p, 0] != 0.0 or line[p, 1] != 0.0 or line[p, 2] != 0.0:
                    any_pulse = True
                    all0 += line[p, 0]
                    all1 += line[p, 1]
                    all2 += line[p, 2]
            if not any_pulse:
                continue
            degree = end - begin
            if continuous:
                alpha, beta = 2.0 / degree, 1.0
            elif degree > 1:
                alpha, beta = 1.0 / (degree - 1), 1.0 / (degree - 1)
            else:
                alpha, beta = 0.0, 0.0
            for q in range(begin, end):
                b = out_arc[q]
                back = b ^ 1
                p = slot[back] + j % (delay[back] + 1)
                m0 = alpha * all0 - beta * line[p, 0]
                m1 = alpha * all1 - beta * line[p, 1]
                m2 = alpha * all2 - beta * line[p, 2]
                if m0 == 0.0 and m1 == 0.0 and m2 == 0.0:
                    continue
                e = b // 2
                length, first = edge_length[e], lixel_start[e]
                n = lixel_start[e + 1] - first
                piece = length / n
                near = min(n, int((reach - gone) / piece + 0.5) + 1)
                at, way = (first, 1) if b % 2 == 0 else (first + n - 1, -1)
                for x in range(near):
                    density[at + way * x] += _share(gone + (x + 0.5) * piece, m0, m1, m2, reach, sigma)
                if j + delay[b] <= bins:
                    rest = length - delay[b] * step
                    # Written a whole delay ahead: the slot just before the one being read, already empty.
                    p = slot[b] + (j + delay[b]) % (delay[b] + 1)
                    line[p, 0] += m0
                    line[p, 1] += m1 + rest * m0
                    line[p, 2] += m2 + 2.0 * rest * m1 + rest * rest * m0
            for q in range(begin, end):
                a = out_arc[q] ^ 1
                p = slot[a] + j % (delay[a] + 1)
                line[p, 0] = line[p, 1] = line[p, 2] = 0.0
    return density
