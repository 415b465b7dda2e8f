import json
import tomllib
from typing import Any

import numpy as np
import pytest
import shapely

from anlan.city import City
from anlan.city.areas import assign, check_tree
from anlan.city.demo import DemoModel, Truth, demo_roads, write_demo
from anlan.city.demo.precincts import N_PRECINCTS, N_SECTORS, precincts
from anlan.city.demo.stations import N_UNITS, apportion, sites, station_nodes
from anlan.city.present import present_plan
from anlan.core.errors import AnlanError
from anlan.model import Plan, Sites


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "wuhan"
    write_demo(path, seed=11, n_calls=3000, years=1)
    return path


@pytest.fixture(scope="module")
def city(folder):
    return City.load(folder)


def test_every_junction_lies_in_exactly_one_precinct():
    roads, beats = demo_roads(), precincts()
    of = beats.of(roads.node_x, roads.node_y)
    assert of.min() >= 0
    assert set(of.tolist()) == set(range(N_PRECINCTS))
    rng = np.random.default_rng(0)
    some = rng.choice(roads.n_nodes, 300, replace=False)
    shapes = beats._shapes()
    hits = np.array([shapely.contains_xy(s, roads.node_x[some], roads.node_y[some]) for s in shapes])
    assert (hits.sum(axis=0) == 1).all()
    assert (hits.argmax(axis=0) == of[some]).all()


def test_precincts_tile_their_sectors_and_the_city_without_holes_or_overlaps():
    areas, shapes = precincts().areas(), precincts()._shapes()
    assert shapely.area(shapes).sum() == pytest.approx(shapely.union_all(shapes).area, rel=1e-9)
    assert set(shapely.get_type_id(areas.geometry).tolist()) == {3}
    assert shapely.is_valid(areas.geometry).all()
    check_tree(areas)
    levels = areas.level.tolist()
    assert (levels.count("city"), levels.count("county"), levels.count("precinct")) == (
        1,
        N_SECTORS,
        N_PRECINCTS,
    )
    assert all("辖区" in n for n in areas.name_zh[areas.level == "precinct"])
    assert all(n.startswith("Hexagonal precinct") for n in areas.name_en[areas.level == "precinct"])


def test_each_precinct_has_one_station_on_a_street_and_together_they_house_the_units():
    own = sites().of_kind("station")
    assert len(own) == N_PRECINCTS
    assert own.capacity.sum() == N_UNITS
    assert own.capacity.min() >= 1
    assert precincts().of(own.x, own.y).tolist() == list(range(N_PRECINCTS))
    roads = demo_roads()
    at_end = np.where(own.offset_m == 0, roads.edges.u[own.edge], roads.edges.v[own.edge])
    assert (at_end == station_nodes()).all()
    assert {"safe_house", "equipment"} <= set(sites().kind.tolist())


def test_units_are_shared_out_by_largest_remainder():
    assert apportion(np.array([6.0, 3.0, 1.0]), 10, 1).tolist() == [6, 3, 1]
    assert apportion(np.array([98.0, 1.0, 1.0]), 10, 1).tolist() == [8, 1, 1]
    assert apportion(np.array([1.0, 1.0, 1.0]), 10, 1).sum() == 10


def test_the_folder_is_a_city_that_says_it_is_sampled(folder, city):
    toml = tomllib.loads((folder / "city.toml").read_text(encoding="utf-8"))
    assert toml["state"] == "SAMPLED"
    assert toml["standard"]["rings_s"] == [60, 180, 300]
    assert "OpenStreetMap contributors" in toml["layers"]["roads"]["attribution"]
    for layer in ("areas", "sites", "calls"):
        assert "SAMPLED" in toml["layers"][layer]["note"]
        assert "抽样" in toml["layers"][layer]["note"]
    assert city.settings.state == "SAMPLED"
    assert city.tz.key == "Asia/Shanghai"
    assert city.roads.n_nodes == 82_891
    assert len(city.calls) == pytest.approx(3000, rel=0.2)
    assert set(city.calls.categories) <= set(city.settings.categories)


def test_what_is_read_back_is_what_was_sampled(city):
    roads = city.roads
    ours = demo_roads()
    assert np.array_equal(roads.edges.u, ours.edges.u)
    assert np.abs(roads.node_x - ours.node_x).max() < 1e-3
    x, y = city.locate(city.calls.positions)
    assert np.hypot(x - city.calls.x, y - city.calls.y).max() < 15.1
    lon, lat = city.unproject(city.calls.x, city.calls.y)
    assert np.abs(lon - city.calls.lon).max() < 1e-6
    assert np.abs(lat - city.calls.lat).max() < 1e-6


def test_each_call_carries_the_code_of_the_precinct_around_it(city):
    found = assign(city.areas, city.calls.lon, city.calls.lat)
    assert (found == city.calls.area).mean() > 0.999


def test_the_truth_stands_beside_the_data_and_can_be_read_back(folder):
    truth = Truth.load(folder)
    assert truth.model == DemoModel(seed=11, n_calls=3000, years=1)
    assert {e.planted.planting for e in truth.effects} == {"hot", "emerging", "prominent"}
    text = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert text["state"] == "SAMPLED"
    circle = next(e for e in text["effects"] if e["planting"] == "emerging")
    assert 113 < circle["lon"] < 115
    assert 30 < circle["lat"] < 31
    assert circle["radius_m"] > 0
    with pytest.raises(AnlanError, match="only a demo city"):
        Truth.load(folder.parent)


def test_writing_again_gives_the_same_bytes(folder, tmp_path):
    write_demo(tmp_path / "again", seed=11, n_calls=3000, years=1)
    for name in (
        "city.toml",
        "truth.json",
        "calls.parquet",
        "areas.parquet",
        "sites.parquet",
        "roads.parquet",
    ):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_the_present_plan_is_the_stations_and_what_they_house(city, tmp_path):
    plan = present_plan(city)
    assert len(plan.sites) == N_PRECINCTS
    assert len(plan.units) == N_UNITS
    assert plan.posts.units.sum() == N_UNITS
    assert len(set(plan.units.id.tolist())) == N_UNITS
    assert plan.policy == {"dispatch": {"rule": "closest_idle"}}
    assert plan.provenance["state"] == "SAMPLED"
    plan.save(tmp_path / "plan")
    assert Plan.load(tmp_path / "plan").units.home.tolist() == plan.units.home.tolist()


def towns(city: City, **columns: Any) -> City:
    n = len(columns["kind"])
    place = city.sites.take(slice(0, n))
    return city.with_sites(
        Sites.make(id=[f"S{i}" for i in range(n)], lon=place.lon, lat=place.lat, **columns)
    )


def test_present_plan_reads_capacity_and_leaves_closed_stations_out(city):
    small = towns(
        city, kind=["station"] * 3 + ["post"], capacity=[2.0, np.nan, 0.0, 5.0], status=["", "open", "", ""]
    )
    plan = present_plan(small)
    assert plan.units.id.tolist() == ["S0-1", "S0-2", "S1-1"]
    assert plan.posts.site.tolist() == ["S0", "S1"]
    closed = towns(city, kind=["station"] * 2, capacity=[1.0, 1.0], status=["closed", ""])
    assert present_plan(closed).units.home.tolist() == ["S1"]
    with pytest.raises(AnlanError, match="without an open site of kind 'station'"):
        present_plan(towns(city, kind=["post"], capacity=[1.0]))
    with pytest.raises(AnlanError, match="whole number of units"):
        present_plan(towns(city, kind=["station"], capacity=[1.5]))
