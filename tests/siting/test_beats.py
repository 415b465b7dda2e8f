"""Beats of Grid Town: twelve by twelve junctions, two stations in one corner, calls in the others."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from anlan.cli import main
from anlan.core.errors import AnlanError
from anlan.hotspots import demand as learn_demand
from anlan.siting import plan_beats


@pytest.fixture(scope="module")
def town():
    path = Path(__file__).parents[1] / "campaign/conftest.py"
    spec = importlib.util.spec_from_file_location("grid_town_for_beats", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.town()


@pytest.fixture(scope="module")
def beats(town):
    return plan_beats(town, learn_demand(town.calls, tz=town.tz), town.sites, balance=1.05)


def test_each_street_has_a_beat_in_one_piece(town, beats):
    assert len(beats.assignment) == len(town.roads)
    assert beats.rescore(beats.assignment).contiguous
    assert beats.siting.objective <= 1.05
    assert beats.work.sum() == pytest.approx(learn_demand(town.calls, tz=town.tz).weight().sum())
    assert "in one piece" in beats.summary()[0].en


def test_an_edit_by_hand_is_scored(beats):
    own = beats.assignment.copy()
    own[own == 1] = 0
    own[beats.ground.posts[1]] = 1
    after = beats.rescore(own)
    assert after.balance > 1.5
    swapped = 1 - beats.assignment
    assert not beats.rescore(swapped).contiguous


def test_outlines_tile_the_ground(town, beats):
    shapes = beats.geojson(town)
    areas = [shapely.from_geojson(json.dumps(f["geometry"])) for f in shapes["features"]]
    assert len(areas) == 2
    assert all(a.is_valid for a in areas)
    together = shapely.union_all(areas)
    assert sum(a.area for a in areas) == pytest.approx(together.area, rel=1e-3)
    assert sum(f["properties"]["streets"] for f in shapes["features"]) == len(town.roads)
    assert np.isclose(sum(f["properties"]["share_of_mean"] for f in shapes["features"]), 2.0)


def test_a_post_away_from_the_streets_is_named(town):
    lost = town.sites.replaced(edge=np.full(2, -1))
    with pytest.raises(AnlanError, match="post S1"):
        plan_beats(town, learn_demand(town.calls, tz=town.tz), lost)


def test_the_command_writes_beats(town, tmp_path):
    town.save(tmp_path / "town")
    given = ["site-beats", str(tmp_path / "town"), "--out", str(tmp_path / "out"), "--json"]
    told = CliRunner().invoke(main.app, given)
    assert told.exit_code == 0, told.output
    result = json.loads(told.stdout)
    assert result["contiguous"]
    assert [b["post"] for b in result["beats"]] == ["S1", "S2"]
    assert (tmp_path / "out/beats.geojson").exists()
    assert (
        len((tmp_path / "out/beats.csv").read_text(encoding="utf-8-sig").splitlines()) == len(town.roads) + 1
    )
