"""Seconds as whole ticks: as fine as the longest journey lets int32 be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from anlan.core.columns import Floats
from anlan.kernels.routing.customise import INF
from anlan.kernels.routing.extent import spread

Ints32 = NDArray[np.int32]

FINEST_S = 1e-4
"""A tenth of a millisecond: below what float32 seconds can tell apart on a journey of half an hour."""


def to_ticks(n_nodes: int, tail: Ints32, head: Ints32, time_s: Floats) -> tuple[Ints32, float]:
    """Arc seconds as whole ticks, and the length of a tick.

    Parameters
    ----------
    time_s : ndarray of float64, shape (n_arcs,)
        Zero or more; inf is no arc.

    Returns
    -------
    ticks : ndarray of int32, shape (n_arcs,)
        Rounded half up, so each is off by at most half a tick and a zero stays zero; `INF` is no arc.
    tick_s : float
        `FINEST_S`, or the first power of ten above it in which no journey can overflow.
    """
    finite = np.isfinite(time_s)
    everywhere = bool(finite.all())
    at = slice(None) if everywhere else finite
    known = time_s[at]
    tick_s = _tick(n_nodes, tail[at], head[at], known)
    ticks = np.full(len(time_s), INF, np.int32)
    ticks[at] = np.floor(known / tick_s + 0.5)
    return ticks, tick_s


def to_seconds(ticks: NDArray[Any], tick_s: float) -> Floats:
    """Ticks as float64 seconds, correctly rounded; inf where there is no way."""
    seconds = ticks * tick_s if tick_s >= 1.0 else ticks / round(1.0 / tick_s)
    return np.where(ticks >= INF, np.inf, seconds)


def _tick(n_nodes: int, tail: Ints32, head: Ints32, time_s: Floats) -> float:
    if len(time_s) == 0:
        return FINEST_S
    count = min(n_nodes, len(time_s))
    longest = float(np.partition(time_s, len(time_s) - count)[-count:].sum())
    if not _fits(longest, n_nodes, FINEST_S):
        longest = min(longest, _longest(n_nodes, tail, head, time_s))
    tick_s = FINEST_S
    while not _fits(longest, n_nodes, tick_s):
        tick_s = float(f"{tick_s * 10.0:.0e}")
    return tick_s


def _fits(longest_s: float, n_nodes: int, tick_s: float) -> bool:
    return longest_s / tick_s + n_nodes < float(INF)


def _longest(n_nodes: int, tail: Ints32, head: Ints32, time_s: Floats) -> float:
    """A bound on every shortest path, in seconds.

    A shortest path visits no node twice. Its stretch inside the largest strongly connected part is no
    longer than from there to a root and on from the root; each node outside adds at most its longest arc.
    """
    # Loops and parallel arcs are merged away first: SciPy's search does not end on some of them.
    plain = tail != head
    graph = sparse.coo_array(
        (np.ones(int(plain.sum()), np.float32), (tail[plain], head[plain])), shape=(n_nodes, n_nodes)
    ).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    largest = np.bincount(label).argmax()
    core = label == largest
    outside = np.zeros(n_nodes)
    np.maximum.at(outside, tail, time_s)
    # Along parallel arcs any is a bound.
    inner = core[tail] & core[head]
    root = int(np.flatnonzero(core)[0])
    through = 0.0
    for t, h in ((tail[inner], head[inner]), (head[inner], tail[inner])):
        order = np.argsort(t, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(t, minlength=n_nodes))]).astype(np.int32)
        through += spread(start, h[order], time_s[inner][order], root)
    return through + float(outside[~core].sum()) + 3.0 * float(time_s.max())
