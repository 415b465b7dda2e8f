"""Build a city folder of San Francisco from the city's open data.

    ./run python examples/sanfrancisco/build.py OUT [--data FOLDER]

The raw files are those of the folder ``sanfrancisco`` in the one that ``ANLAN_DATA`` names; README.md beside
this script says which they are. The city gets roads, stations and grid cells as its areas; demand by cell and
observed response by cell, weekday and day or night, which are not single calls, stand beside it as
``demand.csv`` and ``response.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from anlan.city import City, Edges, Provenance, Roads
from anlan.city.projection import Projection
from anlan.core.errors import AnlanError
from anlan.model import Areas, Sites

CRS = "EPSG:32610"
KMH_PER_MPH = 1.609344
UNPOSTED_MPH = 25.0
"""California's prima facie limit in residence and business districts (Vehicle Code section 22352)."""

BAD_MPH = 99.0
NODE_TOLERANCE_M = 30.0
"""A street piece whose end lies farther than this from where its junction's other pieces end is left out."""

NOT_DRIVEN = {"PATH", "STPS", "STWY", "WALK"}
RINGS_S = (240.0, 480.0)
"""NFPA 1710: travel of the first engine within 4 minutes, of the full alarm within 8."""

PDDL = Provenance(
    source="DataSF, data.sfgov.org",
    licence="PDDL-1.0",
    attribution="DataSF, City and County of San Francisco",
)


def main(argv: list[str] | None = None) -> None:
    """Build, save, say what was left out."""
    parser = argparse.ArgumentParser(description="Build a city folder of San Francisco.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the raw files; default $ANLAN_DATA/sanfrancisco")
    given = parser.parse_args(argv)
    try:
        folder = given.data or data_folder()
        city, left_out = build(folder)
        city = city.save(given.out)
        copy_tables(folder, given.out)
    except AnlanError as error:
        sys.exit(str(error))
    print(f"{given.out}: {len(city.roads):,} street pieces, {city.roads.n_nodes:,} junctions,")
    print(f"  {len(city.sites)} stations with {city.sites.capacity.sum():.0f} engines and trucks,")
    print(f"  {(city.areas.level == 'precinct').sum()} grid cells.")
    for reason, count in left_out.items():
        print(f"  left out: {count:,} {reason}")


def data_folder() -> Path:
    """The raw files' folder that the environment names."""
    named = os.environ.get("ANLAN_DATA", "")
    path = Path(named) / "sanfrancisco"
    if not named or not path.is_dir():
        raise AnlanError(
            f"ANLAN_DATA = {named!r}", "it names the folder that has the raw files in sanfrancisco/",
            "set it, or give --data FOLDER", code="data_missing",
        )  # fmt: skip
    return path


def build(folder: Path) -> tuple[City, Counter[str]]:
    """The city, and what of the raw files it does not hold, by reason."""
    roads, left_out = read_roads(folder)
    note = "Joined by CNN; posted speeds, 25 mph where unposted; no directions in the source: all two-way."
    city = City.build(
        roads,
        name_zh="旧金山",
        name_en="San Francisco",
        tz="America/Los_Angeles",
        crs=CRS,
        areas=read_cells(folder),
        sites=read_stations(folder),
        state="HISTORY",
        rings_s=RINGS_S,
        provenance={
            "roads": replace(PDDL, note=note),
            "areas": replace(PDDL, note="Grid cells of a study, not jurisdictions."),
            "sites": replace(PDDL, note="Capacity: engines and trucks housed."),
        },
    )
    return city, left_out


def read_roads(folder: Path) -> tuple[Roads, Counter[str]]:
    """Streets with posted speeds: shapes and speeds by CNN, junctions from the list of intersections.

    The end junctions of a CNN are matched with the ends of its shape the way round that fits the other
    pieces at those junctions; ends are then drawn together to the junction's median.
    """
    ends = {
        row["CNN"]: (row["FROM_CNN"], row["TO_CNN"])
        for row in rows(folder / "List_of_Streets_and_Intersections.csv")
        if row["FROM_CNN"] and row["TO_CNN"]
    }
    pieces: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(folder / "Speed_Limits_per_Street_Segment.csv"):
        pieces[row["CNN"]].append(row)
    joined = [cnn for cnn in pieces if cnn in ends]
    left_out = Counter({"street pieces without junctions": len(pieces) - len(joined)})
    left_out["junction pairs without a shape"] = len(set(ends) - set(pieces))

    projection = Projection(CRS)
    shapes = [_line(pieces[cnn][0]["shape"], projection) for cnn in joined]
    names = sorted({n for cnn in joined for n in ends[cnn]})
    number = {name: i for i, name in enumerate(names)}
    pair = np.array([[number[a], number[b]] for a, b in (ends[cnn] for cnn in joined)])
    place, turned = _junctions(pair, shapes)
    shapes = [s[::-1] if t else s for s, t in zip(shapes, turned, strict=True)]
    fits = np.array(
        [
            np.hypot(*(s[0] - place[a])) <= NODE_TOLERANCE_M
            and np.hypot(*(s[-1] - place[b])) <= NODE_TOLERANCE_M
            for s, (a, b) in zip(shapes, pair.tolist(), strict=True)
        ]
    )
    left_out["street pieces that do not meet their junctions"] = int((~fits).sum())

    keep = np.flatnonzero(fits)
    used, pair = np.unique(pair[keep], return_inverse=True)
    pair, place = pair.reshape(-1, 2), place[used]
    shapes = [shapes[i].copy() for i in keep]
    for shape, (a, b) in zip(shapes, pair.tolist(), strict=True):
        shape[0], shape[-1] = place[a], place[b]
    start = np.concatenate([[0], np.cumsum([len(s) for s in shapes])]).astype(np.int64)
    xy = np.concatenate(shapes)
    facts = [pieces[joined[i]] for i in keep]
    mph = np.array([posted_mph(f) for f in facts])
    driven = np.array([f[0]["ST_TYPE"] not in NOT_DRIVEN for f in facts])
    edges = Edges.make(
        id=[joined[i] for i in keep],
        u=pair[:, 0],
        v=pair[:, 1],
        road_class=[road_class(f[0]["ST_TYPE"], m) for f, m in zip(facts, mph.tolist(), strict=True)],
        forward=driven,
        backward=driven,
        speed_kmh=np.where(np.isnan(mph), UNPOSTED_MPH, mph) * KMH_PER_MPH,
        length_m=[float(np.hypot(*np.diff(s, axis=0).T).sum()) for s in shapes],
        name_en=[f"{f[0]['STREET']} {f[0]['ST_TYPE']}".strip().title() for f in facts],
        name=[f"{f[0]['STREET']} {f[0]['ST_TYPE']}".strip().title() for f in facts],
    )
    return Roads(
        edges, start, xy[:, 0].copy(), xy[:, 1].copy(), place[:, 0].copy(), place[:, 1].copy()
    ), left_out


def posted_mph(facts: list[dict[str, str]]) -> float:
    """The highest valid posted speed of a street piece, school hours aside; NaN where unposted."""
    given = [float(f["SPEEDLIMIT"] or 0) for f in facts if f["SCHOOLZONE"] != "YES"]
    valid = [mph for mph in given if mph not in (0.0, BAD_MPH)]
    return max(valid) if valid else float("nan")


def road_class(street_type: str, mph: float) -> str:
    """A road class in OpenStreetMap's words; the source has none, so it is read off type and posted speed."""
    if street_type in NOT_DRIVEN:
        return "footway"
    if street_type == "RAMP":
        return "motorway_link"
    if street_type in ("ALY", "PL", "LN", "CT"):
        return "living_street"
    if np.isnan(mph) or mph < UNPOSTED_MPH:
        return "residential"
    return "tertiary" if mph < 30 else "secondary" if mph < 40 else "primary"


def _line(wkt: str, projection: Projection) -> np.ndarray:
    part = shapely.get_geometry(shapely.from_wkt(wkt), 0)
    lon, lat = shapely.get_coordinates(part).T
    return np.column_stack(projection.forward(lon, lat))


def _junctions(pair: np.ndarray, shapes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Where each junction lies (n, 2), and whether each shape runs from the second junction to the first."""
    ends = np.array([[s[0], s[-1]] for s in shapes])
    turned = np.zeros(len(shapes), bool)
    for _ in range(5):
        at: list[list[np.ndarray]] = [[] for _ in range(int(pair.max()) + 1)]
        for (a, b), t, e in zip(pair.tolist(), turned.tolist(), ends, strict=True):
            at[a].append(e[int(t)])
            at[b].append(e[1 - int(t)])
        place = np.array([np.median(points, axis=0) for points in at])
        # A junction with one piece lies wherever that piece puts it, and has no say.
        says = np.array([len(points) > 1 for points in at])[pair]
        straight = (np.hypot(*(ends - place[pair]).transpose(2, 0, 1)) * says).sum(axis=1)
        crossed = (np.hypot(*(ends[:, ::-1] - place[pair]).transpose(2, 0, 1)) * says).sum(axis=1)
        better = crossed < straight
        if (better == turned).all():
            break
        turned = better
    return place, turned


def read_stations(folder: Path) -> Sites:
    """The fire stations; capacity is the number of engines and trucks that they house."""
    housed = Counter(row["facility_id"] for row in rows(folder / "truck_engine_fire_station.csv"))
    features = json.loads((folder / "current_fire_stations.geojson").read_text(encoding="utf-8"))["features"]
    facts = sorted((f["properties"] for f in features), key=lambda p: p["common_name"])
    names = [p["common_name"] for p in facts]
    return Sites.make(
        id=[f"F{name.split('#')[1].split()[0].zfill(2)}" for name in names],
        kind=["station"] * len(facts),
        name_en=names,
        name_zh=[f"第{name.split('#')[1].split()[0]}消防站" for name in names],
        lon=[p["longitude"] for p in facts],
        lat=[p["latitude"] for p in facts],
        capacity=[float(housed[str(p["facility_id"])]) for p in facts],
    )


def cell_code(zone: str | int) -> str:
    """Code of a grid cell."""
    return f"SF-{int(zone):03d}"


def read_cells(folder: Path) -> Areas:
    """The grid cells as areas below the city."""
    features = json.loads((folder / "grid_definitions.geojson").read_text(encoding="utf-8"))["features"]
    zones = [f["properties"]["zone_idx"] for f in features]
    shapes = np.array([shapely.from_geojson(json.dumps(f["geometry"])) for f in features], dtype=object)
    geometry = np.concatenate([[shapely.union_all(shapes)], shapes]).astype(object)
    return Areas.make(
        code=["SF", *map(cell_code, zones)],
        parent=["", *["SF"] * len(zones)],
        level=["city", *["precinct"] * len(zones)],
        name_zh=["旧金山", *[f"网格{z}" for z in zones]],
        name_en=["San Francisco", *[f"Grid cell {z}" for z in zones]],
        geometry=geometry,
    )


def copy_tables(folder: Path, out: Path) -> None:
    """Write demand and observed response, which are not single calls, beside the city."""
    with (out / "demand.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["area", "calls"])
        for row in rows(folder / "demand_data.csv"):
            writer.writerow([cell_code(row["zone_idx"]), int(row["number_of_calls"])])
    with (out / "response.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["area", "day_of_week", "day", "minutes"])
        for row in rows(folder / "aggregated.csv"):
            day = row["dayflag"] == "True"
            writer.writerow(
                [cell_code(row["zone_idx"]), int(float(row["day_of_week"])), int(day), float(row["minutes"])]
            )


def rows(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
