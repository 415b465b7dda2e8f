"""A survey as files: CSV tables with all rows, and hot places as GeoJSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anlan.campaign.naming import area_name, category_name, days, point_names
from anlan.campaign.survey_findings import interval, pattern_name, sentence
from anlan.campaign.surveyed import FADING, LASTING, PASSING, RISING, Survey
from anlan.city.city import City
from anlan.core.files import replacing
from anlan.core.plain import plain
from anlan.hotspots import Cells, Streets

GROUPS = {"rising": RISING, "lasting": LASTING, "passing": PASSING, "fading": FADING}


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table that spreadsheets open with the right characters."""
    with replacing(path) as out, out.open("w", encoding="utf-8-sig", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(header)
        writer.writerows(rows)


def write_geojson(path: Path, features: Sequence[dict[str, Any]]) -> None:
    """A feature collection in WGS-84."""
    with replacing(path) as out:
        out.write_text(
            json.dumps(plain({"type": "FeatureCollection", "features": list(features)}), ensure_ascii=False),
            encoding="utf-8",
        )


def write_tables(city: City, found: Survey, out: Path) -> list[str]:
    """Write the tables of every part that is finished.

    Returns
    -------
    list of str
        The files' names.
    """
    wrote = []
    for name, parts, write in (
        ("prominence.csv", (found.standing,), _prominence),
        ("clusters.csv", (found.clusters,), _clusters),
        ("targets.csv", (found.aim,), _targets),
        ("hours.csv", (found.hours,), _hours),
        ("concentration.csv", (found.concentration,), _concentration),
        ("hot_places.geojson", (found.cells,), _cells),
        ("hot_streets.geojson", (found.streets,), _streets),
    ):
        if all(part is not None for part in parts):
            write(city, found, out / name)
            wrote.append(name)
    return wrote


def _prominence(city: City, found: Survey, path: Path) -> None:
    standing = found.standing
    assert standing is not None
    p = standing.found

    def row(k: int) -> list[Any]:
        category, said = category_name(city, str(p.category[k])), sentence(city, standing, k)
        area = area_name(city, str(p.place[k])) if p.place[k] else None
        return [
            p.category[k], category.zh, category.en, p.place[k], "" if area is None else area.zh,
            "" if area is None else area.en, p.week.isoformat(), int(p.weeks[k]), f"{p.observed[k]:g}",
            f"{p.expected[k]:.2f}", f"{p.low[k]:g}", f"{p.high[k]:g}", f"{p.excess[k]:.2f}", f"{p.q[k]:.6g}",
            int(p.prominent[k]), said.zh, said.en,
        ]  # fmt: skip

    header = (
        "category category_zh category_en area area_zh area_en last_week_from weeks observed expected low high "
        "excess q prominent sentence_zh sentence_en"
    )
    write_csv(path, header.split(), (row(k) for k in range(len(p))))


def _clusters(city: City, found: Survey, path: Path) -> None:
    clusters = found.clusters
    assert clusters is not None
    rows = []
    for one in clusters.found:
        c = one.cluster
        lon, lat = city.unproject(clusters.x[c.centre : c.centre + 1], clusters.y[c.centre : c.centre + 1])
        since, until = days((c.from_s, c.to_s), city.tz)
        rows.append(
            [
                one.category,
                f"{lon[0]:.6f}",
                f"{lat[0]:.6f}",
                f"{c.radius:.0f}",
                since,
                until,
                c.observed,
                f"{c.expected:.2f}",
                f"{c.relative_risk:.2f}",
                f"{one.q:.6g}",
            ]
        )
    header = "category longitude latitude radius_m from until observed expected relative_risk q"
    write_csv(path, header.split(), rows)


def _targets(city: City, found: Survey, path: Path) -> None:
    aim = found.aim
    assert aim is not None
    x, y = aim.cells.centre(aim.chosen.index)
    lon, lat = city.unproject(x, y)
    names = point_names(city, x, y)
    rows = []
    for k, name in enumerate(names):
        low, high = interval(float(aim.weekly[k] * found.weeks), found.weeks).split("–")
        rows.append(
            [
                k + 1,
                aim.chosen.place[k],
                f"{lon[k]:.6f}",
                f"{lat[k]:.6f}",
                name.zh,
                name.en,
                f"{aim.weekly[k]:.2f}",
                low,
                high,
                f"{aim.chosen.share[k]:.6f}",
                f"{aim.chosen.kept[k]:.3f}",
            ]
        )
    header = (
        "rank cell longitude latitude place_zh place_en calls_a_week low high share_of_expected still_chosen"
    )
    write_csv(path, header.split(), rows)


def _hours(city: City, found: Survey, path: Path) -> None:
    assert found.hours is not None
    rows = [[k // 24 + 1, k % 24, f"{v:.4f}"] for k, v in enumerate(found.hours.tolist())]
    write_csv(path, ["day_of_week_monday_is_1", "hour", "calls_a_week"], rows)


def _concentration(city: City, found: Survey, path: Path) -> None:
    focus = found.concentration
    assert focus is not None
    rows = [
        [f"{a:.4f}", f"{h:.6f}", f"{c:.6f}"]
        for a, h, c in zip(focus.places_share, focus.held, focus.by_chance, strict=True)
    ]
    write_csv(path, ["share_of_street_segments", "share_of_calls", "share_by_chance"], rows)


def _properties(hot: Any, row: int) -> dict[str, Any]:
    code = int(hot.pattern[row])
    name = pattern_name(code)
    group = next((g for g, codes in GROUPS.items() if code in codes), "")
    return {
        "class_zh": name.zh if code > 0 else "",
        "class_en": name.en if code > 0 else "",
        "group": group,
        "hot": bool(hot.gi.z[row] > 0 and hot.gi.q[row] <= 0.05),
        "calls_a_week": round(float(hot.weekly[row]), 3),
        "gi_z": round(float(hot.gi.z[row]), 3),
        "gi_q": float(f"{hot.gi.q[row]:.4g}"),
    }


def _cells(city: City, found: Survey, path: Path) -> None:
    hot = found.cells
    assert hot is not None
    assert isinstance(hot.places, Cells)
    rows = np.flatnonzero(hot.gi.hot() | (hot.pattern > 0))
    x, y = hot.places.corners(rows)
    ids = hot.places.ids(rows)
    features = []
    for k, row in enumerate(rows.tolist()):
        lon, lat = city.unproject(np.append(x[k], x[k, 0]), np.append(y[k], y[k, 0]))
        ring = [[round(a, 6), round(b, 6)] for a, b in zip(lon.tolist(), lat.tolist(), strict=True)]
        features.append(
            {
                "type": "Feature",
                "id": str(ids[k]),
                "properties": _properties(hot, row),
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    write_geojson(path, features)


def _streets(city: City, found: Survey, path: Path) -> None:
    hot = found.streets
    assert hot is not None
    assert isinstance(hot.places, Streets)
    roads = hot.places.roads
    lon, lat = city.unproject(roads.x, roads.y)
    rows = np.flatnonzero(hot.gi.hot() | (hot.pattern > 0))
    features = []
    for row in rows.tolist():
        part = slice(int(roads.start[row]), int(roads.start[row + 1]))
        line = [
            [round(a, 6), round(b, 6)] for a, b in zip(lon[part].tolist(), lat[part].tolist(), strict=True)
        ]
        features.append(
            {
                "type": "Feature",
                "id": str(roads.edges.id[row]),
                "properties": {"name": str(roads.edges.name[row]), **_properties(hot, row)},
                "geometry": {"type": "LineString", "coordinates": line},
            }
        )
    write_geojson(path, features)
