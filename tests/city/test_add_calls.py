"""Adding tables of calls to a city: nothing doubled, nothing lost, shifted coordinates shouted about."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from anlan.city import City
from anlan.city.add_calls import add_calls, add_calls_file, city_bounds, read_loads
from anlan.city.readers.calls import read_calls
from anlan.city.roads import Edges, Roads
from anlan.city.settings import Category
from anlan.city.shift import find_shift
from anlan.city.streets import roads_of
from anlan.core.columns import Floats
from anlan.core.coordinates import from_wgs84, to_wgs84
from anlan.core.errors import AnlanError
from anlan.core.seed import stream
from anlan.model import Areas

DATA = Path(os.environ.get("ANLAN_DATA", "/nonexistent"))
HEADER = "警情编号,接警时间,到达时间,案由,报警方式,经度,纬度"
LON, LAT = 114.30, 30.60
BLOCK_M = 400.0


def grid(n: int = 12) -> Roads:
    """A town of n × n crossings, 400 m apart, centred at LON, LAT; EPSG:32650."""
    from anlan.city.projection import Projection

    cx, cy = (float(v) for v in Projection("EPSG:32650").forward(LON, LAT))
    at = (np.arange(n) - (n - 1) / 2) * BLOCK_M
    node = np.arange(n * n).reshape(n, n)
    u = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    v = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    x, y = np.tile(at, n) + cx, np.repeat(at, n) + cy
    edges = Edges.make(
        id=[str(i) for i in range(len(u))],
        u=u,
        v=v,
        road_class=["residential"] * len(u),
        length_m=np.full(len(u), BLOCK_M),
    )
    ends = np.column_stack([u, v]).ravel()
    return roads_of(edges, np.arange(0, 2 * len(u) + 1, 2), x[ends], y[ends])


def areas() -> Areas:
    west, east = shapely.box(114.2, 30.5, LON, 30.7), shapely.box(LON, 30.5, 114.4, 30.7)
    return Areas.make(
        code=["4201", "420101", "420102"],
        parent=["", "4201", "4201"],
        level=["city", "precinct", "precinct"],
        name_zh=["市", "西所", "东所"],
        name_en=["City", "West", "East"],
        geometry=np.array([None, west, east], dtype=object),
    )


@pytest.fixture(scope="module")
def roads():
    return grid()


@pytest.fixture
def town(roads, tmp_path):
    city = City.build(roads, name_en="Grid", tz="Asia/Shanghai", crs="EPSG:32650", areas=areas())
    return city.save(tmp_path / "town")


def table(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "w1.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def row(number: int, day: int = 4, arrived: str = "", place: tuple[float, float] = (LON + 0.001, LAT)) -> str:
    return f"JQ{number},2022-07-{day:02d} 08:00,{arrived},盗窃,群众报警,{place[0]},{place[1]}"


def test_calls_are_placed_on_the_roads_and_in_their_areas(town, tmp_path):
    path = table(tmp_path, row(1), row(2, place=(LON - 0.01, LAT)), row(3, place=(LON + 0.06, LAT)))
    calls, report = add_calls(town, read_calls(path, tz="Asia/Shanghai"))
    assert calls.area.tolist() == ["420102", "420101", "420102"]
    assert (calls.edge >= 0).tolist() == [True, True, False]
    assert np.isfinite(calls.x).all()
    assert (report.added, report.updated, report.already_there, report.off_network) == (3, 0, 0, 1)
    assert "off_network" in [f.code for f in report.findings]


def test_next_weeks_file_is_added_without_doubling_and_updates_what_changed(town, tmp_path):
    first = table(tmp_path, row(1), row(2, 5), row(3, 6))
    town, report = add_calls_file(town, first)
    assert (report.added, len(town.calls)) == (3, 3)
    second = table(tmp_path, row(2, 5), row(3, 6, "2022-07-06 08:09"), row(4, 7), name="w2.csv")
    town, report = add_calls_file(town, second)
    assert (report.added, report.updated, report.already_there) == (1, 1, 1)
    again = City.load(town.folder).calls
    assert again.id.tolist() == ["JQ1", "JQ2", "JQ3", "JQ4"]
    assert again.arrived[2] - again.received[2] == 540
    town, report = add_calls_file(City.load(town.folder), second)
    assert (report.added, report.updated, report.already_there) == (0, 0, 3)
    assert len(City.load(town.folder).calls) == 4


def test_calls_without_ids_are_recognised_by_time_place_and_category(town, tmp_path):
    header = "接警时间,案由,经度,纬度"
    rows = [f"2022-07-04 08:0{i},盗窃,{LON},{LAT}" for i in range(5)]
    town, report = add_calls_file(town, table(tmp_path, *rows[:3], header=header))
    assert report.added == 3
    town, report = add_calls_file(town, table(tmp_path, *rows, header=header, name="w2.csv"))
    assert (report.added, report.already_there, len(town.calls)) == (2, 3, 5)
    assert "ids_made" in [f.code for f in report.findings]


def test_running_numbers_that_begin_anew_do_not_overwrite_last_weeks_calls(town, tmp_path):
    town, _ = add_calls_file(town, table(tmp_path, *[row(i, 4) for i in range(5)]))
    with pytest.raises(AnlanError, match=r"'警情编号'.*5 of its ids.*mapping=\{'id': None\}") as caught:
        add_calls_file(town, table(tmp_path, *[row(i, 20) for i in range(5)], name="w3.csv"))
    assert caught.value.code == "id_reused"
    assert len(City.load(town.folder).calls) == 5


def test_what_the_city_keeps_beside_its_layers(town, tmp_path):
    path = table(tmp_path, row(1), row(2, place=(0, 0)), row(3, place=(LON + 0.5, LAT)), row(4), row(5))
    town, report = add_calls_file(town, path)
    assert report.dropped == {"coordinates_zero": 1, "outside_city": 1}
    dropped = (town.folder / "dropped/w1.csv").read_text(encoding="utf-8-sig").splitlines()
    assert dropped[0] == "row,reason,原因," + HEADER
    assert dropped[1].startswith('3,"coordinates 0, 0","坐标为 0, 0",JQ2,2022-07-04 08:00')
    assert dropped[2].startswith("4,outside the city,在城市范围之外,JQ3")
    (load,) = read_loads(town.folder)
    assert (load["read"]["rows"], load["added"], load["dropped"]) == (5, 3, report.dropped)
    assert "经度" in (town.folder / "mappings/w1.toml").read_text(encoding="utf-8")
    assert town.settings.layers["calls"].source == "w1.csv"
    json.dumps(report.to_dict())
    assert "3 calls added, 0 updated, 0 already there" in report.lines("en")
    assert "新增 3，更新 0，已有 0" in report.lines("zh")
    assert report.lines("en")[0] == "w1.csv: CSV, utf-8, comma"


def test_a_mapping_given_once_serves_the_next_file(town, tmp_path):
    header = "a,b,c,d"
    rows = [f"{i},0{i}/07/2022 08:00,{LON},{LAT}" for i in range(4, 8)]
    mapping = {"id": "a", "received": "b", "lon": "c", "lat": "d"}
    with pytest.raises(AnlanError, match="coordinates"):
        add_calls_file(town, table(tmp_path, *rows, header=header))
    town, _ = add_calls_file(
        town, table(tmp_path, *rows[:2], header=header), mapping=mapping, date_order="dmy", source="reported"
    )
    town, report = add_calls_file(town, table(tmp_path, *rows[2:], header=header, name="w2.csv"))
    assert report.added == 2
    assert "mapping_reused" in [f.code for f in report.findings]
    assert sorted(p.name for p in (town.folder / "mappings").iterdir()) == ["w1.toml"]
    assert town.calls.source.tolist() == ["reported"] * 4
    # What is said later of the same header replaces what was said before.
    path = table(tmp_path, *rows, header=header, name="w3.csv")
    add_calls_file(town, path, mapping=mapping, date_order="dmy", coordinate_system="cgcs2000")
    (kept,) = (town.folder / "mappings").iterdir()
    assert 'coordinate_system = "cgcs2000"' in kept.read_text(encoding="utf-8")


def test_a_table_of_another_city_is_refused(town, tmp_path):
    path = table(tmp_path, row(1, place=(116.4, 39.9)), row(2, place=(116.4, 39.91)))
    with pytest.raises(AnlanError, match=r"2 of 2 lie outside the city.*right city") as caught:
        add_calls_file(town, path)
    assert caught.value.code == "outside_city"
    read = read_calls(path, tz="Asia/Shanghai")
    with pytest.raises(AnlanError, match="outside the city"):
        add_calls(town, read)


def test_exchanged_coordinates_are_found_by_the_citys_bounds(town, tmp_path):
    path = table(tmp_path, row(1, place=(LAT, LON)), row(2, place=(LAT, LON + 0.001)))
    with pytest.raises(AnlanError, match=r"--swap \(swap=True"):
        add_calls_file(town, path)
    town, report = add_calls_file(town, path, swap=True)
    assert report.added == 2


def test_areas_named_in_the_table_become_codes_and_priorities_come_with_the_category(town, tmp_path):
    header = "id,received,type,area,lon,lat"
    rows = [
        f"1,2022-07-04 08:00,robbery,东所,{LON - 0.01},{LAT}",
        f"2,2022-07-04 08:00,noise,nowhere,{LON - 0.01},{LAT}",
        f"3,2022-07-04 08:00,抢劫,West,{LON + 0.01},{LAT}",
    ]
    settings = town.settings
    named = settings.__class__(
        **{**vars(settings), "categories": {"robbery": Category("抢劫", "Robbery", 1)}}
    )
    calls, _ = add_calls(town.replaced(named), read_calls(table(tmp_path, *rows, header=header), tz="UTC"))
    by_id = {c: i for i, c in enumerate(calls.id.tolist())}
    order = [by_id[i] for i in "123"]
    assert calls.area[order].tolist() == ["420102", "420101", "420101"]
    assert calls.priority[order].tolist() == [1, 2, 1]


def test_a_city_in_memory_takes_calls_too(roads, tmp_path):
    city = City.build(roads, name_en="Grid", tz="Asia/Shanghai", crs="EPSG:32650")
    city, report = add_calls_file(city, table(tmp_path, row(1)))
    assert (len(city.calls), report.added, city.folder) == (1, 1, None)


def test_the_bounds_reach_some_way_beyond_the_roads(town):
    west, south, east, north = city_bounds(town, 1000.0)
    inner = town.bounds
    assert 0.009 < inner[0] - west < 0.012
    assert 0.008 < inner[1] - south < 0.010
    assert east > inner[2]
    assert north > inner[3]


# -- shifted coordinates -----------------------------------------------------------------------------------


def on_roads(city: City, n: int, noise_m: float, *purpose: str | int) -> tuple[Floats, Floats]:
    """Points on the roads, chosen by length, with GPS noise."""
    from anlan.model import Positions

    rng = stream(7, "on roads", *purpose)
    length = city.roads.edges.length_m
    edge = rng.choice(len(length), n, p=length / length.sum()).astype(np.int32)
    x, y = city.locate(Positions(edge, rng.random(n) * length[edge]))
    return city.unproject(x + rng.normal(0, noise_m, n), y + rng.normal(0, noise_m, n))


def shift_of(city: City, lon: Floats, lat: Floats, given: str = "wgs84") -> Any:
    return find_shift(lon, lat, lambda a, b: city.snap(a, b, max_distance_m=np.inf)[1], given)


def test_an_undeclared_shift_is_shouted_about_with_both_numbers_and_the_option(town, tmp_path):
    lon, lat = from_wgs84(*on_roads(town, 200, 8.0), "gcj02")
    rows = [row(i, 1 + i % 28, place=place) for i, place in enumerate(zip(lon, lat, strict=True))]
    town_as_given, report = add_calls_file(town, table(tmp_path, *rows))
    loud = report.findings[0]
    assert (loud.code, loud.severity) == ("coordinates_shifted", "warning")
    assert "coordinate_system='gcj02'" in loud.en
    assert "coordinate_system='gcj02'" in loud.zh
    assert "--coordinates gcj02 " in loud.en
    assert "--coordinates gcj02（" in loud.zh
    assert report.shift is not None
    assert report.shift.distance_m["wgs84"] > 40
    assert report.shift.distance_m["gcj02"] < 10
    assert 300 < report.shift.apart_m < 700
    # Read as the warning says, the same calls move home; none is doubled.
    mended, report = add_calls_file(
        town_as_given, table(tmp_path, *rows, name="again.csv"), coordinate_system="gcj02"
    )
    assert (report.added, report.updated) == (0, 200)
    assert "coordinates_shifted" not in [f.code for f in report.findings]
    assert len(mended.calls) == 200


@pytest.mark.parametrize("noise_m", [3.0, 15.0, 60.0])
def test_good_points_are_never_called_shifted(town, noise_m):
    lon, lat = on_roads(town, 300, noise_m, int(noise_m))
    assert not shift_of(town, lon, lat).suspicious
    inside = stream(3, "anywhere").uniform(-0.02, 0.02, (2, 300))
    assert not shift_of(town, LON + inside[0], LAT + inside[1]).suspicious


def test_a_declared_system_that_is_wrong_is_found_as_well(town):
    lon, lat = on_roads(town, 300, 5.0)
    misread = to_wgs84(lon, lat, "gcj02")
    shift = shift_of(town, *misread, given="gcj02")
    assert (shift.given, shift.likely) == ("gcj02", "wgs84")


def test_few_places_or_places_elsewhere_say_nothing(town):
    lon, lat = on_roads(town, 300, 5.0)
    assert shift_of(town, lon[:20], lat[:20]) is None
    assert shift_of(town, np.repeat(lon[:20], 50), np.repeat(lat[:20], 50)) is None
    assert shift_of(town, lon - 200, lat) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder of real data")
def test_on_the_streets_of_wuhan_each_system_is_told_from_the_others():
    city = City.build(
        DATA / "wuhan/roads_original.parquet", name_en="Wuhan", tz="Asia/Shanghai", crs="EPSG:32650"
    )
    for noise_m in (5.0, 30.0):
        lon, lat = on_roads(city, 400, noise_m, "wuhan")
        assert not shift_of(city, lon, lat).suspicious
        for system in ("gcj02", "bd09"):
            shift = shift_of(city, *from_wgs84(lon, lat, system))
            assert shift.likely == system
            assert shift.distance_m[system] < 0.35 * shift.distance_m["wgs84"]
