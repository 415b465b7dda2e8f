"""Snapping and area assignment beside shapely's STR-tree and GeoPandas, on the streets of Wuhan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from anlan.city.areas import assign
from anlan.city.demo.roads import CRS, demo_roads
from anlan.city.projection import Projection
from anlan.city.readers.area_layer import read_areas
from anlan.city.snap import Snapper
from anlan.city.streets import linestrings
from anlan.core.seed import stream
from benchmarks._table import human, table, timed


def main(argv: list[str]) -> None:
    """Measure; the argument is the number of points (default 1,000,000)."""
    n = int(argv[0]) if argv else 1_000_000
    roads = demo_roads()
    rng = stream(7, "benchmark", "snap")
    vertex = rng.integers(0, len(roads.x), n)
    x, y = roads.x[vertex] + rng.normal(0, 40, n), roads.y[vertex] + rng.normal(0, 40, n)
    snapping(roads, x, y)
    data = os.environ.get("ANLAN_DATA")
    if data is None:
        print("\nANLAN_DATA is unset: the districts for the second table are not there.")
        return
    districts(Path(data) / "china" / "counties_wuhan_jiangsu.geojson", x, y)


def snapping(roads: Any, x: Any, y: Any) -> None:
    """Nearest edge and the place along it."""
    n, few = len(x), min(len(x), 100_000)
    build = timed(lambda: Snapper(roads))
    ours = timed(lambda: build.result.snap(x, y, np.inf))
    lines = linestrings(roads.start, roads.x, roads.y)
    tree = timed(lambda: shapely.STRtree(lines), warm_up=0)

    def peer() -> Any:
        points = shapely.points(x[:few], y[:few])
        edge = tree.result.nearest(points)
        return edge, shapely.line_locate_point(lines[edge], points), shapely.distance(lines[edge], points)

    theirs = timed(peer, runs=3, warm_up=0)
    near = ours.result[1][:few]
    assert np.abs(near - theirs.result[2]).max() < 1e-6, "the two disagree"
    per_point = theirs.seconds / few
    table(
        f"{n:,} points on the {len(roads):,} edges of Wuhan",
        ["", "index", "points", "time", "per point", "ratio"],
        [
            ["anlan", human(build.seconds), f"{n:,}", human(ours.seconds), human(ours.seconds / n), "1"],
            [
                f"shapely {shapely.__version__} STRtree.nearest + line_locate_point",
                human(tree.seconds),
                f"{few:,}",
                human(theirs.seconds),
                human(per_point),
                f"{per_point / (ours.seconds / n):.0f}",
            ],
        ],
    )


def districts(path: Path, x: Any, y: Any) -> None:
    """Which county a point lies in."""
    areas, _ = read_areas(path)
    leaves = areas.take(areas.level == "county")
    lon, lat = Projection(CRS).inverse(x, y)
    ours = timed(lambda: assign(areas, lon, lat))
    frame = gpd.GeoDataFrame({"code": leaves.code}, geometry=leaves.geometry, crs="OGC:CRS84")

    def peer() -> Any:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat, crs="OGC:CRS84"))
        joined = points.sjoin(frame, how="left", predicate="intersects")
        return joined[~joined.index.duplicated()].code.fillna("").to_numpy()

    theirs = timed(peer, runs=3, warm_up=0)
    assert (theirs.result == ours.result).mean() > 0.999, "the two disagree"
    table(
        f"{len(x):,} points in {len(leaves)} counties",
        ["", "time", "ratio"],
        [
            ["anlan", human(ours.seconds), "1"],
            [
                f"GeoPandas {gpd.__version__} sjoin",
                human(theirs.seconds),
                f"{theirs.seconds / ours.seconds:.1f}",
            ],
        ],
    )
