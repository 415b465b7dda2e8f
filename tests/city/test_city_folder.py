import errno
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from anlan.city import City, Provenance
from anlan.city import folder as disk
from anlan.city.layers import write_layer
from anlan.city.projection import Projection
from anlan.city.readers.line_layer import streets_of
from anlan.city.readers.vector import Features
from anlan.city.streets import Streets
from anlan.core.errors import AnlanError
from anlan.model import Areas, Calls, Lines, Sites

EAST, NORTH = 1e-3, 1e-3
HERE = (114.3, 30.6)


def lines(*shapes: Any, **columns: Any) -> Features:
    """A layer of lines around Wuhan, in thousandths of a degree from `HERE`."""
    geometry = [shapely.LineString([(HERE[0] + a * EAST, HERE[1] + b * NORTH) for a, b in s]) for s in shapes]
    table = {name: np.array(values, dtype=object) for name, values in columns.items()}
    return Features(table, np.array(geometry, dtype=object), None)


def cross() -> Streets:
    """Four streets that meet in the middle; the eastern one is one-way outwards."""
    features = lines(
        [(0, 0), (0, 5)], [(0, 0), (2, 1), (5, 0)], [(0, 0), (0, -5)], [(-5, 0), (0, 0)],
        highway=["primary", "residential", "footway", "service"],
        name=["北街", "东街", "", "西街"],
        oneway=["no", "yes", "", ""],
        maxspeed=["60", "", "", "20 mph"],
    )  # fmt: skip
    return streets_of(features)


@pytest.fixture
def town():
    roads = cross().roads(Projection("EPSG:32650"))
    return City.build(roads, name_zh="十字", name_en="Cross", tz="Asia/Shanghai", crs="EPSG:32650")


def test_what_is_saved_is_what_is_loaded(town, tmp_path):
    lon, lat = np.array([HERE[0] + 0.001, np.nan]), np.array([HERE[1] + 0.003, np.nan])
    calls = Calls.make(id=["a", "b"], received=[1.6e9, np.nan], lon=lon, lat=lat, category=["抢劫", ""])
    square = shapely.box(HERE[0] - 0.01, HERE[1] - 0.01, HERE[0] + 0.01, HERE[1] + 0.01)
    town = town.replaced(
        areas=Areas.make(code=["420100"], level=["city"], name_zh=["武汉"], geometry=[square]),
        lines=Lines.make(id=["w1"], kind=["waterway"], geometry=[shapely.LineString([(114, 30), (115, 31)])]),
    ).with_calls(calls)
    town = town.with_sites(Sites.make(id=["s1"], kind=["station"], lon=[HERE[0]], lat=[HERE[1]]))
    town.save(tmp_path / "town")
    again = City.load(tmp_path / "town")
    for layer in ("areas", "sites", "lines", "calls"):
        before, after = getattr(town, layer), getattr(again, layer)
        for name, column in before.columns().items():
            same = after.columns()[name]
            assert same.dtype == column.dtype, (layer, name)
            if name == "geometry":
                assert shapely.equals_exact(same, column, 0).all()
            else:
                np.testing.assert_array_equal(same, column, err_msg=f"{layer}.{name}")
    for name, column in town.roads.edges.columns().items():
        np.testing.assert_array_equal(again.roads.edges.columns()[name], column)
    np.testing.assert_allclose(again.roads.x, town.roads.x, atol=1e-6)
    np.testing.assert_allclose(again.roads.node_y, town.roads.node_y, atol=1e-6)
    assert again.settings == town.settings


def test_a_missing_layer_is_an_empty_noun_but_roads_are_needed(town, tmp_path):
    town.save(tmp_path / "town")
    assert sorted(p.name for p in (tmp_path / "town").iterdir()) == [
        "build.json",
        "city.toml",
        "roads.parquet",
    ]
    again = City.load(tmp_path / "town")
    assert len(again.calls) == len(again.areas) == len(again.sites) == len(again.lines) == 0
    (tmp_path / "town" / "roads.parquet").unlink()
    with pytest.raises(AnlanError, match=r"roads\.parquet"):
        City.load(tmp_path / "town")


def test_what_is_no_city_says_so(tmp_path):
    with pytest.raises(AnlanError, match=r"city\.toml"):
        City.load(tmp_path)
    with pytest.raises(AnlanError, match=r"city\.toml"):
        City.load(tmp_path / "nowhere")


def test_a_newer_format_is_refused(town, tmp_path):
    town.save(tmp_path / "town")
    toml = tmp_path / "town" / "city.toml"
    toml.write_text(toml.read_text("utf-8").replace("format = 1", "format = 2"), "utf-8")
    with pytest.raises(AnlanError, match="update anlan") as caught:
        City.load(tmp_path / "town")
    assert caught.value.code == "format_newer"


def test_a_city_needs_a_time_zone():
    roads = cross().roads(Projection("EPSG:32650"))
    with pytest.raises(AnlanError, match="Asia/Shanghai"):
        City.build(roads, name_en="Cross", crs="EPSG:32650")


class FullDisk:
    """Lets a few layers be written, then the disk is full in the middle of one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        self.write = write_layer
        monkeypatch.setattr(disk, "write_layer", self)

    def __call__(self, path, *rest):
        if self.left == 0:
            path.write_bytes(b"PAR1 half a")
            raise OSError(errno.ENOSPC, "No space left on device")
        self.left -= 1
        self.write(path, *rest)


@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_the_old_city_whole(town, tmp_path, monkeypatch, after):
    saved = town.save(tmp_path / "town")
    before = {p.name: p.read_bytes() for p in (tmp_path / "town").iterdir()}
    more = saved.with_calls(Calls.make(id=["a"], received=[1.6e9], lon=[114.3], lat=[30.6]))
    more = more.with_sites(Sites.make(id=["s"], kind=["station"], lon=[114.3], lat=[30.6]))
    FullDisk(monkeypatch, after)
    for folder in (None, tmp_path / "other"):
        with pytest.raises(AnlanError, match="untouched"):
            more.save(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["town"]
    assert {p.name: p.read_bytes() for p in (tmp_path / "town").iterdir()} == before


def test_the_operating_system_may_refuse_in_the_middle_of_a_file(town, tmp_path):
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    saved = town.save(tmp_path / "town")
    before = {p.name: p.read_bytes() for p in (tmp_path / "town").iterdir()}
    more = saved.with_calls(Calls.make(id=["a"], received=[1.6e9], lon=[114.3], lat=[30.6]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for folder in (None, tmp_path / "other"):
            with pytest.raises(AnlanError, match="untouched"):
                more.save(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["town"]
    assert {p.name: p.read_bytes() for p in (tmp_path / "town").iterdir()} == before
    assert len(more.save().calls) == 1


def test_a_folder_that_is_not_a_city_is_never_replaced(town, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(AnlanError, match="not a city"):
        town.save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_next_weeks_file_is_added_without_doubling(town, tmp_path):
    week = Calls.make(id=["a", "b"], received=[100.0, 200.0], lon=[114.3] * 2, lat=[30.6] * 2)
    again = Calls.make(
        id=["b", "c"], received=[200.0, 150.0], cleared=[300.0, 400.0], lon=[114.3] * 2, lat=[30.6] * 2
    )
    town.with_calls(week).save(tmp_path / "town")
    City.load(tmp_path / "town").with_calls(again).save()
    calls = City.load(tmp_path / "town").calls
    assert calls.id.tolist() == ["a", "c", "b"]
    assert calls.cleared.tolist()[1:] == [400.0, 300.0]
    assert (calls.edge >= 0).all()


def test_new_roads_put_calls_on_the_network_anew(town):
    calls = Calls.make(id=["a"], received=[100.0], lon=[HERE[0]], lat=[HERE[1] + 0.003])
    town = town.with_calls(calls)
    assert town.roads.edges.name[town.calls.edge[0]] == "北街"
    moved = lines([(0, 3.1), (5, 3.1)], [(0, 9), (5, 9)], name=["新街", "远街"])
    settings = replace(town.settings, crs="EPSG:4547")
    other = town.replaced(settings, roads=streets_of(moved).roads(Projection("EPSG:4547")))
    assert other.roads.edges.name[other.calls.edge[0]] == "新街"
    assert other.calls.x[0] == pytest.approx(other.project(HERE[0], HERE[1] + 0.003)[0])
    assert town.roads.edges.name[town.calls.edge[0]] == "北街"
    with pytest.raises(ValueError, match="together with its roads"):
        town.replaced(settings)


def test_a_layer_can_be_emptied(town, tmp_path):
    calls = Calls.make(id=["a"], received=[100.0], lon=[HERE[0]], lat=[HERE[1]])
    saved = town.with_calls(calls).save(tmp_path / "town")
    saved.replaced(calls=Calls.empty()).save()
    assert len(City.load(tmp_path / "town").calls) == 0
    assert City.load(tmp_path / "town").info()["layers"]["calls"]["rows"] == 0


def test_a_stub_beside_a_street_is_not_where_a_call_ends_up():
    roads = streets_of(
        lines(
            [(0, 0), (5, 0)], [(5, 0), (5, 5)], [(2, 0.2), (3, 0.2)], [(2, -9), (3, -9)],
            highway=["primary"] * 2 + ["service"] * 2, name=["大街", "大街", "断头路", "孤岛"],
        )
    ).roads(Projection("EPSG:32650"))  # fmt: skip
    city = City.build(roads, name_zh="城", tz="Asia/Shanghai", crs="EPSG:32650")
    at = {"lon": [HERE[0] + 0.0025] * 2, "lat": [HERE[1] + 0.0003, HERE[1] - 0.009]}
    nearest, _ = city.snap(at["lon"], at["lat"])
    assert roads.edges.name[nearest.edge].tolist() == ["断头路", "孤岛"]
    placed = city.with_calls(Calls.make(id=["a", "b"], received=[1.0, 2.0], **at)).calls
    # The stub's street is 22 m farther; the island is truly somewhere else.
    assert roads.edges.name[placed.edge].tolist() == ["大街", "孤岛"]


def test_copying_a_city_takes_everything_along(town, tmp_path):
    saved = town.save(tmp_path / "town")
    (tmp_path / "town" / "notes.txt").write_text("ours")
    (tmp_path / "town" / "mappings").mkdir()
    (tmp_path / "town" / "mappings" / "a.toml").write_text("b = 1")
    saved.with_calls(Calls.make(id=["a"], received=[1.0], lon=[HERE[0]], lat=[HERE[1]])).save(
        tmp_path / "copy"
    )
    names = sorted(p.name for p in (tmp_path / "copy").iterdir())
    assert names == ["build.json", "calls.parquet", "city.toml", "mappings", "notes.txt", "roads.parquet"]
    assert City.load(tmp_path / "copy").report == town.report


def test_travel_follows_the_one_way(town):
    edge = town.roads.edges.name.tolist().index("东街")
    u, v = int(town.roads.edges.u[edge]), int(town.roads.edges.v[edge])
    walk = town.travel(mode="walk")
    assert np.isfinite(walk.matrix([u], [v])[0, 0])
    assert np.isfinite(walk.matrix([v], [u])[0, 0])
    # The one-way street leads out of the core and nowhere back: it is not routed on.
    assert np.isinf(town.travel().matrix([v], [u])[0, 0])


def test_a_table_of_calls_is_a_source(tmp_path):
    table = tmp_path / "calls.csv"
    place = f"{HERE[0]},{HERE[1] + 0.003}"
    table.write_text(
        f"编号,报警时间,类别,经度,纬度\n1,2022-07-04 08:30:00,盗窃,{place}\n2,2022-07-04 09:00:00,斗殴,,\n"
        "3,2022-07-04 10:00:00,斗殴,114.9,30.6\n",
        encoding="gb18030",
    )
    roads = cross().roads(Projection("EPSG:32650"))
    city = City.build(roads, name_zh="十字", tz="Asia/Shanghai", crs="EPSG:32650", calls=table)
    assert city.calls.id.tolist() == ["1", "3"]
    assert city.calls.received[0] == 1656894600.0
    assert city.roads.edges.name[city.calls.edge[0]] == "北街"
    assert city.report is not None
    assert city.settings.layers["calls"].source == "calls.csv"
    reading = city.report.readings["calls"]
    assert (reading.rows, reading.kept) == (3, 2)
    assert reading.counts["farther than 1000 m from every street"] == 1
    city.save(tmp_path / "town")
    assert (tmp_path / "town" / "dropped-calls.csv").read_text().splitlines()[1].startswith("row 3,")


def test_info_reads_footers_only(town, tmp_path, monkeypatch):
    calls = Calls.make(id=["a", "b"], received=[100.0, 200.0], lon=[114.3] * 2, lat=[30.6] * 2)
    folder = tmp_path / "town"
    town.with_calls(calls).replaced(
        settings=town.settings.with_layer("roads", Provenance("a survey", "CC0-1.0"))
    ).save(folder)

    def forbidden(path, **rest):
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(disk, "read_layer", forbidden)
    info = City.load(folder).info()
    assert info["layers"]["roads"]["rows"] == 4
    assert info["layers"]["roads"]["nodes"] == 5
    assert info["layers"]["roads"]["licence"] == "CC0-1.0"
    assert info["layers"]["calls"]["last_received"] == 200.0


def test_the_two_forms_of_snapping_agree(town):
    lon, lat = HERE[0] + 0.001, HERE[1] + 0.003
    x, y = town.project(lon, lat)
    (by_degrees, far), (by_metres, near) = town.snap(lon, lat), town.snap(x=x, y=y)
    assert by_degrees.edge[0] == by_metres.edge[0] >= 0
    assert far[0] == near[0] == pytest.approx(96, abs=1)  # a thousandth of a degree at 30.6° N
    assert town.roads.edges.name[by_degrees.edge[0]] == "北街"


def test_walkers_snap_to_footways_and_cars_do_not(town):
    south = HERE[1] - 0.004
    drive, _ = town.snap(HERE[0], south)
    walk, distance = town.snap(HERE[0], south, mode="walk")
    assert town.roads.edges.road_class[walk.edge[0]] == "footway"
    assert town.roads.edges.road_class[drive.edge[0]] != "footway"
    assert distance[0] < 0.01
