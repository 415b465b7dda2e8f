"""Areas from polygons with codes: GB/T 2260 division codes, or any code column."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from anlan.city.areas import check_tree
from anlan.city.projection import read_crs, to_lonlat
from anlan.city.readers.vector import Features, read_features
from anlan.city.streets import Reading
from anlan.core.errors import AnlanError
from anlan.model.area import LEVELS, Areas

GUESSES: dict[str, tuple[str, ...]] = {
    "code": (
        "code",
        "adcode",
        "area_code",
        "areacode",
        "gb",
        "gbcode",
        "pac",
        "代码",
        "区划代码",
        "行政区划代码",
        "id",
    ),
    "parent": ("parent", "parent_code", "parentcode", "pcode", "上级代码"),
    "level": ("level", "级别", "层级"),
    "name_zh": ("name_zh", "name", "名称", "区划名称"),
    "name_en": ("name_en", "name:en", "english", "英文名"),
    "valid_from": ("valid_from",),
    "valid_to": ("valid_to",),
}
"""Column names that are recognised, by field; case does not matter."""

_GB_LENGTHS = (2, 4, 6, 9, 12)
"""GB/T 2260: 2 digits province, 4 city, 6 county; GB/T 10114: 9 town; 12 village or community."""
_GB_LEVELS = {2: "province", 4: "city", 6: "county", 9: "town", 12: "community"}
_GB_CODE = re.compile(
    r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])(?:\d{2}(?:\d{2}(?:\d{3}(?:\d{3})?)?)?)?"
)


def read_areas(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    level: str | None = None,
    within: str = "",
    crs: str | None = None,
    layer: str | None = None,
    root: tuple[str, str] = ("", ""),
) -> tuple[Areas, Reading]:
    """Read areas from a file of polygons; see `areas_of`."""
    features = read_features(Path(path), layer)
    return areas_of(
        features, source=str(path), columns=columns, level=level, within=within, crs=crs, root=root
    )


def areas_of(
    features: Features,
    *,
    source: str = "areas",
    columns: Mapping[str, str] | None = None,
    level: str | None = None,
    within: str = "",
    crs: str | None = None,
    root: tuple[str, str] = ("", ""),
) -> tuple[Areas, Reading]:
    """Areas of polygons in memory.

    Parameters
    ----------
    features : Features
    columns : mapping of str to str, optional
        Field of `GUESSES` → column.
    level : str, optional
        The level of all areas, where there is no level column and the codes are not GB/T 2260's.
    within : str
        Keep only areas whose code begins with this, such as ``4201``.
    crs : str, optional
        Of the layer, where the file states none or a wrong one.
    root : (str, str)
        Name (zh, en) of the area that is added on top where several have no parent.

    Returns
    -------
    areas : Areas
        Sorted by level, then code. Without a parent column, an area's parent is the one whose code is the
        longest beginning of its own (of GB/T 2260 codes: without trailing zeros). Polygons of one code are
        joined; invalid ones are made valid; both are counted.
    reading : Reading

    Raises
    ------
    AnlanError
        If there is no code column, a level cannot be told, or the result is not a tree.
    """
    counts: Counter[str] = Counter()
    dropped: list[tuple[str, str]] = []
    names = _mapping(features.columns, columns or {}, source)
    code = [_text(c) for c in features.columns[names["code"]].tolist()]
    kind = shapely.get_type_id(features.geometry)
    rows = []
    for row, (c, k) in enumerate(zip(code, kind.tolist(), strict=True)):
        why = "without a code" if not c else "not a polygon" if k not in (3, 6, -1) else ""
        if not why and not c.startswith(within):
            counts[f"not within {within}"] += 1
            continue
        if why:
            counts[f"left out: {why}"] += 1
            dropped.append((c or f"row {row + 1}", why))
        else:
            rows.append(row)
    if not rows:
        raise AnlanError(
            f"{source} with {len(features)} rows",
            "none of them is a polygon with a code" + (f" that begins with {within}" if within else ""),
            "give a layer of areas",
            code="no_areas",
        )
    geometry = degrees(features, crs, source)
    given = {f: [_text(t) for t in features.columns[c].tolist()] for f, c in names.items()}
    table = _joined(rows, code, geometry, given, counts)
    gb = all(_GB_CODE.fullmatch(c) for c, _, _ in table)
    levels = _levels(table, given, gb=gb, level=level, source=source)
    parents = _parents(table, given, gb=gb)
    areas = Areas.make(
        code=[c for c, _, _ in table],
        parent=parents,
        level=levels,
        name_zh=[given["name_zh"][r] if "name_zh" in given else "" for _, r, _ in table],
        name_en=[given["name_en"][r] if "name_en" in given else "" for _, r, _ in table],
        valid_from=[_instant(given, "valid_from", r, -np.inf) for _, r, _ in table],
        valid_to=[_instant(given, "valid_to", r, np.inf) for _, r, _ in table],
        geometry=np.array([*(g for _, _, g in table), None], dtype=object)[:-1],
    )
    areas = _rooted(areas, gb=gb, root=root, counts=counts)
    check_tree(areas)
    order = sorted(range(len(areas)), key=lambda r: (LEVELS.index(areas.level[r]), areas.code[r]))
    return areas.take(np.array(order)), Reading(
        source, len(features), len(rows), dict(counts), tuple(dropped)
    )


def gb_prefix(code: str) -> str:
    """The significant beginning of a GB/T 2260 or 10114 code: ``420100`` → ``4201``, ``42`` → ``42``."""
    for length in _GB_LENGTHS:
        if len(code) >= length and not code[length:].strip("0"):
            return code[:length]
    return code


def _mapping(have: Mapping[str, Any], given: Mapping[str, str], source: str) -> dict[str, str]:
    lower = {str(c).lower(): c for c in reversed(list(have))}
    out = {f: next((lower[g] for g in guesses if g in lower), "") for f, guesses in GUESSES.items()}
    for name, column in given.items():
        if column not in have:
            raise AnlanError(
                f"{source} without column {column!r}",
                f"it was named for {name!r}",
                f"name one of {', '.join(map(str, have))}",
                code="column_missing",
            )
        out[name] = column
    if not out["code"]:
        raise AnlanError(
            f"{source} with columns {', '.join(map(str, have))}",
            "areas are known by a code",
            "name the column that holds it",
            code="column_missing",
        )
    return {name: column for name, column in out.items() if column}


def degrees(features: Features, crs: str | None, source: str) -> NDArray[np.object_]:
    """The shapes of a layer in degrees; ``crs`` counts before what the file states."""
    system = read_crs(crs) if crs is not None else features.crs
    if system is not None and not system.is_geographic:

        def lonlat(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(to_lonlat(system, xy[:, 0], xy[:, 1]))

        return np.asarray(shapely.transform(features.geometry, lonlat), dtype=object)
    bounds = shapely.total_bounds(features.geometry)
    if (
        np.isfinite(bounds).all()
        and (np.abs(bounds[[0, 2]]) > 180).any() | (np.abs(bounds[[1, 3]]) > 90).any()
    ):
        raise AnlanError(
            f"{source} from {bounds[0]:g}, {bounds[1]:g} to {bounds[2]:g}, {bounds[3]:g}",
            "areas are in degrees, longitude first, unless the file states their coordinate system",
            "swap longitude and latitude, or state the coordinate system",
            code="lonlat_swapped",
        )
    return features.geometry


def _joined(
    rows: list[int],
    code: list[str],
    geometry: NDArray[np.object_],
    given: Mapping[str, list[str]],
    counts: Counter[str],
) -> list[tuple[str, int, Any]]:
    """One (code, source row, polygon) for each code and span of validity."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        dates = tuple(given[f][row] for f in ("valid_from", "valid_to") if f in given)
        groups[(code[row], *dates)].append(row)
    out = []
    for (name, *_), members in groups.items():
        shapes = [geometry[r] for r in members if geometry[r] is not None]
        if len(members) > 1:
            counts["rows joined with another of the same code"] += len(members) - 1
        broken = [not shapely.is_valid(s) for s in shapes]
        if any(broken):
            counts["polygons made valid"] += sum(broken)
        shapes = [_polygonal(s) if bad else s for s, bad in zip(shapes, broken, strict=True)]
        shape = None if not shapes else shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
        out.append((name, members[0], shape))
    return out


def _polygonal(shape: Any) -> Any:
    parts = shapely.get_parts(shapely.make_valid(shape))
    return shapely.union_all([p for p in parts if shapely.get_type_id(p) in (3, 6)])


def _levels(
    table: list[tuple[str, int, Any]],
    given: Mapping[str, list[str]],
    *,
    gb: bool,
    level: str | None,
    source: str,
) -> list[str]:
    if level is not None:
        return [level] * len(table)
    stated = given.get("level", [])
    if stated and {stated[r].lower() for _, r, _ in table} <= set(LEVELS):
        return [stated[r].lower() for _, r, _ in table]
    if gb:
        return [_GB_LEVELS[len(gb_prefix(c))] for c, _, _ in table]
    raise AnlanError(
        f"{source} with codes such as {table[0][0]!r}",
        "the level of an area comes from a level column, or from GB/T 2260 codes",
        f"state the level: {', '.join(LEVELS)}",
        code="area_level",
    )


def _parents(table: list[tuple[str, int, Any]], given: Mapping[str, list[str]], *, gb: bool) -> list[str]:
    if "parent" in given:
        have = {c for c, _, _ in table}
        # A parent outside the file is the root's business, see `_rooted`.
        return [p if (p := given["parent"][r]) in have and p != c else "" for c, r, _ in table]
    prefix = {(gb_prefix(c) if gb else c): c for c, _, _ in table}
    out = []
    for code, _, _ in table:
        own = gb_prefix(code) if gb else code
        out.append(next((prefix[own[:n]] for n in range(len(own) - 1, 0, -1) if own[:n] in prefix), ""))
    return out


def _rooted(areas: Areas, *, gb: bool, root: tuple[str, str], counts: Counter[str]) -> Areas:
    """Put one area on top where several have no parent."""
    tops = areas.parent == ""
    if len(set(areas.code[tops].tolist())) <= 1:
        return areas
    highest = min(LEVELS.index(level) for level in areas.level[tops].tolist())
    if highest == 0:
        return areas
    code, level = "root", LEVELS[highest - 1]
    if gb:
        common = _common([gb_prefix(c) for c in areas.code[tops].tolist()])
        code, level = (common.ljust(6, "0"), _GB_LEVELS[len(common)]) if common else ("000000", "nation")
        root = root if common else ("中国", "China")
    counts[f"added on top, without a shape: {code}"] += 1
    top = Areas.make(
        code=[code], level=[level], name_zh=[root[0]], name_en=[root[1]],
        valid_from=[areas.valid_from.min()], valid_to=[areas.valid_to.max()], geometry=[None],
    )  # fmt: skip
    top = top.replaced(geometry=np.array([None], dtype=object))
    return Areas.concat([top, areas.replaced(parent=np.where(tops, code, areas.parent).astype(object))])


def _common(prefixes: list[str]) -> str:
    """The longest division that all codes lie in, above each of them."""
    for length in reversed(_GB_LENGTHS):
        starts = {p[:length] for p in prefixes}
        if len(starts) == 1 and all(len(p) > length for p in prefixes):
            return starts.pop()
    return ""


def _instant(given: Mapping[str, list[str]], field: str, row: int, otherwise: float) -> float:
    text = given[field][row] if field in given else ""
    if not text:
        return otherwise
    try:
        return float(text)
    except ValueError:
        try:
            return float(np.datetime64(text.replace("Z", ""), "s").astype(np.int64))
        except ValueError:
            raise AnlanError(
                f"{field} = {text!r}", "it is a date (UTC) or Unix seconds", "write 2022-06-25", code="date"
            ) from None


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip()
