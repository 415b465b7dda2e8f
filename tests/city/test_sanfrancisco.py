"""A real city from raw files: streets joined by id, and predicted against observed response."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.city import City
from anlan.core.errors import AnlanError

EXAMPLE = Path(__file__).parents[2] / "examples" / "sanfrancisco"


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"sanfrancisco_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


build = script("build")


@pytest.fixture(scope="module")
def raw() -> Path:
    path = Path(os.environ.get("ANLAN_DATA", "")) / "sanfrancisco"
    if not os.environ.get("ANLAN_DATA") or not path.is_dir():
        pytest.skip("ANLAN_DATA names no folder with sanfrancisco/")
    return path


@pytest.fixture(scope="module")
def folder(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("sf") / "sanfrancisco"
    build.main([str(out), "--data", str(raw)])
    return out


@pytest.fixture(scope="module")
def evaluation(folder):
    return script("evaluate").evaluate(City.load(folder), folder)


def test_a_posted_speed_is_the_highest_valid_one_outside_school_hours():
    def fact(speed: str, school: str = "") -> dict[str, str]:
        return {"SPEEDLIMIT": speed, "SCHOOLZONE": school}

    assert build.posted_mph([fact("15", "YES"), fact("30")]) == 30
    assert build.posted_mph([fact("99"), fact("20")]) == 20
    assert np.isnan(build.posted_mph([fact("0")]))
    assert np.isnan(build.posted_mph([fact("15", "YES")]))


def test_a_shape_that_runs_backwards_is_turned_round():
    a, b, c, d = (np.array(p, float) for p in ((0, 0), (100, 0), (200, 0), (100, 90)))
    # Junction 1 joins three pieces; the second is drawn from 2 to 1.
    pair = np.array([[0, 1], [1, 2], [1, 3]])
    place, turned = build._junctions(pair, [np.array([a, b]), np.array([c, b]), np.array([b, d])])
    assert turned.tolist() == [False, True, False]
    assert place.tolist() == [[0, 0], [100, 0], [200, 0], [100, 90]]


def test_without_the_raw_files_there_is_a_sentence(monkeypatch):
    monkeypatch.setenv("ANLAN_DATA", "/nowhere")
    with pytest.raises(AnlanError, match="set it, or give --data"):
        build.data_folder()


def test_the_city_holds_what_the_raw_files_hold(folder):
    city = City.load(folder)
    roads = city.roads
    assert len(roads) == 15_066
    assert roads.n_nodes == 9_064
    assert len(city.sites) == 42
    assert city.sites.id[city.sites.edge < 0].tolist() == ["F48"]  # Treasure Island has no streets here
    assert (city.areas.level == "precinct").sum() == 299
    assert np.nanmin(roads.edges.speed_kmh) >= 5 * 1.6
    assert np.nanmax(roads.edges.speed_kmh) <= 45 * 1.61
    first, last = roads.start[:-1], roads.start[1:] - 1
    assert (
        np.hypot(
            roads.x[first] - roads.node_x[roads.edges.u], roads.y[first] - roads.node_y[roads.edges.u]
        ).max()
        < 0.01
    )
    assert (
        np.hypot(
            roads.x[last] - roads.node_x[roads.edges.v], roads.y[last] - roads.node_y[roads.edges.v]
        ).max()
        < 0.01
    )
    calls = (folder / "demand.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sum(int(line.split(",")[1]) for line in calls) == 125_728


def test_free_flow_orders_the_cells_at_least_as_well_as_the_published_estimate(evaluation):
    figures, _ = evaluation
    assert figures["free flow, to the cell's middle"].rank >= 0.615
    assert figures["free flow, to all its streets"].rank >= 0.62


def test_calibration_cuts_the_error_on_cells_it_has_not_seen(evaluation):
    figures, calibration = evaluation
    before, after = figures["free flow, to all its streets"], figures["held out: calibrated"]
    assert after.rank >= 0.62
    assert after.mae_min < before.mae_min / 3
    assert after.mae_min < 0.8 * figures["held out: the mean of the other cells"].mae_min
    assert 60 < calibration.delay_s < 240


def test_the_readme_prints_the_measured_figures(evaluation):
    figures, calibration = evaluation
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    for name, figure in figures.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        printed = [float(cell) for cell in row.strip("|").split("|")[1:]]
        assert printed == pytest.approx(
            [figure.cells, figure.rank, figure.mae_min, figure.bias_min], abs=0.011
        )
    delay = re.search(r"start-up delay of (\d+) s", text)
    assert delay is not None
    assert float(delay[1]) == pytest.approx(calibration.delay_s, abs=2)
