"""Rescue poles along the waters of Liechtenstein, and along a canal beside a road."""

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from anlan.city.city import City
from anlan.city.roads import Edges, Roads
from anlan.core.errors import AnlanError
from anlan.model import Lines, Sites
from anlan.siting import plan_equipment

EAST, NORTH, STEP = 500_000.0, 3_400_000.0, 250.0
OSM = Path(os.environ.get("ANLAN_DATA", "")) / "osm/valhalla_liechtenstein-latest.osm.pbf"


@pytest.fixture(scope="module")
def canal():
    """A road of nine junctions, a canal 20 m beside it, one pole at its beginning."""
    n = 9
    x, y = EAST + np.arange(n) * STEP, np.full(n, NORTH)
    u, v = np.arange(n - 1), np.arange(1, n)
    roads = Roads(
        edges=Edges.make(
            id=[f"e{k}" for k in u], u=u, v=v, road_class=["residential"] * (n - 1),
            length_m=np.full(n - 1, STEP),
        ),
        start=np.arange(n) * 2, x=np.stack([x[u], x[v]], 1).ravel(), y=np.stack([y[u], y[v]], 1).ravel(),
        node_x=x, node_y=y,
    )  # fmt: skip
    draft = City.build(roads, name_en="Canal", tz="Asia/Shanghai", crs="EPSG:32650")
    lon, lat = draft.unproject(x[[0, -1]], np.full(2, NORTH + 20.0))
    lines = Lines.make(
        id=["c"], kind=["waterway"], geometry=[shapely.LineString(np.column_stack([lon, lat]))]
    )
    pole = Sites.make(id=["P1"], kind=["pole"], lon=[np.nan], lat=[np.nan], x=[EAST + 5.0], y=[NORTH + 18.0])
    return draft.replaced(lines=lines).with_sites(pole)


def test_poles_stand_evenly_beside_the_one_that_is_there(canal):
    found = plan_equipment(canal, p=3, every_m=100.0)
    assert found.existing == 1
    assert found.plan.sites.status.tolist().count("open") == 1
    assert len(found.plan.sites) == 4
    assert found.siting.status == "optimal"
    assert found.siting.objective == pytest.approx(500.0, rel=0.01)  # 0, 500, 1000 and 1500 of 2,000 m
    assert "longest gap" in found.summary()[1].en


def test_a_town_must_have_one_within_a_walk(canal):
    lon, lat = canal.unproject([EAST + 1900.0], [NORTH])
    towns = Sites.make(id=["T"], kind=["town"], lon=lon, lat=lat)
    found = plan_equipment(canal, towns=towns, reach_s=120.0, every_m=50.0)
    assert found.towns == 1
    assert np.abs(found.plan.sites.x - (EAST + 1900.0)).min() < 200.0
    far = Sites.make(id=["F"], kind=["town"], lon=lon + 1.0, lat=lat)
    assert plan_equipment(canal, p=1, towns=far, every_m=100.0).left_out == 1


def test_the_fewest_for_a_gap(canal):
    found = plan_equipment(canal, longest_gap_m=500.0, every_m=50.0)
    assert found.siting.status == "optimal"
    assert found.siting.objective == 3  # the first stands already; then at most 500 m, the last stretch too
    assert found.siting.details["gap_m"].max() <= 500.0 + 1e-6


def test_what_is_missing_is_said(canal):
    with pytest.raises(AnlanError, match="kind: waterway"):
        plan_equipment(canal, line_kind="shore", p=1)
    with pytest.raises(AnlanError, match="how much"):
        plan_equipment(canal)


@pytest.mark.skipif(not OSM.exists(), reason="needs the OpenStreetMap extract of Liechtenstein in ANLAN_DATA")
def test_the_waters_of_a_country(tmp_path):
    city = City.build(OSM, name_en="Liechtenstein", tz="Europe/Vaduz")
    found = plan_equipment(city, line_kind="all", p=400, every_m=50.0, time_limit_s=8.0)
    assert len(found.candidates) > 7_000
    assert found.siting.gap < 0.02
    assert len(found.plan.sites) <= 400
    fewest = plan_equipment(city, line_kind="all", longest_gap_m=1000.0, every_m=50.0, time_limit_s=8.0)
    assert fewest.siting.gap < 0.02
    assert fewest.siting.details["gap_m"].max() <= 1000.0 + 1e-6


def test_the_command_writes_what_it_found(canal, tmp_path):
    import json

    from typer.testing import CliRunner

    from anlan.cli import main
    from anlan.model import Plan

    canal.save(tmp_path / "canal")
    given = ["site-lines", str(tmp_path / "canal"), "--count", "3", "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(main.app, given)
    assert told.exit_code == 0
    assert "longest gap is 500 m" in told.output
    assert len(Plan.load(tmp_path / "out/plan").sites) == 4
    assert len(json.loads((tmp_path / "out/sites.geojson").read_text(encoding="utf-8"))["features"]) == 4
    impossible = CliRunner().invoke(main.app, [*given[:2], "--gap-m", "10", "--every", "100"])
    assert impossible.exit_code == 1
    assert "100" in impossible.output
