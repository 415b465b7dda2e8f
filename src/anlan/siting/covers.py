"""The cheapest cover: reduce, split into parts that share nothing, search and bound, then branch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse

from anlan.siting.answer import Floats, Ints
from anlan.siting.choose import Chooser
from anlan.siting.cores import Core, Needs, parts, reduced
from anlan.siting.essential import essential_rows
from anlan.siting.mip import RowBuilder, optimise
from anlan.siting.problem import Side, Watch
from anlan.siting.reduce import Column, Start
from anlan.siting.set_cover import SetCover

NOWHERE: Ints = np.empty(0, np.int64)
SMALL = 5000
FEW = 1000
NODE_FACTOR = 0.3
"""A part of at most so many links goes to HiGHS after so many nodes, the first of whose steps have this length
factor; measured, see docs/decisions/siting.md."""

Enough = Callable[[float, float], bool]


class Sets(NamedTuple):
    """Rows with their columns ascending, how many each row needs, and what each column costs."""

    rs: Start
    rc: Column
    need: Needs
    price: Floats


class Covered(NamedTuple):
    """Columns of the best cover (none and infinite cost where none was found), and the proven bound.

    ``sizes`` are the rows, columns and links after reduction, ``nodes`` those of the tree.
    """

    columns: Ints
    cost: float
    bound: float
    sizes: tuple[int, int, int]
    nodes: int = 0


def cheapest(
    sets: Sets, must: Ints, watch: Watch, *, seed: int = 0, gap: float = 0.0, start: Ints = NOWHERE,
    target: float | None = None, branch: bool = True,
) -> Covered:  # fmt: skip
    """The cheapest columns that give every row as many as it needs.

    Parameters
    ----------
    sets : Sets
        Every row has at least as many columns as it needs.
    must : ndarray of int64
        Columns that are used in any case; their price counts.
    watch : Watch
    seed, gap
        As everywhere.
    start : ndarray of int64
        Columns to begin with.
    target : float, optional
        The only question is whether a cover costs at most this: a cover that does, or a bound beyond it,
        ends the run.
    branch : bool
        Whether to go on where the bound at the root does not prove enough.
    """
    core = reduced(sets.rs, sets.rc, sets.need, sets.price, must)
    sizes = (core.n_row, core.n_column, len(core.rc))
    cost = bound = float(sets.price[core.forced].sum())
    columns, nodes = [core.forced], 0
    pieces = parts(core)
    for k, piece in enumerate(pieces):
        last = k == len(pieces) - 1
        if target is not None and bound > target + 1e-9 * (1.0 + abs(target)):
            return Covered(NOWHERE, math.inf, bound, sizes, nodes)
        mine = watch if last else watch.part(1.0 / (len(pieces) - k))
        at = np.flatnonzero(np.isin(piece.columns, start))
        # Gaps and the answer to the question are taken of the whole once the other parts are known.
        shift = cost if last else 0.0
        enough = None
        if last and target is not None:
            enough = _decided(target, cost, bound)
        found = _piece(piece, mine, seed, gap, at, shift, enough, branch)
        columns.append(piece.columns[found.columns])
        cost, bound, nodes = cost + found.cost, bound + found.bound, nodes + found.nodes
    return Covered(np.sort(np.concatenate(columns)), cost, bound, sizes, nodes)


def _decided(target: float, cost: float, bound: float) -> Enough:
    slack = 1e-9 * (1.0 + abs(target))
    return lambda c, b: c <= target + slack or b - cost + bound > target + slack


def _piece(
    piece: Core, watch: Watch, seed: int, gap: float, start: Ints, shift: float, enough: Enough | None,
    branch: bool,
) -> Covered:  # fmt: skip
    small = len(piece.rc) <= SMALL
    chooser = Chooser(SetCover(piece), seed, gap, watch, shift=shift, enough=enough, node_factor=NODE_FACTOR)
    outcome = chooser.solve(start, most_nodes=(FEW if small else math.inf) if branch else 0)
    cost, columns, bound = outcome.cost, outcome.columns, outcome.bound
    if branch and small and not chooser.done:
        sets = Sets(piece.rs, piece.rc, piece.need, piece.price)
        found = by_program(
            sets, NOWHERE, no_side(piece.n_column), watch, gap=gap, start=columns,
            enough=None if enough is None else lambda c, b: enough(c + shift, b + shift),
        )  # fmt: skip
        if found.cost < cost:
            cost, columns = found.cost, found.columns
        bound = min(cost, max(bound, found.bound))
    return Covered(columns, cost, bound, (0, 0, 0), outcome.nodes)


def no_side(columns: int) -> Side:
    """No further limits."""
    return Side(np.zeros((0, columns)), np.zeros(0))


def by_program(
    sets: Sets, must: Ints, side: Side, watch: Watch, *, gap: float = 0.0, start: Ints = NOWHERE,
    enough: Enough | None = None,
) -> Covered:  # fmt: skip
    """The same by HiGHS, within further limits on the columns.

    An infinite bound says that no cover keeps the limits.
    """
    m = len(sets.price)
    rows = essential_rows(sets.rs, sets.rc, m, sets.need.astype(np.float64))
    links = sparse.csr_matrix((np.ones(len(sets.rc)), sets.rc, sets.rs), (len(sets.need), m))[rows]
    builder = RowBuilder(m)
    builder.add(links, sets.need[rows], np.inf)
    if len(side):
        builder.add(side.rows, -np.inf, side.limit)
    lower = np.zeros(m)
    lower[must] = 1.0
    begin = None
    if len(start):
        begin = lower.copy()
        begin[start] = 1.0
    program = builder.program("min", sets.price, lower, 1.0, True)
    outcome = optimise(program, watch, gap=gap, start=begin, enough=enough)
    sizes = (len(rows), m, int(links.nnz))
    if outcome.status == "infeasible":
        return Covered(NOWHERE, math.inf, math.inf, sizes)
    bound = outcome.bound
    if np.all(sets.price == np.floor(sets.price)) and math.isfinite(bound):
        bound = math.ceil(bound - 1e-6)
    columns = np.flatnonzero(outcome.x > 0.5) if len(outcome.x) else NOWHERE
    cost = float(sets.price[columns].sum()) if len(outcome.x) else math.inf
    return Covered(columns, cost, max(0.0, min(bound, cost)), sizes)
