"""The exact placement of units: a mixed-integer program over what reduced costs leave open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sparse

from anlan.siting.answer import Floats, Ints
from anlan.siting.mip import Program, RowBuilder, optimise
from anlan.siting.problem import Watch
from anlan.siting.unit_cover import Placed, UnitCover

_LINKS = 6_000_000
"""Beyond so many links an exact run gets nowhere in the time limits that are asked for."""
_PIECES = 12
"""Pieces of F in the program; what lies beyond gets the last piece's slope, which keeps the bound one."""


def exact(
    m: UnitCover,
    watch: Watch,
    gap: float,
    offset: float,
    best: Ints | None,
    bound: float,
    score: Floats,
) -> Placed | None:
    """Solve the program, and again with F drawn more finely where it is curved (outer approximation).

    Parameters
    ----------
    m, watch, gap, offset
        As in `anlan.siting.unit_place.place`.
    best : ndarray, shape (periods, sites), or None
        The best placement known that keeps all limits.
    bound, score
        Of the Lagrangian bound.

    Returns
    -------
    Placed or None
        None if there is no placement at all; with an empty ``x`` if none was found in time.
    """
    value = -np.inf if best is None else m.value(best)
    if best is not None and (len(m.rc) > _LINKS or watch.over):
        return Placed(best, value, bound)
    alone = best is not None and np.isfinite(bound) and not len(m.limited)
    tight = _fixed(m, bound, value, score) if alone else m
    curved = m.values.shape[1] == 0
    points = _first_points(m, best) if curved else np.empty((m.n_row, 0))
    while not watch.over:
        lengths, slopes = _pieces(m, points)
        program = _program(tight, lengths, slopes, offset)
        known = None if best is None else (value + offset, bound + offset)
        # Where F is curved the program's own objective is too good to be shown.
        outcome = optimise(
            program,
            watch,
            gap=gap,
            start=None if best is None else _point(m, best, lengths, slopes),
            known=None if curved else known,
        )
        if outcome.status == "infeasible":
            return None if best is None else Placed(best, value, value)
        bound = min(bound, max(outcome.bound - offset, value))
        x = np.round(outcome.x[: m.lower.size]).astype(np.int64).reshape(-1, m.lower.shape[1])
        if not len(x):
            break
        if m.keeps_floors(x) and m.value(x) > value:
            best, value = x, m.value(x)
        watch.note(value + offset, bound + offset)
        if not curved or bound - value <= max(gap, 1e-7) * abs(value + offset):
            break
        points = np.column_stack([points, m.held(x)])
    x = np.empty((0, m.lower.shape[1]), np.int64) if best is None else best
    return Placed(x, value, max(bound, value))


def best_scale(m: UnitCover, watch: Watch) -> float:
    """The largest factor by which all floors could be scaled and kept; NaN if it was not found in time."""
    points = _first_points(m, None) if m.values.shape[1] == 0 else np.empty((m.n_row, 0))
    asked = _program(m, *_pieces(m, points), 0.0)
    n, rows = len(asked.cost), len(asked.row_lower)
    floors = np.arange(rows - len(m.floor), rows)
    scaled = sparse.csr_matrix((-m.floor, (floors, np.zeros(len(floors), int))), (rows, 1))
    program = replace(
        asked,
        cost=np.append(np.zeros(n), 1.0),
        lower=np.append(asked.lower, 0.0),
        upper=np.append(asked.upper, 1.0),
        integer=np.append(asked.integer, False),
        matrix=sparse.hstack([asked.matrix, scaled], format="csr"),
        row_lower=np.append(asked.row_lower[: rows - len(m.floor)], np.zeros(len(m.floor))),
    )
    outcome = optimise(program, watch)
    return outcome.objective if outcome.status == "solved" else np.nan


def _fixed(m: UnitCover, bound: float, value: float, score: Floats) -> UnitCover:
    """Lower and raise the limits of columns whose change would cost more than the gap that is left."""
    lower, upper = m.lower.copy(), m.upper.copy()
    per_site = score.reshape(lower.shape)
    slack = bound - value + 1e-9 * (1 + abs(value))
    for t in range(len(lower)):
        order = np.argsort(-per_site[t], kind="stable")
        room = np.cumsum((m.upper[t] - m.lower[t])[order])
        free = m.units[t] - m.lower[t].sum()
        if free <= 0 or room[-1] <= free:
            continue
        last_in = per_site[t][order[np.searchsorted(room, free)]]
        first_out = per_site[t][order[np.searchsorted(room, free, side="right")]]
        shut = per_site[t] < last_in - slack
        upper[t, shut] = lower[t, shut]
        full = per_site[t] > first_out + slack
        lower[t, full] = upper[t, full]
    return replace(m, lower=lower, upper=upper)


def _first_points(m: UnitCover, best: Ints | None) -> Floats:
    """Where to lay tangents to F, row by row: about what the best placement has there."""
    held = m.least if best is None else m.held(best)
    step = float(m.strength.mean())
    return np.column_stack([m.least, held - step, held, held + step, held + 3.0 * step])


def _pieces(m: UnitCover, points: Floats) -> tuple[Floats, Floats]:
    """Lengths and falling slopes (rows, K) of pieces that lie nowhere below F where it is needed.

    With the exponential a row has nothing or at least its weakest unit: a chord up to there, then tangents.
    """
    if m.values.shape[1] == 0:
        points = np.sort(np.maximum(points, m.least[:, None]), axis=1)
        # Tangents of 1 - e^-t at a < b = a + d meet at a + 1 - d e^-d / (1 - e^-d).
        step = np.maximum(np.diff(points, axis=1), 1e-9)
        meet = points[:, :-1] + 1.0 - step * np.exp(-step) / -np.expm1(-step)
        meet = np.clip(meet, points[:, :-1], points[:, 1:])
        edges = np.column_stack([np.zeros(m.n_row), m.least, meet])
        lengths = np.column_stack([np.diff(edges, axis=1), np.full(m.n_row, 1e6)])
        return lengths, np.column_stack([-np.expm1(-m.least) / m.least, np.exp(-points)])
    slopes = np.diff(m.values, axis=1)
    lengths = np.ones_like(slopes)
    if slopes.shape[1] > _PIECES:
        lengths = lengths[:, :_PIECES].copy()
        lengths[:, -1] = slopes.shape[1] - _PIECES + 1
        slopes = slopes[:, :_PIECES]
    return lengths[m.kind], slopes[m.kind]


def _used(lengths: Floats, slopes: Floats) -> tuple[Ints, Ints]:
    """Row and number of each piece that is worth a variable."""
    row, piece = np.nonzero((slopes > 1e-12) & (lengths > 0))
    return row, piece


def _program(m: UnitCover, lengths: Floats, slopes: Floats, offset: float) -> Program:
    """Columns: units x; moves d at limited borders; use z of sites with limits; the pieces y of F."""
    periods, sites = m.lower.shape
    row, piece = _used(lengths, slopes)
    n_x, n_d, n_z = periods * sites, len(m.limited) * sites, sites if len(m.side) else 0
    first_z, first_y = n_x + n_d, n_x + n_d + n_z
    n = first_y + len(row)
    builder = RowBuilder(n)
    at = np.repeat(np.arange(m.n_row), np.diff(m.rs))
    worth = m.weight[row] * slopes[row, piece]
    y = np.arange(first_y, n)
    builder.add_cells(
        np.concatenate([at, row]), np.concatenate([m.rc, y]),
        np.concatenate([-m.strength[m.rc], np.ones(len(row))]), m.n_row, -np.inf, 0.0,
    )  # fmt: skip
    every = np.arange(n_x)
    builder.add_cells(every // sites, every, np.ones(n_x), periods, m.units, m.units)
    one = np.arange(sites)
    for q, t in enumerate(m.limited):
        now, before, d = t * sites + one, (t - 1) % periods * sites + one, n_x + q * sites + one
        for sign in (1.0, -1.0):
            builder.add_cells(
                np.tile(one, 3), np.concatenate([now, before, d]), np.repeat([sign, -sign, -1.0], sites),
                sites, -np.inf, 0.0,
            )  # fmt: skip
        builder.add_cells(one * 0, d, np.ones(sites), 1, -np.inf, float(m.limit[t]))
    if n_z:
        most = np.minimum(m.upper, m.units[:, None]).ravel().astype(np.float64)
        builder.add_cells(
            np.tile(every, 2), np.concatenate([every, first_z + every % sites]),
            np.concatenate([np.ones(n_x), -most]), n_x, -np.inf, 0.0,
        )  # fmt: skip
        line, site = np.nonzero(m.side.rows)
        builder.add_cells(line, first_z + site, m.side.rows[line, site], len(m.side), -np.inf, m.side.limit)
    if len(m.floor):
        builder.add_cells(m.group[row], y, worth, len(m.floor), m.floor, np.inf)
    cost = np.concatenate([np.zeros(n_x), np.repeat(-m.price[m.limited], sites), np.zeros(n_z), worth])
    lower = np.concatenate([m.lower.ravel(), np.zeros(n - n_x)])
    upper = np.concatenate([m.upper.ravel(), np.full(n_d, np.inf), np.ones(n_z), lengths[row, piece]])
    whole = (np.arange(n) < n_x) | ((np.arange(n) >= first_z) & (np.arange(n) < first_y))
    return builder.program("max", cost, lower, upper, whole, offset)


def _point(m: UnitCover, x: Ints, lengths: Floats, slopes: Floats) -> Floats:
    """The program's point for units x."""
    row, piece = _used(lengths, slopes)
    begin = np.cumsum(lengths, axis=1) - lengths
    y = np.clip(m.held(x)[row] - begin[row, piece], 0.0, lengths[row, piece])
    d = [np.abs(x[t] - x[t - 1]) for t in m.limited]
    z = [x.any(axis=0)] if len(m.side) else []
    return np.concatenate([part.astype(np.float64) for part in (x.ravel(), *d, *z, y)])
