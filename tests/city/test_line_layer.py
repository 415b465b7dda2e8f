from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from anlan.city import City
from anlan.city.projection import Projection, read_crs
from anlan.city.readers.line_layer import DISAGREE, read_lines, streets_of
from anlan.city.readers.vector import Features
from anlan.core.errors import AnlanError

# A cross of four streets in Wuhan; metres from its middle in UTM 50N.
MIDDLE = (241_000.0, 3_388_000.0)
ARMS = [[(0, 0), (0, 500)], [(0, 0), (300, 20), (600, 0)], [(0, -400), (0, 0)], [(-300, 0), (0, 0)]]


def frame(crs: str = "EPSG:32650", arms: Any = ARMS, **columns: Any) -> Any:
    shapes = [shapely.LineString([(MIDDLE[0] + a, MIDDLE[1] + b) for a, b in arm]) for arm in arms]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32650").to_crs(crs)


def features(**kw: Any) -> Features:
    table = frame(**kw)
    columns = {c: table[c].to_numpy(dtype=object) for c in table.columns if c != "geometry"}
    return Features(columns, table.geometry.to_numpy(), table.crs)


FULL = {
    "osm_id": [11, 12, 13, 14],
    "highway": ["primary", "Residential", "footway", "motorway"],
    "oneway": ["no", "yes", "no", "-1"],
    "maxspeed": ["60", "30 mph", "", "110"],
    "name": ["北街", "东街", "", "西路"],
}


@pytest.mark.parametrize("suffix", ["parquet", "gpkg", "geojson", "shp", "csv"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4547"])
def test_every_format_and_system_gives_the_same_streets(tmp_path, suffix, crs):
    table = frame(crs, **FULL)
    path = tmp_path / f"roads.{suffix}"
    if suffix == "parquet":
        table.to_parquet(path)
    elif suffix == "csv":
        pd.DataFrame(table.drop(columns="geometry")).assign(
            wkt=table.geometry.to_wkt(rounding_precision=9)
        ).to_csv(path, index=False)
    elif suffix == "geojson":
        table.to_crs("EPSG:4326").to_file(path)
    else:
        table.to_file(path, encoding="utf-8")
    streets = read_lines(path, crs=crs if suffix == "csv" else None)
    edges = streets.roads(Projection("EPSG:32650")).edges
    row = {i: r for r, i in enumerate(edges.id.tolist())}
    order = [row[i] for i in ("11", "12", "13", "14")]
    assert edges.road_class[order].tolist() == ["primary", "residential", "footway", "motorway"]
    assert edges.forward[order].tolist() == [True, True, False, False]
    assert edges.backward[order].tolist() == [True, False, False, True]
    assert edges.foot[order].tolist() == [True, True, True, False]
    assert edges.speed_kmh[order].tolist() == pytest.approx([60, 48.28032, np.nan, 110], nan_ok=True)
    assert edges.length_m[order].tolist() == pytest.approx([500, 601.3319, 400, 300], abs=0.01)
    assert edges.name[order].tolist() == ["北街", "东街", "", "西路"]
    assert len({*edges.u.tolist(), *edges.v.tolist()}) == 5


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_streets_as_text_are_read_in_every_encoding(tmp_path, encoding, end):
    path = tmp_path / "roads.csv"
    lines = ["编号,wkt,道路等级,名称", '1,"LINESTRING (114.30 30.55, 114.31 30.55)",primary,解放大道', ""]
    path.write_bytes(end.join(lines).encode(encoding))
    edges = read_lines(path).roads(Projection("EPSG:32650")).edges
    assert (edges.id.tolist(), edges.name.tolist()) == (["1"], ["解放大道"])


@pytest.mark.parametrize("header", ["警情编号,接警时间,经度,纬度", "编号,wkt,名称,名称"])
def test_a_table_of_something_else_is_refused_in_a_sentence(tmp_path, header):
    path = tmp_path / "calls.csv"
    path.write_bytes(f"{header}\n甲,2022-07-01 08:00,114.3,30.6\n".encode("gb18030"))
    with pytest.raises(AnlanError, match=r"cannot be read as a vector layer"):
        read_lines(path)


def test_columns_may_be_mapped(tmp_path):
    path = tmp_path / "roads.gpkg"
    frame(RDTYPE=["a", "b", "c", "d"], vmax=[20, 30, 40, 0]).to_file(path)
    streets = read_lines(path, columns={"road_class": "RDTYPE", "speed_kmh": "vmax"}, mph=True)
    assert sorted(streets.edges.road_class.tolist()) == ["a", "b", "c", "d"]
    assert np.nanmax(streets.edges.speed_kmh) == pytest.approx(40 * 1.609344)
    assert np.isnan(streets.edges.speed_kmh).sum() == 1
    with pytest.raises(AnlanError, match=r"'vmin'.*RDTYPE"):
        read_lines(path, columns={"speed_kmh": "vmin"})
    with pytest.raises(AnlanError, match="'vmax'"):
        read_lines(path, columns={"vmax": "speed_kmh"})


@pytest.mark.parametrize(("gap_m", "nodes"), [(0.0, 5), (0.06, 5), (0.4, 6)])
def test_ends_that_almost_meet_are_one_junction(gap_m, nodes):
    arms = [*ARMS[:3], [(-300, 0), (-gap_m, 0)]]
    streets = streets_of(features(arms=arms))
    assert len({*streets.edges.u.tolist(), *streets.edges.v.tolist()}) == nodes
    assert len(set(streets_of(features(arms=arms), join_m=0.5).edges.u) | {0}) <= 5
    for e in range(4):
        first, last = streets.start[e], streets.start[e + 1] - 1
        for other in range(4):
            # What has one number lies in one place, to the last digit.
            if streets.edges.v[e] == streets.edges.u[other]:
                begin = streets.start[other]
                assert streets.lon[last] == streets.lon[begin]
        assert (streets.lon[first], streets.lat[first]) != (streets.lon[last], streets.lat[last])


def test_own_junction_numbers_are_kept_where_they_agree_with_the_shapes():
    # The first two streets cross on different levels: one place, two junctions.
    kw = {"u": [7, 8, 2, 3], "v": [4, 5, 7, 8]}
    streets = streets_of(features(**kw))
    assert len({*streets.edges.u.tolist(), *streets.edges.v.tolist()}) == 6
    assert DISAGREE not in streets.reading.counts


def test_junction_numbers_that_contradict_the_shapes_are_not_believed():
    kw = {"u": [7, 4, 2, 3], "v": [4, 5, 7, 7]}
    streets = streets_of(features(**kw))
    assert len({*streets.edges.u.tolist(), *streets.edges.v.tolist()}) == 5
    assert streets.reading.counts[DISAGREE] == 5
    with pytest.raises(AnlanError, match="leave them out"):
        streets_of(features(**kw), columns={"u": "u", "v": "v"})


def test_rows_for_each_direction_become_one_street():
    arms = [ARMS[0], ARMS[0][::-1], ARMS[1], ARMS[3]]
    table = features(
        arms=arms, reversed=[False, True, False, True], highway=["primary", "primary", "service", "footway"]
    )
    streets = streets_of(table)
    edges = streets.edges
    assert len(edges) == 3
    ways = dict(zip(edges.road_class, zip(edges.forward, edges.backward, strict=True), strict=True))
    assert ways == {"primary": (True, True), "service": (True, False), "footway": (False, False)}
    assert len(streets_of(table, directed=False).edges) == 4


def test_rows_that_are_no_street_are_counted_and_named():
    shapes = [
        shapely.LineString([(114.3, 30.6), (114.31, 30.6)]),
        shapely.MultiLineString([[(114.31, 30.6), (114.32, 30.6)], [(114.33, 30.6), (114.34, 30.6)]]),
        shapely.Point(114.3, 30.6),
        None,
        shapely.LineString([(114.3, 30.6), (114.3, 30.6)]),
    ]
    ids = np.array(["a", "b", "c", "d", "e"], dtype=object)
    reading = streets_of(Features({"id": ids}, np.array(shapes, dtype=object), None)).reading
    assert (reading.rows, reading.kept) == (5, 2)
    assert dict(reading.dropped) == {"c": "not a line", "d": "without geometry", "e": "a line of no length"}
    assert reading.counts["further parts of multi-part lines"] == 1


@pytest.mark.parametrize(
    ("change", "crs", "sentence"),
    [
        (lambda xy: xy, None, "does not state their coordinate system"),
        (lambda xy: xy, "EPSG:4326", "real coordinate system"),
        (lambda xy: xy, "EPSG:banana", "a code or text that PROJ knows"),
        (lambda xy: np.column_stack(Projection("EPSG:32650").inverse(*xy.T))[:, ::-1], "EPSG:4326", "swap"),
        (lambda xy: np.column_stack(Projection("EPSG:32650").inverse(*xy.T)), "EPSG:32650", "EPSG:4326"),
    ],
)
def test_coordinates_that_cannot_be_what_is_said_are_refused(change, crs, sentence):
    table = features()
    table = Features(table.columns, shapely.transform(table.geometry, change), None)
    with pytest.raises(AnlanError, match=sentence):
        streets_of(table, crs=crs)


def test_a_city_in_a_system_that_does_not_hold_there_is_refused(tmp_path):
    path = tmp_path / "roads.gpkg"
    frame().to_file(path)
    for crs, sentence in (
        ("EPSG:32633", "it holds from"),
        ("EPSG:3857", "of the metres on the ground"),
        ("EPSG:4326", "projected coordinate system with metres"),
        ("EPSG:2263", "projected coordinate system with metres"),  # New York, in feet
    ):
        with pytest.raises(AnlanError, match=sentence):
            City.build(path, name_en="Cross", tz="Asia/Shanghai", crs=crs)
    assert City.build(path, name_en="Cross", tz="Asia/Shanghai").settings.crs == "EPSG:32650"
    south = Projection.utm(18.42, -33.92)
    assert south.crs == "EPSG:32734"


def test_swapped_degrees_of_a_small_place_show_against_its_areas(tmp_path):
    roads = tmp_path / "roads.geojson"
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(47.1, 9.5), (47.2, 9.5)])], crs="EPSG:4326")
    lines.to_file(roads)
    areas = tmp_path / "areas.geojson"
    gpd.GeoDataFrame({"code": ["FL"]}, geometry=[shapely.box(9.4, 47.0, 9.7, 47.3)], crs="EPSG:4326").to_file(
        areas
    )
    with pytest.raises(AnlanError, match="not swapped"):
        City.build(
            roads,
            name_en="Liechtenstein",
            tz="Europe/Vaduz",
            areas=areas,
            options={"areas": {"level": "nation"}},
        )


def test_files_that_are_no_layer_say_so(tmp_path):
    wrong = tmp_path / "roads.gpkg"
    wrong.write_text("this is a letter")
    empty = tmp_path / "roads.parquet"
    empty.write_bytes(b"")
    plain = tmp_path / "plain.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(plain)
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    points = tmp_path / "points.geojson"
    gpd.GeoDataFrame(geometry=[shapely.Point(114, 30)], crs="EPSG:4326").to_file(points)
    for path in (wrong, empty, plain, table):
        with pytest.raises(AnlanError, match="cannot be read as a vector layer") as caught:
            read_lines(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(AnlanError, match="none of its 1 rows is a line"):
        read_lines(points)
    with pytest.raises(AnlanError, match="does not exist"):
        read_lines(tmp_path / "none.shp")


def test_the_network_stays_whole_and_its_pieces_are_reported():
    far = [[(5000, 0), (5100, 0)], [(0, 500), (0, 600)], [(0, 600), (50, 600)]]
    table = features(
        arms=[*ARMS, *far], highway=["primary"] * 4 + ["service"] * 3, oneway=[""] * 5 + ["yes", "yes"]
    )
    roads = streets_of(table).roads(Projection("EPSG:32650"))
    city = City.build(roads, name_en="Pieces", tz="Asia/Shanghai", crs="EPSG:32650")
    assert len(city.roads) == 7
    assert city.report is not None
    network = city.report.network
    total = 500 + 601.3319 + 400 + 300 + 100 + 100 + 50
    assert network.pieces == 2
    assert network.outside_largest == pytest.approx(100 / total, rel=1e-4)
    assert network.trapped_edges == 2
    assert network.trapped == pytest.approx(150 / total, rel=1e-4)
    assert network.speed_known == 0


def test_the_system_of_a_file_may_be_overruled():
    table = features(crs="EPSG:4326")
    wrong = Features(table.columns, table.geometry, read_crs("EPSG:4490"))
    assert streets_of(wrong).lon.mean() == pytest.approx(streets_of(table, crs="EPSG:4326").lon.mean())
