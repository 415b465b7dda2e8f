"""The jurisdiction tree: that it is one, which area a point lies in, which area an area belongs to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from anlan.core.columns import Floats, Strings
from anlan.core.errors import AnlanError
from anlan.model.area import LEVELS, Areas


def check_tree(areas: Areas) -> None:
    """Refuse areas that are not a tree at every date.

    At every instant each code occurs once, each parent exists, and each area's level lies below its
    parent's (which also rules out circles). Several areas may have no parent.

    Raises
    ------
    AnlanError
        Naming the first area that breaks a rule.
    """
    rank = {level: number for number, level in enumerate(LEVELS)}
    for code, level, begin, end in zip(
        areas.code.tolist(),
        areas.level.tolist(),
        areas.valid_from.tolist(),
        areas.valid_to.tolist(),
        strict=True,
    ):
        if not code:
            raise AnlanError(
                "an area without a code", "areas are known by code", "give each one", code="area_code"
            )
        if level not in rank:
            raise AnlanError(
                f"area {code}, level {level!r}", f"levels are {', '.join(LEVELS)}", "use one of them",
                code="area_level",
            )  # fmt: skip
        if not begin < end:
            raise AnlanError(
                f"area {code}", "its validity ends before it begins", "put valid_from before valid_to",
                code="area_validity",
            )  # fmt: skip
    for instant in instants(areas):
        now = areas.at(instant)
        row = {code: number for number, code in enumerate(now.code.tolist())}
        if len(row) < len(now):
            twice = next(c for i, c in enumerate(now.code.tolist()) if row[c] != i)
            raise AnlanError(
                f"area {twice}",
                "a code stands for one area at a time",
                "join or rename them",
                code="area_twice",
            )
        for code, parent, level in zip(
            now.code.tolist(), now.parent.tolist(), now.level.tolist(), strict=True
        ):
            if not parent:
                continue
            if parent not in row:
                raise AnlanError(
                    f"area {code} with parent {parent}",
                    "the parent must exist whenever the area does",
                    "add the parent, or leave it empty for the topmost area",
                    code="area_parent",
                )
            if rank[level] <= rank[now.level[row[parent]]]:
                raise AnlanError(
                    f"area {code} ({level}) in {parent} ({now.level[row[parent]]})",
                    "an area lies in one of a higher level",
                    f"the order is {', '.join(LEVELS)}",
                    code="area_level",
                )


def instants(areas: Areas) -> Floats:
    """One instant in each span of time in which the areas do not change, in order."""
    cuts = np.unique(np.concatenate([areas.valid_from, areas.valid_to]))
    cuts = cuts[np.isfinite(cuts)]
    return np.concatenate([[cuts[0] - 1.0 if len(cuts) else 0.0], cuts])


def assign(
    areas: Areas, lon: ArrayLike, lat: ArrayLike, at: ArrayLike | None = None, level: str | None = None
) -> Strings:
    """Code of the finest area that each point lies in; empty where there is none.

    Parameters
    ----------
    areas : Areas
    lon, lat : array_like of float64, shape (n,)
        Degrees; NaN lies nowhere.
    at : float or array_like, optional
        Unix seconds at which the areas must be valid; by default, and where it is NaN, those that are
        valid last.
    level : str, optional
        Only areas of this level.

    Notes
    -----
    A point on a border belongs to the area with the lowest code. Areas are tried from the finest level to
    the coarsest, each with the points in its bounding box, which a sort by longitude finds.
    """
    x, y = np.atleast_1d(np.asarray(lon, np.float64)), np.atleast_1d(np.asarray(lat, np.float64))
    out = np.full(len(x), "", dtype=object)
    if not len(areas) or not len(x):
        return out
    spans = instants(areas)
    when = np.full(len(x), np.nan) if at is None else np.broadcast_to(np.asarray(at, np.float64), x.shape)
    last = np.where(np.isnan(when), np.inf, when)
    span = np.clip(np.searchsorted(spans, last, side="right") - 1, 0, len(spans) - 1)
    if at is None or np.isnan(when).any():
        # "Valid last" means at the last instant at which there is any area.
        alive = [number for number, instant in enumerate(spans.tolist()) if len(areas.at(instant))]
        span = np.where(np.isnan(when), alive[-1] if alive else 0, span)
    for number in np.unique(span).tolist():
        rows = np.flatnonzero(span == number)
        now = areas.at(float(spans[number]))
        out[rows] = _assign(now if level is None else now.take(now.level == level), x[rows], y[rows])
    return out


def _assign(areas: Areas, x: Floats, y: Floats) -> Strings:
    out = np.full(len(x), "", dtype=object)
    by_x = np.argsort(x, kind="stable")
    sorted_x = x[by_x]
    free = np.ones(len(x), bool)
    depth = np.array([LEVELS.index(level) for level in areas.level.tolist()], dtype=np.int64)
    bounds = shapely.bounds(areas.geometry) if len(areas) else np.empty((0, 4))
    order = sorted(range(len(areas)), key=lambda r: (-depth[r], str(areas.code[r])))
    for row in order:
        shape = areas.geometry[row]
        west, south, east, north = bounds[row].tolist()
        if shape is None or not np.isfinite(west):
            continue
        near = by_x[np.searchsorted(sorted_x, west) : np.searchsorted(sorted_x, east, side="right")]
        near = near[free[near] & (y[near] >= south) & (y[near] <= north)]
        if not len(near):
            continue
        shapely.prepare(shape)
        inside = near[shapely.intersects_xy(shape, x[near], y[near])]
        out[inside] = areas.code[row]
        free[inside] = False
    return out


def at_level(areas: Areas, codes: Iterable[str], level: str) -> Strings:
    """For each code, the code of the area of a level that it is or lies in; empty where there is none.

    Parameters
    ----------
    areas : Areas
        Of one instant.
    codes : iterable of str
    level : str
        One of `LEVELS`.
    """
    parent = dict(zip(areas.code.tolist(), areas.parent.tolist(), strict=True))
    of = dict(zip(areas.code.tolist(), areas.level.tolist(), strict=True))
    known: dict[str, str] = {"": ""}

    def climb(code: str) -> str:
        at = code
        while at and of.get(at) != level:
            at = parent.get(at, "")
        return at

    wanted = list(codes)
    for code in set(wanted) - set(known):
        known[code] = climb(code)
    out: NDArray[np.object_] = np.empty(len(wanted), dtype=object)
    out[:] = [known[code] for code in wanted]
    return out
