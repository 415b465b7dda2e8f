import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.city import City
from anlan.city.projection import Projection
from anlan.city.readers.osm import read_osm, split_at_shared_nodes
from anlan.city.readers.osm_tags import Street, street
from anlan.city.readers.tags import directions, speed_kmh
from anlan.city.streets import Streets
from anlan.core.errors import AnlanError
from anlan.core.job import Job

DATA = Path(os.environ.get("ANLAN_DATA", "/nowhere")) / "osm"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder with osm/")


def world(folder: Path, nodes: Any, ways: Any, relations: Any = ()) -> Path:
    """An OpenStreetMap file: nodes by letter in thousandths of a degree, ways as (letters, tags)."""
    number = {name: i + 1 for i, name in enumerate(nodes)}
    text = ["<osm version='0.6'>"]
    text += [
        f"<node id='{number[n]}' lon='{114.3 + x / 1000}' lat='{30.6 + y / 1000}'/>"
        for n, (x, y) in nodes.items()
        if x is not None
    ]
    for i, (letters, tags) in enumerate(ways, 1):
        refs = "".join(f"<nd ref='{number[n]}'/>" for n in letters)
        text.append(f"<way id='{i}'>{refs}{_tags(tags)}</way>")
    for i, (members, tags) in enumerate(relations, 1):
        refs = "".join(f"<member type='way' ref='{m}' role='outer'/>" for m in members)
        text.append(f"<relation id='{i}'>{refs}{_tags(tags)}</relation>")
    path = folder / "world.osm"
    path.write_text("\n".join([*text, "</osm>"]), encoding="utf-8")
    return path


def _tags(tags: dict[str, str]) -> str:
    return "".join(f"<tag k='{k}' v='{v}'/>" for k, v in tags.items())


SQUARE = {"a": (0, 0), "b": (2, 0), "c": (2, 2), "d": (0, 2), "e": (1, 0), "f": (1, -2), "g": (1, 3)}


def by_id(streets: Streets) -> dict[str, int]:
    return {i: row for row, i in enumerate(streets.edges.id.tolist())}


def test_progress_ends_with_the_number_of_ways(tmp_path):
    notes = []
    path = world(tmp_path, SQUARE, [("aeb", {"highway": "primary"}), ("ef", {"highway": "service"})])
    read_osm(path, Job(lambda progress: notes.append(progress.note)))
    assert notes[-1] == "2 ways"
    assert "0 ways" not in notes


def test_streets_are_split_where_they_meet_and_only_there(tmp_path):
    path = world(tmp_path, SQUARE, [("aeb", {"highway": "primary"}), ("ef", {"highway": "service"})])
    streets = read_osm(path).streets
    assert sorted(streets.edges.id.tolist()) == ["way/1:0", "way/1:1", "way/2:0"]
    assert len({*streets.edges.u.tolist(), *streets.edges.v.tolist()}) == 4
    alone = world(tmp_path, SQUARE, [("aeb", {"highway": "primary"})])
    assert np.diff(read_osm(alone).streets.start).tolist() == [3]


def test_a_way_that_meets_itself_is_split(tmp_path):
    streets = read_osm(world(tmp_path, SQUARE, [("feabe", {"highway": "residential"})])).streets
    assert len(streets.edges) == 2
    loop = streets.edges.u == streets.edges.v
    assert loop.sum() == 1


def test_a_footway_splits_the_street_it_leaves_so_that_walkers_can_turn(tmp_path):
    path = world(tmp_path, SQUARE, [("aeb", {"highway": "primary"}), ("ef", {"highway": "footway"})])
    edges = read_osm(path).streets.edges
    walk = edges.road_class == "footway"
    assert (walk.sum(), len(edges)) == (1, 3)
    assert not (edges.forward | edges.backward)[walk].any()
    assert edges.foot.all()


@pytest.mark.parametrize(
    ("tags", "ways"),
    [
        ({"highway": "primary"}, (True, True)),
        ({"highway": "primary", "oneway": "yes"}, (True, False)),
        ({"highway": "primary", "oneway": "1"}, (True, False)),
        ({"highway": "primary", "oneway": "-1"}, (False, True)),
        ({"highway": "primary", "oneway": "yes", "oneway:bus": "no"}, (True, False)),
        ({"highway": "motorway"}, (True, False)),
        ({"highway": "motorway", "oneway": "no"}, (True, True)),
        ({"highway": "tertiary", "junction": "roundabout"}, (True, False)),
        ({"highway": "tertiary", "junction": "roundabout", "oneway": "-1"}, (False, True)),
        ({"highway": "service", "access": "private"}, (False, False)),
        ({"highway": "service", "access": "private", "motor_vehicle": "yes"}, (True, True)),
        ({"highway": "residential", "motor_vehicle": "no"}, (False, False)),
        ({"highway": "residential", "access": "destination"}, (True, True)),
        ({"highway": "footway"}, (False, False)),
        ({"highway": "track"}, (False, False)),
        ({"highway": "track", "tracktype": "grade1"}, (True, True)),
        ({"highway": "track", "tracktype": "grade1", "motor_vehicle": "agricultural"}, (False, False)),
        ({"highway": "pedestrian", "motor_vehicle": "destination"}, (True, True)),
        ({"highway": "primary", "oneway": "reversible"}, (True, True)),
    ],
)
def test_who_may_drive_which_way(tags, ways):
    what = street(tags)
    assert isinstance(what, Street)
    assert (what.forward, what.backward) == ways


@pytest.mark.parametrize(
    ("tags", "foot"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "motorway_link", "foot": "yes"}, True),
        ({"highway": "trunk", "motorroad": "yes"}, False),
        ({"highway": "path", "foot": "no"}, False),
        ({"highway": "service", "access": "private"}, False),
        ({"highway": "footway", "access": "no", "foot": "yes"}, True),
        ({"highway": "residential", "motor_vehicle": "no"}, True),
    ],
)
def test_who_may_walk(tags, foot):
    what = street(tags)
    assert isinstance(what, Street)
    assert what.foot is foot


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"highway": "proposed"}, "highway=proposed"),
        ({"highway": "construction"}, "highway=construction"),
        ({"highway": "pedestrian", "area": "yes"}, "area"),
        ({"route": "ferry"}, "ferry"),
        ({"highway": "primary", "route": "ferry"}, "ferry"),
    ],
)
def test_what_is_left_out_says_why(tags, reason):
    what = street(tags)
    assert isinstance(what, str)
    assert reason in what


@pytest.mark.parametrize(
    ("text", "kmh"),
    [("50", 50), ("30 mph", 48.28032), ("60 km/h", 60), ("50;30", 30), ("RU:urban", None), ("none", None),
     ("walk", None), ("", None), ("0", None), ("30mph", 48.28032), (None, None), (40.0, 40), ("-5", None)],
)  # fmt: skip
def test_speeds(text, kmh):
    assert speed_kmh(text) == pytest.approx(kmh, nan_ok=True) if kmh else np.isnan(speed_kmh(text))


def test_a_one_way_mark_may_be_written_in_many_ways():
    assert {directions(w) for w in ("yes", True, 1, "FT", "1.0")} == {(True, False)}
    assert {directions(w) for w in ("-1", -1, "TF")} == {(False, True)}
    assert {directions(w) for w in ("no", False, 0, "", None, "B")} == {(True, True)}


def test_everything_left_out_is_counted_and_named(tmp_path):
    path = world(
        tmp_path,
        SQUARE,
        [
            ("ab", {"highway": "primary", "name": "解放大道", "name:en": "Jiefang Avenue", "maxspeed": "60"}),
            ("bc", {"highway": "proposed"}),
            ("cd", {"route": "ferry"}),
            ("da", {"highway": "service", "access": "private"}),
            ("ef", {"highway": "steps"}),
        ],
        [([1, 2], {"type": "restriction", "restriction": "no_left_turn"})],
    )
    reading = read_osm(path).streets.reading
    assert (reading.rows, reading.kept) == (5, 3)
    assert reading.counts == {
        "left out: highway=proposed": 1,
        "left out: ferry": 1,
        "private, kept out of driving": 1,
        "for walking only (highway=steps)": 1,
        "turn restrictions, not used": 1,
    }
    assert dict(reading.dropped) == {"way/2": "highway=proposed", "way/3": "ferry"}
    edges = read_osm(path).streets.edges
    main = by_id(read_osm(path).streets)["way/1:0"]
    assert (edges.name[main], edges.name_en[main], edges.speed_kmh[main]) == (
        "解放大道",
        "Jiefang Avenue",
        60,
    )


def test_waterways_and_shores_become_lines(tmp_path):
    path = world(
        tmp_path,
        SQUARE,
        [
            ("ab", {"highway": "primary"}),
            ("abc", {"waterway": "river", "name": "长江"}),
            ("cd", {"waterway": "ditch", "tunnel": "culvert"}),
            ("abcda", {"natural": "water"}),
            ("fe", {}),
            ("eg", {}),
            ("gf", {"natural": "coastline"}),
        ],
        [([5, 6], {"type": "multipolygon", "natural": "water", "name": "东湖"})],
    )
    read = read_osm(path)
    got = {i: (k, n) for i, k, n in zip(read.lines.id, read.lines.kind, read.lines.name, strict=True)}
    assert got == {
        "way/2": ("waterway", "长江"),
        "way/4": ("shore", ""),
        "way/5": ("shore", "东湖"),
        "way/6": ("shore", "东湖"),
        "way/7": ("shore", ""),
    }
    assert read.lines_reading.counts["waterway under ground"] == 1
    assert read.lines.geometry[0].length == pytest.approx(0.004)


def test_a_way_that_leaves_the_extract_is_cut_there(tmp_path):
    nodes = {**SQUARE, "x": (None, None)}
    streets = read_osm(world(tmp_path, nodes, [("aebxcd", {"highway": "primary"})])).streets
    assert sorted(np.diff(streets.start).tolist()) == [2, 3]
    gone = world(tmp_path, nodes, [("ab", {"highway": "primary"}), ("ax", {"highway": "primary"})])
    assert read_osm(gone).streets.reading.counts == {"left out: outside the extract": 1}


def test_pbf_and_xml_give_the_same(tmp_path):
    path = world(tmp_path, SQUARE, [("aeb", {"highway": "primary"}), ("ef", {"highway": "service"})])
    binary = tmp_path / "world.osm.pbf"
    with osmium.SimpleWriter(binary) as writer:
        for thing in osmium.FileProcessor(path):
            writer.add(thing)
    one, two = read_osm(path).streets, read_osm(binary).streets
    assert one.edges.id.tolist() == two.edges.id.tolist()
    np.testing.assert_array_equal(one.lon, two.lon)


def test_files_that_are_not_openstreetmap_say_so_in_one_sentence(tmp_path):
    path = world(tmp_path, SQUARE, [("ab", {"highway": "primary"})])
    cut = tmp_path / "cut.osm"
    cut.write_text(path.read_text()[:-40])
    wrong = tmp_path / "table.osm.pbf"
    wrong.write_text("id,lon,lat\n" * 50)
    for bad in (cut, wrong):
        with pytest.raises(AnlanError, match="cut off or not OpenStreetMap") as caught:
            read_osm(bad)
        assert str(caught.value).count(".") <= 8
        assert "\n" not in str(caught.value)
    with pytest.raises(AnlanError, match="does not exist"):
        read_osm(tmp_path / "none.osm.pbf")
    with pytest.raises(AnlanError, match="no streets"):
        read_osm(world(tmp_path, SQUARE, [("ab", {"waterway": "river"})]))


@given(st.lists(st.lists(st.integers(0, 8), min_size=2, max_size=6), min_size=1, max_size=5))
def test_splitting_loses_no_step_and_cuts_every_shared_node(ways):
    ways = [[n for i, n in enumerate(w) if i == 0 or n != w[i - 1]] for w in ways]
    ways = [w for w in ways if len(w) > 1]
    if not ways:
        return
    nodes = np.array([n for w in ways for n in w], dtype=np.int64)
    way, first, last, u, v = split_at_shared_nodes(nodes, np.array([len(w) for w in ways]))
    pieces = [nodes[a : b + 1].tolist() for a, b in zip(first, last, strict=True)]
    steps = [(w, *pair) for w, n in zip(way, pieces, strict=True) for pair in pairwise(n)]
    assert steps == [(i, *pair) for i, w in enumerate(ways) for pair in pairwise(w)]
    times = np.bincount(nodes, minlength=9)
    for piece in pieces:
        assert all(times[n] == 1 for n in piece[1:-1])
    number: dict[int, int] = {}
    for piece, a, b in zip(pieces, u.tolist(), v.tolist(), strict=True):
        assert number.setdefault(piece[0], a) == a
        assert number.setdefault(piece[-1], b) == b
    assert sorted(number.values()) == list(range(len(number)))


@needs_data
def test_liechtenstein(tmp_path):
    city = City.build(
        DATA / "valhalla_liechtenstein-latest.osm.pbf", name_en="Liechtenstein", tz="Europe/Vaduz"
    )
    assert city.settings.crs == "EPSG:32632"
    assert city.settings.layers["roads"].attribution == "© OpenStreetMap contributors"
    assert city.report is not None
    reading, network = city.report.readings["roads"], city.report.network
    # Counted with osmium's own iterator: 4,660 ways with highway or route=ferry, 20 of them roundabouts.
    assert reading.rows == 4660
    assert reading.rows - reading.kept == len(reading.dropped) == 2
    assert network.outside_largest < 0.02
    edges = city.roads.edges
    assert {"waterway", "shore"} == set(city.lines.kind.tolist())
    marked = {
        way.id
        for way in osmium.FileProcessor(DATA / "valhalla_liechtenstein-latest.osm.pbf", osmium.osm.WAY)
        if way.tags.get("oneway") in ("yes", "-1")
        or (way.tags.get("junction") == "roundabout" and way.tags.get("oneway") != "no")
    }
    way = np.array([int(i[4:].split(":")[0]) for i in edges.id.tolist()])
    drivable = city.roads.drivable
    one_way = edges.forward ^ edges.backward
    np.testing.assert_array_equal(one_way[drivable], np.isin(way[drivable], list(marked)))
    np.testing.assert_allclose(city.roads.node_x[edges.u], city.roads.x[city.roads.start[:-1]], atol=1e-9)
    city.save(tmp_path / "li")
    assert City.load(tmp_path / "li").report == city.report


@needs_data
def test_a_cut_pbf_is_noticed(tmp_path):
    whole = (DATA / "valhalla_harrisburg.osm.pbf").read_bytes()
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(AnlanError, match="cut off"):
        read_osm(cut)


@needs_data
def test_lengths_are_those_of_the_ground():
    streets = read_osm(DATA / "valhalla_harrisburg.osm.pbf").streets
    from pyproj import Geod

    lines = Geod(ellps="WGS84").line_lengths(streets.lon, streets.lat)
    step = np.zeros(len(streets.lon))
    step[1:] = lines
    step[streets.start[:-1]] = 0
    drawn = streets.roads(Projection.utm(*streets.centre())).edges.length_m.sum()
    assert drawn == pytest.approx(step.sum(), rel=5e-4)
