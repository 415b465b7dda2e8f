"""The data-quality report: every fault of a small city is counted and said in both languages."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from anlan.city import City, Provenance
from anlan.city.add_calls import add_calls_file
from anlan.city.call_quality import BINS_M
from anlan.city.check import QualityReport, check
from anlan.city.finding import SEVERITIES, Finding
from anlan.city.projection import Projection
from anlan.city.roads import Edges
from anlan.city.streets import roads_of
from anlan.core.seed import stream
from anlan.model import Areas, Calls, Positions, Sites

DATA = Path(os.environ.get("ANLAN_DATA", "/nonexistent"))
LON, LAT = 114.30, 30.60
START = dt.datetime(2022, 6, 30, 16, tzinfo=dt.UTC).timestamp()  # 1 July, 00:00 in Wuhan
HOUR = 3600.0


def town(**layers: Any) -> City:
    """A street of 2 km, a one-way trap of 100 m at its end, and an island street of 300 m."""
    x0, y0 = (float(v) for v in Projection("EPSG:32650").forward(LON, LAT))
    ends = [((0, 0), (1000, 0)), ((1000, 0), (2000, 0)), ((2000, 0), (2000, 100)), ((0, 900), (300, 900))]
    edges = Edges.make(
        id=["a", "b", "trap", "island"],
        u=[0, 1, 2, 4],
        v=[1, 2, 3, 5],
        road_class=["primary", "primary", "service", "service"],
        backward=[True, True, False, True],
        length_m=[1000.0, 1000.0, 100.0, 300.0],
        speed_kmh=[60.0, np.nan, np.nan, np.nan],
    )
    at = np.array(ends, float).reshape(-1, 2)
    roads = roads_of(edges, np.arange(0, 9, 2), at[:, 0] + x0, at[:, 1] + y0)
    return City.build(
        roads, name_zh="一街", name_en="One Street", tz="Asia/Shanghai", crs="EPSG:32650", **layers
    )


def calls(city: City, *places: Any, **columns: Any) -> Calls:
    """Calls at metres east and north of the street's beginning, one an hour."""
    x0, y0 = (float(v) for v in city.project(LON, LAT))
    at = np.array(places, float).reshape(-1, 2)
    lon, lat = city.unproject(at[:, 0] + x0, at[:, 1] + y0)
    n = len(at)
    given = {
        "id": [f"c{i}" for i in range(n)],
        "received": START + HOUR / 2 + HOUR * np.arange(n),
        "source": ["reported"] * n,
    }
    return Calls.make(n, lon=lon, lat=lat, **(given | columns))


def by_code(report: QualityReport) -> dict[str, Finding]:
    return {f.code: f for f in report.findings}


def test_a_sound_city_is_in_order():
    city = town()
    report = check(city.with_calls(calls(city, (100, 3), (500, -8), (1500, 30))))
    assert report.calls.distance == (1, 1, 0, 1, 0, 0, 0, 0, 0)
    found = by_code(report)
    assert found["calls"].severity == "ok"
    assert report.calls.first == "2022-07-01"
    assert report.dropped_by_layer().get("calls") is None


def test_the_distance_to_the_road_is_binned_and_the_lost_are_counted():
    city = town()
    places = [(500, d) for d in (0, 4.9, 7, 20, 40, 80, 200, 400)] + [(1000, -900), (1000, -1500)]
    report = check(city.with_calls(calls(city, *places)))
    assert len(report.calls.distance) == len(BINS_M) + 1
    assert report.calls.distance == (2, 1, 1, 1, 1, 1, 1, 1, 1)
    assert sum(report.calls.distance) == 10
    assert by_code(report)["off_network"].count == 1
    assert by_code(report)["off_network"].severity == "warning"


def test_calls_on_an_island_are_unreachable():
    city = town()
    report = check(city.with_calls(calls(city, (100, 0), (150, 905), (160, 905))))
    assert by_code(report)["unreachable"].count == 2
    assert report.ground.pieces == 2
    # The trap and the island: 400 of 2,400 m.
    assert report.ground.unreachable == pytest.approx(400 / 2400)
    assert by_code(report)["unreachable_roads"].severity == "warning"
    assert report.ground.speed_known == pytest.approx(1000 / 2400)


def test_missing_and_impossible_times():
    city = town()
    received = START + np.array([0.5, 1.5, 2.5, np.nan]) * HOUR
    report = check(
        city.with_calls(
            calls(
                city, (100, 0), (200, 0), (300, 0), (400, 0),
                received=received,
                arrived=np.array([received[0] + 300, received[1] - 60, received[2] + 2 * 86400, np.nan]),
            )
        )
    )  # fmt: skip
    assert report.calls.missing == {"received": 1, "arrived": 1}
    assert report.calls.impossible == {"arrived": 2}
    found = by_code(report)
    assert found["received_missing"].count == 1
    assert found["times_impossible_left"].count == 2


def test_who_noticed_it_is_needed():
    city = town()
    unknown = check(city.with_calls(calls(city, (100, 0), (200, 0), source=["unknown", "discovered"])))
    assert by_code(unknown)["none_reported"].severity == "warning"
    some = check(city.with_calls(calls(city, (100, 0), (200, 0), source=["unknown", "reported"])))
    assert by_code(some)["source_unknown"].count == 1


def test_signs_of_defaults_and_gaps():
    city = town()
    n = 400
    rng = stream(1, "check")
    places = np.column_stack([rng.uniform(0, 2000, n), rng.uniform(-20, 20, n)])
    places[:40] = (250.0, 5.0)
    received = START + np.floor(rng.uniform(0, 10, n)) * 86400 + rng.uniform(60, 86000, n)
    received[:30] = START
    received[(received >= START + 4 * 86400) & (received < START + 6 * 86400)] += 2 * 86400
    report = check(city.with_calls(calls(city, *places, received=received)))
    found = by_code(report)
    assert found["midnight"].count == report.calls.midnight == 30
    assert found["stacked"].count == report.calls.stacked == 40
    assert found["silent_days"].count == 2
    assert all(f.severity == "warning" for f in (found["midnight"], found["stacked"], found["silent_days"]))


def test_calls_far_from_every_road_are_remarked_on():
    city = town()
    places = np.column_stack([np.linspace(0, 2000, 250), np.full(250, -120.0)])
    report = check(city.with_calls(calls(city, *places)))
    assert report.calls.median_m == pytest.approx(120, abs=0.5)
    assert "far_from_roads" in by_code(report)


def test_areas_and_sites_with_faults():
    x = np.array([None, shapely.box(114.2, 30.5, 114.31, 30.7), None], dtype=object)
    levels = ["city", "precinct", "precinct"]
    # The area on top needs no shape; area 3 does.
    areas = Areas.make(code=["1", "2", "3"], parent=["", "1", "1"], level=levels, geometry=x)
    city = town(areas=areas)
    city = city.with_sites(Sites.make(id=["s", "far", "off"], kind=["station"] * 3, lon=[LON] * 3,
                                      lat=[LAT, LAT - 0.005, LAT - 0.05]))  # fmt: skip
    report = check(city.with_calls(calls(city, (100, 0), (1900, 0))))
    found = by_code(report)
    assert found["areas_without_shape"].count == 1
    assert found["sites_off_network"].count == 1
    assert found["sites_far"].count == 1
    assert found["without_area"].count == 1
    broken = city.replaced(areas=Areas.make(code=["2"], parent=["9"], level=["precinct"]))
    assert by_code(check(broken))["area_tree"].severity == "error"
    assert check(broken).worst == "error"


def test_an_empty_city_says_what_is_missing():
    found = by_code(check(town()))
    assert {"no_calls", "no_areas", "no_sites", "speed_coverage"} <= set(found)


def test_the_files_that_were_added_are_accounted_for(tmp_path):
    city = town().save(tmp_path / "town")
    path = tmp_path / "w1.csv"
    rows = [f"{i},2022-07-0{i} 08:00,2022-07-0{i} 07:00,{LON + i / 1000},{LAT},群众" for i in range(1, 5)]
    rows += ["5,2022-07-05 08:00,,0,0,群众", rows[0], "合计,,,,,"]
    path.write_text("\n".join(["编号,接警时间,到达时间,经度,纬度,来源", *rows]), encoding="utf-8")
    city, _ = add_calls_file(city, path)
    city, _ = add_calls_file(city, path)
    report = check(City.load(tmp_path / "town"))
    files = report.files
    # The same file again counts once.
    assert (files.files, files.rows, files.added, files.already_there) == (("w1.csv",), 7, 4, 0)
    assert files.dropped == {"coordinates_zero": 1, "duplicate": 1, "total_row": 1}
    assert files.duplicates == 1
    assert files.times == {"arrived": {"before_received": 5}}
    assert report.dropped_by_layer()["calls"] == 3
    found = by_code(report)
    assert found["rows_dropped"].count == 3
    assert found["times_impossible"].count == 5
    assert report.layers["calls"].source == "w1.csv"


def test_another_file_of_the_same_name_counts_for_itself(tmp_path):
    city = town().save(tmp_path / "town")
    for day in (1, 2):
        path = tmp_path / str(day) / "week.csv"
        path.parent.mkdir()
        row = f"{day},2022-07-0{day} 08:00,{LON},{LAT},群众"
        path.write_text("\n".join(["编号,接警时间,经度,纬度,来源", row]), encoding="utf-8")
        city, _ = add_calls_file(city, path)
    files = check(city).files
    assert (files.files, files.rows, files.added) == (("week.csv", "week.csv"), 2, 2)


def test_values_that_were_replaced_are_counted(tmp_path):
    shape = np.array([shapely.box(114.2, 30.5, 114.4, 30.7)], dtype=object)
    areas = Areas.make(code=["2"], level=["precinct"], name_zh=["一所"], geometry=shape)
    city = town(areas=areas).save(tmp_path / "town")
    path = tmp_path / "w1.csv"
    rows = [
        f"{i},2022-07-01 08:0{i},{LON + i / 1000},{LAT},{area},{priority},群众"
        for i, (area, priority) in enumerate([("一所", 1), ("九所", ""), ("八所", ""), ("", 3), ("2", 77)])
    ]
    header = "id,received,lon,lat,area,priority,source"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    city, report = add_calls_file(city, path)
    assert set(city.calls.area.tolist()) == {"2"}
    assert city.calls.priority.tolist() == [1, 2, 2, 3, 2]
    said = {f.code: f for f in report.findings}
    assert "'九所', '八所'" in said["areas_unknown"].en
    found = by_code(check(city))
    counts = {"areas_unknown": 2, "priorities_blank": 2, "priorities_out_of_range": 1}
    assert {code: found[code].count for code in counts} == counts


def test_the_report_speaks_both_languages_and_to_programs():
    city = town(provenance={"roads": Provenance("map", "ODbL-1.0", "© somebody")})
    report = check(city.with_calls(calls(city, (100, 0), (500, 80), (150, 905))))
    english, chinese = report.text("en"), report.text("zh")
    assert "One Street" in english
    assert "一街" in chinese
    assert "distance to the road" in english
    assert "距道路" in chinese
    assert "© somebody" in english
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["calls"]["distance"] == list(report.calls.distance)
    assert [f["severity"] for f in plain["findings"]] == sorted(
        (f["severity"] for f in plain["findings"]), key=SEVERITIES.index, reverse=True
    )
    for finding in report.findings:
        assert finding.en[-1] in ".?"
        assert finding.zh[-1] in "。？"
        assert not any("\u4e00" <= c <= "\u9fff" for c in finding.en)


def test_a_finding_has_one_of_four_severities():
    with pytest.raises(ValueError, match="ok, note, warning, error"):
        Finding("fatal", "x", "A.", "甲。")
    assert Finding("warning", "x", "A.", "甲。").line("zh") == "! 甲。"


@pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder of real data")
def test_calls_on_wuhans_streets_with_gps_noise_raise_no_alarm():
    city = City.build(
        DATA / "wuhan/roads_original.parquet", name_en="Wuhan", tz="Asia/Shanghai", crs="EPSG:32650"
    )
    n = 3000
    rng = stream(5, "wuhan calls")
    edge = rng.integers(0, len(city.roads), n).astype(np.int32)
    x, y = city.locate(Positions(edge, rng.random(n) * city.roads.edges.length_m[edge]))
    lon, lat = city.unproject(x + rng.normal(0, 10, n), y + rng.normal(0, 10, n))
    received = START + rng.uniform(0, 30 * 86400, n)
    given = Calls.make(
        id=[str(i) for i in range(n)], received=received, lon=lon, lat=lat, source=["reported"] * n
    )
    report = check(city.with_calls(given))
    assert [f for f in report.findings if f.severity in ("warning", "error")] == []
    assert report.calls.shift is not None
    assert not report.calls.shift.suspicious
