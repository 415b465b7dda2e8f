"""The finer order of p-center answers: of equal worst times the least second worst, then the third, …"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from anlan.core.seed import stream
from anlan.kernels.siting.cover import take_rows
from anlan.siting.answer import Floats, Ints
from anlan.siting.mip import RowBuilder, optimise
from anlan.siting.problem import Side, Watch
from anlan.siting.reduce import in_reach, merge, nearest_two


class Level(NamedTuple):
    """So many demands are `time` away or farther, and no answer with the same earlier levels has fewer."""

    time: float
    demands: int


class Short(NamedTuple):
    """Demands by the sites that are nearer than some time: a 0/1 matrix of distinct sets, and how many."""

    links: Any
    demands: Floats


def in_order(
    times: Any, sites: Ints, fixed: Ints, allowed: NDArray[np.bool_], places: int, side: Side, levels: int,
    watch: Watch,
) -> tuple[Ints, tuple[Level, ...], bool]:  # fmt: skip
    r"""Settle level after level of the sorted times.

    With the worst t times settled, the next value is that of the present answer's next demand, v. The
    program minimises the number of demands at v or beyond: if that is t, its answer is better and gives
    a smaller v; otherwise the number is settled, and that no more than t are farther than v is kept as a
    limit.

    .. math::
        \min \sum_i z_i \;\text{s.t.}\; \sum_{j: c_{ij} < v} y_j + z_i \ge 1,\;
        \sum_i z_i^l \le n_l \text{ for each settled level } l,\; \sum_j y_j \le p

    Parameters
    ----------
    times : matrix (n, m)
        Weighted costs.
    sites : ndarray of int64
        An answer of least worst time.
    fixed, allowed, places, side
        As in `Problem`.
    levels : int
        How many to settle.
    watch : Watch

    Returns
    -------
    sites, levels, complete
        ``complete`` if all times, or as many levels as asked, are settled.
    """
    n = times.shape[0]
    settled: list[Level] = []
    kept: list[tuple[Short, int]] = []  # of each settled level: nobody else is farther
    done = 0
    while done < n and len(settled) < levels:
        distance = np.sort(nearest_two(times, sites)[1])[::-1]
        value = float(distance[done])
        if value <= 0.0:
            settled.append(Level(value, n))
            break
        now = int(np.sum(distance >= value))
        nearer = _short(times, float(np.nextafter(value, -np.inf)), allowed)
        as_near = (_short(times, value, allowed), done)
        limits = [*kept, as_near]
        found, least = _fewest(nearer, limits, fixed, allowed, places, side, sites, now, done, watch)
        if found is not None:
            sites = found
        if least is None:
            return sites, tuple(settled), False
        if least > done:
            settled.append(Level(value, least))
            kept.append(as_near)
            done = least
    return sites, tuple(settled), True


def _short(times: Any, edge: float, allowed: NDArray[np.bool_]) -> Short:
    """Distinct sets of sites within a time."""
    rs, rc = in_reach(times, edge, allowed)
    m = times.shape[1]
    key = stream(0, "covering sets").integers(0, 2**64, size=(2, m), dtype=np.uint64)
    group, first = merge(rs, rc, key)
    start, column = take_rows(rs, rc, first)
    links = sparse.csr_matrix((np.ones(len(column)), column, start), (len(first), m))
    count = np.bincount(group[group >= 0], minlength=len(first)).astype(np.float64)
    nobody = float(np.sum(group < 0))
    if nobody:
        links = sparse.vstack([links, sparse.csr_matrix((1, m))], format="csr")
        count = np.append(count, nobody)
    return Short(links, count)


def _fewest(
    target: Short, limits: list[tuple[Short, int]], fixed: Ints, allowed: NDArray[np.bool_], places: int,
    side: Side, sites: Ints, now: int, least: int, watch: Watch,
) -> tuple[Ints | None, int | None]:  # fmt: skip
    """The fewest demands beyond the target within the limits: sites if better than now, the proven number."""
    m = target.links.shape[1]
    blocks = [(target, now), *limits]
    sizes = [0 if at and most == 0 else len(part.demands) for at, (part, most) in enumerate(blocks)]
    total = m + sum(sizes)
    builder = RowBuilder(total)
    builder.add(np.ones((1, m)), -np.inf, places)
    if len(side):
        builder.add(side.rows, -np.inf, side.limit)
    open_now = np.zeros(m)
    open_now[sites] = 1.0
    start = np.zeros(total)
    start[:m] = open_now
    cost = np.zeros(total)
    at = m
    for (part, most), size in zip(blocks, sizes, strict=True):
        if not size:
            builder.add(part.links, 1.0, np.inf)
            continue
        spare = sparse.csr_matrix((np.ones(size), (np.arange(size), np.arange(size) + at)), (size, total))
        links = part.links.copy()
        links.resize(size, total)
        builder.add(links + spare, 1.0, np.inf)
        missed = part.links @ open_now < 0.5
        start[at : at + size] = missed
        if at == m:
            cost[at : at + size] = part.demands
        else:
            row = sparse.csr_matrix((part.demands, (np.zeros(size, int), np.arange(size) + at)), (1, total))
            builder.add(row, -np.inf, most)
        at += size
    lower, upper = np.zeros(total), np.ones(total)
    lower[fixed] = 1.0
    upper[:m] = allowed
    program = builder.program("min", cost, lower, upper, True)
    outcome = optimise(program, watch, start=start, enough=lambda c, _: c <= least + 0.5)
    found, best = None, now
    if len(outcome.x):
        count = round(outcome.objective)
        if count < now:
            found, best = np.flatnonzero(outcome.x[:m] > 0.5), count
    if best <= least or (np.isfinite(outcome.bound) and best <= np.ceil(outcome.bound - 1e-6)):
        return found, best
    return found, None
