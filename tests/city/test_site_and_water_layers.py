import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from anlan.city import City
from anlan.city.readers.site_layer import read_sites
from anlan.city.readers.water_layer import read_water
from anlan.core.errors import AnlanError

DATA = Path(os.environ.get("ANLAN_DATA", "/nowhere")) / "sanfrancisco"


def test_a_chinese_office_table_is_read(tmp_path):
    path = tmp_path / "stations.csv"
    text = (
        "编号,名称,类型,经度,纬度,容量,营业时间\n"
        "S1,汉口所,station,114.29,30.58,6,24/7\n"
        "S2,桥头岗亭,post,114.30,30.55,,08:00-20:00\n"
        "S3,未知,,,,,\n"
    )
    path.write_bytes(text.encode("gb18030"))
    sites, reading = read_sites(path)
    assert sites.id.tolist() == ["S1", "S2"]
    assert sites.name_zh.tolist() == ["汉口所", "桥头岗亭"]
    assert sites.kind.tolist() == ["station", "post"]
    assert sites.capacity[0] == 6
    assert np.isnan(sites.capacity[1])
    assert dict(reading.dropped) == {"S3": "without a possible place"}


@pytest.mark.parametrize("end", ["\r", "\r\n", "\r\r\n"])
def test_stray_carriage_returns_end_lines(tmp_path, end):
    path = tmp_path / "stations.csv"
    path.write_bytes(end.join(["id,lon,lat", "S1,114.29,30.58", "S2,114.30,30.55\rS3,114.31,30.56"]).encode())
    sites, _ = read_sites(path)
    assert sites.id.tolist() == ["S1", "S2", "S3"]
    assert sites.lat.tolist() == [30.58, 30.55, 30.56]


def test_text_that_is_no_table_is_one_sentence(tmp_path):
    path = tmp_path / "stations.csv"
    path.write_text('id,lon,lat\n1,114.3,"' + "x" * (1 << 24) + 'yz"\n')
    with pytest.raises(AnlanError, match="cannot be read as CSV"):
        read_sites(path)


def test_columns_of_sites_may_be_mapped(tmp_path):
    path = tmp_path / "poles.csv"
    path.write_text("ref,east,north\n7,500000,3388000\n")
    columns = {"id": "ref", "lon": "east", "lat": "north"}
    sites, _ = read_sites(path, kind="pole", columns=columns, crs="EPSG:32650")
    assert (sites.id[0], sites.kind[0], sites.lon[0]) == ("7", "pole", pytest.approx(117.0))
    with pytest.raises(AnlanError, match="not swapped"):
        read_sites(path, columns=columns)
    with pytest.raises(AnlanError, match="'code'"):
        read_sites(path, columns={**columns, "id": "code"})


def test_sites_with_unreadable_hours_or_no_place_are_refused(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("id,lon,lat,hours\n1,114.3,30.6,mornings\n")
    with pytest.raises(AnlanError, match="mornings"):
        read_sites(path)
    path.write_text("id,lon\n1,114.3\n")
    with pytest.raises(AnlanError, match="'lat'"):
        read_sites(path)


def test_outlines_of_lakes_become_shores(tmp_path):
    path = tmp_path / "water.gpkg"
    lake = shapely.Polygon([(0, 0), (4, 0), (4, 4)], [[(2.5, 1), (3, 1), (3, 1.5)]])
    river = shapely.MultiLineString([[(9, 0), (9, 1)], [(9, 2), (9, 3)]])
    gpd.GeoDataFrame({"name": ["东湖", "汉江"]}, geometry=[lake, river], crs="EPSG:4326").to_file(path)
    lines, reading = read_water(path)
    assert list(zip(lines.id, lines.kind, lines.name, strict=True)) == [
        ("0", "shore", "东湖"),
        ("0:1", "shore", "东湖"),
        ("1", "waterway", "汉江"),
        ("1:1", "waterway", "汉江"),
    ]
    assert (reading.rows, reading.kept) == (2, 2)
    points = tmp_path / "points.geojson"
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs="EPSG:4326").to_file(points)
    with pytest.raises(AnlanError, match="neither lines nor polygons"):
        read_water(points)


@pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder with sanfrancisco/")
def test_the_fire_stations_of_san_francisco_stand_on_its_streets():
    city = City.build(
        DATA / "Speed_Limits_per_Street_Segment.csv",
        name_en="San Francisco",
        tz="America/Los_Angeles",
        sites=DATA / "current_fire_stations.geojson",
        options={
            "roads": {"columns": {"speed_kmh": "SPEEDLIMIT", "id": "CNN"}, "mph": True},
            "sites": {"columns": {"id": "facility_id", "name_en": "common_name"}},
        },
    )
    assert city.settings.crs == "EPSG:32610"
    assert len(city.sites) == 42
    # The table of streets ends at the shore: Treasure Island's station is told, not moved to the mainland.
    off = city.sites.edge < 0
    assert city.sites.name_en[off].tolist() == ["Fire Station #48"]
    assert city.report is not None
    assert city.report.readings["sites"].counts == {"farther than 1000 m from every street": 1}
    x, y = city.locate(city.sites.positions)
    assert np.nanmax(np.hypot(x - city.sites.x, y - city.sites.y)) < 150
    assert "Fire Station #15" in city.sites.name_en.tolist()
    assert np.nanmin(city.roads.edges.speed_kmh) == pytest.approx(10 * 1.609344)
