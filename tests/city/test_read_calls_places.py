"""Where calls are: degrees and metres, one column or two, exchanged, shifted or missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.city.readers.calls import read_calls
from anlan.city.readers.numbers import parse_degrees, parse_numbers
from anlan.city.readers.read import CallsRead
from anlan.core.coordinates import distance_m, from_wgs84
from anlan.core.errors import AnlanError

WUHAN = (113.9, 30.3, 114.7, 30.9)


def calls(tmp_path: Path, rows: list[str], header: str = "id,received,lon,lat", **options: Any) -> CallsRead:
    path = tmp_path / "calls.csv"
    lines = [f"{i},2022-07-04 08:{i:02d},{row}" for i, row in enumerate(rows)]
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return read_calls(path, **{"tz": "Asia/Shanghai", "source": "reported", **options})


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("114.305", 114.305), ("114,305", 114.305), ("１１４．３０５", 114.305),
        (" 114.305 ", 114.305), ("-73.9", -73.9),
        ("114.305°", 114.305), ("114.305E", 114.305), ("E114.305", 114.305), ("东经114.305", 114.305),
        ("122.4W", -122.4), ("S 33.9", -33.9), ("114°18'18\"", 114.305), ("114°18′18″E", 114.305),
        ("114度18分18秒", 114.305), ("114° 18.3'", 114.305), ("1.14305e2", 114.305), ("+114.305", 114.305),
    ],
)  # fmt: skip
def test_degrees_as_people_write_them(text, degrees):
    values, unreadable = parse_degrees(pa.array([text]))
    assert values[0] == pytest.approx(degrees, abs=1e-9)
    assert not unreadable[0]


@pytest.mark.parametrize("text", ["东湖路", "114.3.5", "114°75'", "1,2,3", "inf", "0x10"])
def test_what_is_no_number_is_unreadable(text):
    values, unreadable = parse_degrees(pa.array([text]))
    assert np.isnan(values[0])
    assert unreadable[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("531,350", 531350), ("531350", 531350), ("531 350", 531350), ("531'350.5", 531350.5),
        ("3,389,000.25", 3389000.25), ("3.389.000,25", 3389000.25), ("531350,5", 531350.5), ("1,2", 1.2),
    ],
)  # fmt: skip
def test_metres_with_thousands_separators(text, number):
    assert parse_numbers(pa.array([text, "1"]), thousands=True)[0][0] == number


@given(st.lists(st.floats(-1e7, 1e7), min_size=1))
def test_numbers_written_in_either_spelling_are_read_back(values):
    english, _ = parse_numbers(pa.array([f"{v:,.3f}" for v in values]), thousands=True)
    german, _ = parse_numbers(pa.array([f"{v:,.3f}".translate(str.maketrans(",.", ".,")) for v in values]))
    rounded = np.array([float(f"{v:.3f}") for v in values])
    assert np.array_equal(english, rounded)
    assert np.array_equal(german, rounded)


# -- systems -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gcj02", "bd09", "cgcs2000", "wgs84"])
def test_every_coordinate_system_comes_home_to_wgs84(tmp_path, name):
    lon, lat = from_wgs84(114.305, 30.593, name)
    read = calls(tmp_path, [f"{lon:.8f},{lat:.8f}"], coordinate_system=name)
    assert distance_m(read.calls.lon[0], read.calls.lat[0], 114.305, 30.593) < 0.01
    assert read.summary.mapping.coordinate_system == name


def test_the_system_in_a_columns_name_is_taken_and_said(tmp_path):
    lon, lat = from_wgs84(114.305, 30.593, "bd09")
    read = calls(tmp_path, [f"{lon:.8f},{lat:.8f}"], "编号,时间,百度经度,百度纬度")
    assert distance_m(read.calls.lon[0], read.calls.lat[0], 114.305, 30.593) < 0.01
    assert [f.code for f in read.summary.findings] == ["system_from_name"]
    given = calls(tmp_path, ["114.305,30.593"], "编号,时间,百度经度,百度纬度", coordinate_system="wgs84")
    assert given.calls.lon[0] == 114.305


def test_an_unknown_system_is_a_sentence(tmp_path):
    with pytest.raises(AnlanError, match="wgs84, cgcs2000, gcj02, bd09"):
        calls(tmp_path, ["114.3,30.6"], coordinate_system="utm50")


def test_metres_need_their_system_and_then_are_places(tmp_path):
    rows = ["531350,195850", '"531,350","195,850"']
    with pytest.raises(
        AnlanError, match=r"Easting_m and Northing_m such as 531350, 195850.*EPSG:32650"
    ) as caught:
        calls(tmp_path, rows, "id,received,Easting_m,Northing_m", city_crs="EPSG:32650")
    assert caught.value.code == "crs_missing"
    read = calls(tmp_path, rows, "id,received,Easting_m,Northing_m", crs="EPSG:27700", tz="Europe/London")
    assert np.allclose(read.calls.lon, -0.1030, atol=1e-4)
    assert np.allclose(read.calls.lat, 51.6461, atol=1e-4)
    assert read.summary.mapping.crs == "EPSG:27700"


def test_metres_under_the_names_of_degrees_are_found_out(tmp_path):
    with pytest.raises(AnlanError, match="metres of a projected"):
        calls(tmp_path, ["531350,3389000"])


def test_x_and_y_may_be_degrees(tmp_path):
    assert calls(tmp_path, ["114.3,30.6"], "id,received,X,Y").calls.lon.tolist() == [114.3]


# -- exchanged, zero, outside ------------------------------------------------------------------------------


def test_a_table_with_latitude_and_longitude_exchanged_is_refused_with_the_remedy(tmp_path):
    rows = ["30.6,114.3", "30.5,114.4"]
    with pytest.raises(AnlanError, match=r"30.6, 114.3.*2 of 2 rows.*swap=True") as caught:
        calls(tmp_path, rows)
    assert caught.value.code == "lonlat_swapped"
    read = calls(tmp_path, rows, swap=True)
    assert read.calls.lon.tolist() == [114.3, 114.4]
    assert [(f.code, f.count) for f in read.summary.findings] == [("lon_lat_exchanged", 2)]


def test_some_exchanged_rows_are_dropped_unless_told(tmp_path):
    rows = ["114.3,30.6", "114.4,30.5", "30.5,114.4", "114.2,30.5"]
    read = calls(tmp_path, rows)
    assert read.dropped.reason.tolist() == ["lon_lat_swapped"]
    mended = calls(tmp_path, rows, swap=True)
    assert mended.calls.lon.tolist() == [114.3, 114.4, 114.4, 114.2]


def test_where_the_earth_does_not_tell_the_citys_bounds_do(tmp_path):
    london = (-0.6, 51.2, 0.4, 51.8)
    rows = ["51.5,-0.12", "51.4,0.1"]
    assert len(calls(tmp_path, rows).calls) == 2  # places in the Indian Ocean, for all one can tell
    with pytest.raises(AnlanError, match="on the city only with the two exchanged"):
        calls(tmp_path, rows, bounds=london)
    assert calls(tmp_path, rows, bounds=london, swap=True).calls.lat.tolist() == [51.5, 51.4]
    assert calls(tmp_path, rows, swap=True).calls.lat.tolist() == [51.5, 51.4]


def test_metres_of_china_with_x_to_the_north_are_found_out(tmp_path):
    # Gauss-Krüger as surveyors write it: X is north.
    rows = ["3386000,529000", "3387000,530000"]
    header = "id,received,X坐标,Y坐标"
    with pytest.raises(AnlanError, match="exchanged"):
        calls(tmp_path, rows, header, crs="EPSG:4547")
    read = calls(tmp_path, rows, header, crs="EPSG:4547", swap=True)
    assert np.allclose(read.calls.lon, 114.3, atol=0.1)
    assert np.allclose(read.calls.lat, 30.6, atol=0.1)


def test_outside_the_city_is_a_reason(tmp_path):
    read = calls(tmp_path, ["114.3,30.6", "116.4,39.9"], bounds=WUHAN)
    assert read.dropped.reason.tolist() == ["outside_city"]
    # Shifted by GCJ-02 the point lies outside, brought home it lies inside.
    edge = 114.7
    lon, lat = from_wgs84(edge - 0.001, 30.6, "gcj02")
    assert lon > edge
    assert len(calls(tmp_path, [f"{lon},{lat}"], bounds=WUHAN, coordinate_system="gcj02").calls) == 1


# -- one column for both -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("坐标", '"114.3,30.6"'), ("经纬度", '"30.6，114.3"'), ("location", '"(30.6, 114.3)"'),
        ("geom", "POINT (114.3 30.6)"),
        ("wkt", "SRID=4326;POINT(114.3 30.6)"), ("latlng", "30.6 114.3"), ("coordinates", "114.3; 30.6"),
        ("Location", '"100 Main St, 430000 (30.6, 114.3)"'),
    ],
)  # fmt: skip
def test_both_coordinates_in_one_column(tmp_path, name, text):
    read = calls(tmp_path, [text, text.replace("114.3", "114.4")], f"id,received,{name}")
    assert read.calls.lon.tolist() == [114.3, 114.4]
    assert read.calls.lat.tolist() == [30.6, 30.6]


def test_the_order_of_a_pair_that_nothing_tells_is_said(tmp_path):
    read = calls(tmp_path, ['"51.5,-0.12"'], "id,received,coords", tz="Europe/London")
    assert [f.code for f in read.summary.findings] == ["point_order_assumed"]
    assert read.calls.lon.tolist() == [51.5]
    bounded = calls(tmp_path, ['"51.5,-0.12"'], "id,received,coords", bounds=(-0.6, 51.2, 0.4, 51.8))
    assert bounded.calls.lon.tolist() == [-0.12]
    assert bounded.summary.findings == ()


def test_a_location_column_of_addresses_is_no_place(tmp_path):
    with pytest.raises(AnlanError, match="addresses alone must be turned into coordinates"):
        calls(tmp_path, ["武珞路1号"], "id,received,location")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mixed_column_agrees_with_single_cells(seed):
    rng = np.random.default_rng(seed)
    pool = ["114.3", "114,3", "", "无", "114°18'", "x", "１１４．３", "1e2", "1,114.5"]
    texts = [pool[i] for i in rng.integers(0, len(pool), 6)]
    together, bad = parse_degrees(pa.array(texts, type=pa.string()))
    for text, value, wrong in zip(texts, together, bad, strict=True):
        alone, alone_bad = parse_degrees(pa.array([text]))
        assert np.array_equal([value], alone, equal_nan=True)
        assert wrong == alone_bad[0]
