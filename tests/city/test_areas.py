import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.city import City
from anlan.city.areas import assign, at_level, check_tree
from anlan.city.readers.area_layer import areas_of, gb_prefix, read_areas
from anlan.city.readers.vector import Features
from anlan.core.errors import AnlanError
from anlan.model import Areas

DATA = Path(os.environ.get("ANLAN_DATA", "/nowhere")) / "china"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder with china/")


def tree(*given_rows: tuple[Any, ...]) -> Areas:
    """Areas of (code, parent, level, box or None, from, to), the last two optional."""
    rows = [(*r, *(None,) * (6 - len(r))) for r in given_rows]
    return Areas.make(
        code=[r[0] for r in rows],
        parent=[r[1] for r in rows],
        level=[r[2] for r in rows],
        geometry=np.array(
            [None if r[3] is None else shapely.box(*r[3]) for r in rows] + [None], dtype=object
        )[:-1],
        valid_from=[-np.inf if r[4] is None else r[4] for r in rows],
        valid_to=[np.inf if r[5] is None else r[5] for r in rows],
    )


WEST, EAST, ALL = (0, 0, 1, 1), (1, 0, 2, 1), (0, 0, 3, 1)
TOWN = tree(
    ("c", "", "city", ALL),
    ("c1", "c", "county", WEST),
    ("c2", "c", "county", EAST),
    ("c11", "c1", "town", (0, 0, 0.5, 0.5)),
)


def test_a_point_belongs_to_the_finest_area_around_it():
    codes = assign(TOWN, [0.2, 0.7, 1.5, 2.5, 5, np.nan], [0.2, 0.7, 0.5, 0.5, 0, 0.5])
    assert codes.tolist() == ["c11", "c1", "c2", "c", "", ""]
    assert assign(TOWN, 0.2, 0.2, level="county").tolist() == ["c1"]


def test_a_point_on_a_border_belongs_to_the_lowest_code():
    assert assign(TOWN, [1.0, 1.0], [0.5, 1.0]).tolist() == ["c1", "c1"]
    assert assign(TOWN.take(slice(None, None, -1)), 1.0, 0.5).tolist() == ["c1"]


def test_areas_change_with_time():
    changing = tree(
        ("c", "", "city", ALL),
        ("old", "c", "county", (0, 0, 2, 1), None, 100.0),
        ("w", "c", "county", WEST, 100.0, None),
        ("e", "c", "county", EAST, 100.0, 200.0),
    )
    check_tree(changing)
    x, y = np.full(5, 1.5), np.full(5, 0.5)
    at = np.array([50.0, 99.9, 100.0, 200.0, np.nan])
    assert assign(changing, x, y, at).tolist() == ["old", "old", "e", "c", "c"]
    assert assign(changing, 0.5, 0.5).tolist() == ["w"]


def test_roll_up_to_a_level():
    assert at_level(TOWN, ["c11", "c2", "c", "", "nowhere"], "county").tolist() == ["c1", "c2", "", "", ""]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([("a", "", "city", None), ("a", "", "city", None)], "area a: a code stands for one area at a time"),
        ([("a", "b", "county", None)], "a with parent b"),
        ([("a", "b", "county", None), ("b", "a", "city", None)], "lies in one of a higher level"),
        ([("a", "", "village", None)], "'village'"),
        ([("", "", "city", None)], "without a code"),
        ([("a", "", "city", None, 5.0, 5.0)], "ends before it begins"),
        (
            [("b", "", "city", None, 0.0, 9.0), ("a", "b", "county", None, 5.0, 10.0)],
            "whenever the area does",
        ),
    ],
)
def test_what_is_no_tree_is_refused(rows, sentence):
    with pytest.raises(AnlanError, match=sentence):
        check_tree(tree(*rows))


def test_one_code_may_stand_for_two_areas_at_different_times():
    check_tree(tree(("a", "", "city", WEST, None, 5.0), ("a", "", "city", ALL, 5.0, None)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 6)] * 4), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(-1, 13), st.integers(-1, 13)), min_size=1, max_size=20),
)
def test_as_asking_every_polygon(boxes, points):
    rows = [(f"{i}", "", "county", (a, b, a + c + 1, b + d + 1)) for i, (a, b, c, d) in enumerate(boxes)]
    areas = tree(*rows)
    x, y = np.array(points, dtype=float).T / 2
    for code, px, py in zip(assign(areas, x, y), x, y, strict=True):
        around = [c for c, _, _, (a, b, c2, d2) in rows if a <= px <= c2 and b <= py <= d2]
        assert code == (min(around) if around else "")


# -- reading ------------------------------------------------------------------------------------------------


def layer(codes: list[str], shapes: Any = None, **columns: Any) -> Features:
    shapes = shapes or [shapely.box(i, 0, i + 1, 1) for i in range(len(codes))]
    table = {
        "code": np.array(codes, dtype=object),
        **{k: np.array(v, dtype=object) for k, v in columns.items()},
    }
    return Features(table, np.array([*shapes, None], dtype=object)[:-1], None)


@pytest.mark.parametrize(
    ("code", "prefix"),
    [("420000", "42"), ("42", "42"), ("4201", "4201"), ("420100", "4201"), ("420102", "420102"),
     ("420102003", "420102003"), ("420102000", "420102"), ("420102003001", "420102003001"),
     ("420102003000", "420102003"), ("110101001", "110101001")],
)  # fmt: skip
def test_the_significant_part_of_a_division_code(code, prefix):
    assert gb_prefix(code) == prefix


def test_division_codes_make_the_tree():
    codes = ["420102", "420100", "420000", "420102003", "429004"]
    areas, _ = areas_of(layer(codes))
    got = {c: (p, lv) for c, p, lv in zip(areas.code, areas.parent, areas.level, strict=True)}
    assert got == {
        "420000": ("", "province"),
        "420100": ("420000", "city"),
        "420102": ("420100", "county"),
        "420102003": ("420102", "town"),
        "429004": ("420000", "county"),  # Xiantao, governed by the province itself
    }


def test_districts_alone_get_their_city_on_top():
    areas, reading = areas_of(layer(["420102", "420103"], name=["江岸区", "江汉区"]), root=("武汉", "Wuhan"))
    assert areas.code.tolist() == ["420100", "420102", "420103"]
    assert areas.parent.tolist() == ["", "420100", "420100"]
    assert areas.name_en[0] == "Wuhan"
    assert areas.name(1, "en") == "江岸区"
    assert "added on top, without a shape: 420100" in reading.counts


def test_other_codes_need_a_level_or_a_level_column():
    with pytest.raises(AnlanError, match="state the level"):
        areas_of(layer(["A", "B"]))
    areas, _ = areas_of(layer(["A", "B"]), level="precinct")
    assert areas.code.tolist() == ["root", "A", "B"]
    assert areas.level.tolist() == ["town", "precinct", "precinct"]
    areas, _ = areas_of(layer(["S", "S1", "S12"], level=["city", "county", "precinct"]))
    assert areas.parent.tolist() == ["", "S", "S1"]


def test_a_parent_column_is_believed():
    areas, _ = areas_of(layer(["X", "Y"], level=["city", "precinct"], parent=["", "X"]))
    assert areas.parent.tolist() == ["", "X"]


def test_what_is_no_area_is_counted_and_shapes_are_mended():
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    shapes = [bow_tie, shapely.box(5, 0, 6, 1), shapely.box(7, 0, 8, 1), shapely.LineString([(0, 0), (1, 1)]),
              shapely.box(0, 5, 1, 6)]  # fmt: skip
    features = layer(["420102", "420103", "420103", "420104", ""], shapes)
    areas, reading = areas_of(features)
    assert shapely.is_valid(areas.geometry[1:]).all()
    assert shapely.area(areas.geometry[1:]).tolist() == [2, 2]
    assert dict(reading.dropped) == {"420104": "not a polygon", "row 5": "without a code"}
    assert reading.counts["polygons made valid"] == 1
    assert reading.counts["rows joined with another of the same code"] == 1


def test_dates_of_validity_are_read():
    areas, _ = areas_of(
        layer(["A", "A"], valid_from=["", "2022-06-25"], valid_to=["2022-06-25", ""]), level="precinct"
    )
    assert sorted(areas.valid_to.tolist()) == [1656115200.0, np.inf]
    with pytest.raises(AnlanError, match="midsummer"):
        areas_of(layer(["A"], valid_from=["midsummer"]), level="precinct")


def test_a_layer_without_codes_or_in_the_wrong_order_is_refused():
    nameless = Features({"ref": np.array(["a"], dtype=object)}, np.array([shapely.box(0, 0, 1, 1)]), None)
    with pytest.raises(AnlanError, match="known by a code"):
        areas_of(nameless)
    assert areas_of(nameless, columns={"code": "ref"}, level="city")[0].code.tolist() == ["a"]
    with pytest.raises(AnlanError, match="longitude first"):
        areas_of(layer(["420102"], [shapely.box(30, 114, 31, 115)]))
    with pytest.raises(AnlanError, match="begins with 43"):
        areas_of(layer(["420102"]), within="43")


def test_areas_in_metres_come_back_in_degrees(tmp_path):
    path = tmp_path / "areas.gpkg"
    box = gpd.GeoDataFrame(
        {"adcode": ["420102"]}, geometry=[shapely.box(114.3, 30.6, 114.4, 30.7)], crs="EPSG:4326"
    )
    box.to_crs("EPSG:4547").to_file(path)
    areas, _ = read_areas(path)
    assert shapely.total_bounds(areas.geometry) == pytest.approx([114.3, 30.6, 114.4, 30.7], abs=1e-3)


@needs_data
def test_the_districts_of_wuhan():
    areas, reading = read_areas(DATA / "counties_wuhan_jiangsu.geojson", within="4201")
    assert len(areas) == 14
    assert (areas.code[0], areas.level[0], set(areas.parent[1:])) == ("420100", "city", {"420100"})
    assert reading.counts["not within 4201"] == 95
    # The Yellow Crane Tower stands in Wuchang, the Hankou customs house in Jiang'an.
    assert assign(areas, [114.3026, 114.2937], [30.5449, 30.5806]).tolist() == ["420106", "420102"]


@needs_data
def test_the_provinces_leave_their_dashes_behind():
    areas, reading = read_areas(DATA / "provinces.geojson")
    assert reading.counts["left out: without a code"] == 8
    assert areas.code[0] == "000000"
    assert areas.name(0, "zh") == "中国"
    assert (areas.level[1:] == "province").all()
    assert assign(areas, 114.3, 30.6).tolist() == ["420000"]


@needs_data
def test_a_city_with_areas_places_its_calls(tmp_path):
    roads = tmp_path / "roads.geojson"
    gpd.GeoDataFrame(
        geometry=[shapely.LineString([(114.30, 30.545), (114.31, 30.545)])], crs="EPSG:4326"
    ).to_file(roads)
    from anlan.model import Calls

    calls = Calls.make(id=["1"], received=[1.6e9], lon=[114.3026], lat=[30.5449])
    city = City.build(
        roads, name_zh="武汉", tz="Asia/Shanghai", areas=DATA / "counties_wuhan_jiangsu.geojson", calls=calls,
        options={"areas": {"within": "4201"}},
    )  # fmt: skip
    assert city.calls.area.tolist() == ["420106"]
    assert at_level(city.areas, city.calls.area, "city").tolist() == ["420100"]
    assert city.areas.name(0, "zh") == "武汉"
