from typing import Any

import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.hotspots import Cells

RNG = np.random.default_rng(11)
X, Y = RNG.normal(1000, 200, 400), RNG.normal(900, 350, 400)


def exact(cells: Cells, x: Any, y: Any, bandwidth_m: float, kernel: str, weight: Any = 1.0) -> Any:
    cx, cy = cells.centre()
    d2 = (cx[:, None] - x) ** 2 + (cy[:, None] - y) ** 2
    if kernel == "gaussian":
        k = np.exp(-0.5 * d2 / bandwidth_m**2) / (2 * np.pi * bandwidth_m**2)
    else:
        k = 3 / (np.pi * bandwidth_m**2) * np.clip(1 - d2 / bandwidth_m**2, 0, None) ** 2
    return (k * weight).sum(axis=1).reshape(cells.n_row, cells.n_column) * 1e6


@pytest.mark.parametrize("kernel", ["gaussian", "quartic"])
@pytest.mark.parametrize("bandwidth_m", [25.0, 60.0, 110.0, 260.0])
def test_density_equals_the_exact_sum(kernel, bandwidth_m):
    cells = Cells.covering(X, Y, 50.0, margin_m=120.0)
    weight = RNG.uniform(0.2, 3, 400)
    found = hotspots.kde(X, Y, weight, cells=cells, bandwidth_m=bandwidth_m, kernel=kernel).value
    true = exact(cells, X, Y, bandwidth_m, kernel, weight)
    tolerance = 1e-3 if kernel == "gaussian" else 1e-12
    assert np.abs(found - true).max() < tolerance * true.max()


def test_points_outside_the_grid_still_reach_in():
    cells = Cells("square", 20.0, 40, 40, 20, 20)
    found = hotspots.kde(X, Y, cells=cells, bandwidth_m=150.0).value
    assert np.abs(found / exact(cells, X, Y, 150.0, "gaussian") - 1).max() < 1e-3


def test_the_surface_holds_all_the_points():
    surface = hotspots.kde(X, Y, bandwidth_m=100.0)
    assert surface.value.sum() * surface.cells.area_m2 / 1e6 == pytest.approx(400, rel=1e-2)


def test_the_border_of_the_study_area_does_not_look_quiet():
    x, y = RNG.uniform(0, 2000, (2, 200_000))
    cells = Cells("square", 50.0, -10, -10, 60, 60)
    cx, cy = cells.centre()
    inside = ((cx > 0) & (cx < 2000) & (cy > 0) & (cy < 2000)).reshape(60, 60)
    plain = hotspots.kde(x, y, cells=cells, bandwidth_m=200.0).value
    mended = hotspots.kde(x, y, cells=cells, bandwidth_m=200.0, inside=inside).value
    assert plain[inside].min() < 0.4 * 50_000
    assert mended[inside] == pytest.approx(np.full(inside.sum(), 50_000), rel=0.1)
    assert np.isnan(mended[~inside]).all()


def test_all_calls_at_one_point_is_one_hill():
    surface = hotspots.kde(np.full(9, 5.0), np.full(9, 5.0), bandwidth_m=50.0)
    top = hotspots.top_cells(surface, 1)
    assert np.hypot(top.x[0] - 5, top.y[0] - 5) < 10
    assert surface.at(np.array([5.0, 9e9]), np.array([5.0, 0.0]))[0] == top.value[0]
    assert np.isnan(surface.at(np.array([9e9]), np.array([0.0]))[0])


def test_top_cells_fit_the_budget_and_are_sorted():
    surface = hotspots.kde(X, Y, bandwidth_m=80.0, cell_m=50.0)
    top = hotspots.top_cells(surface, area_m2=26 * 2500.0)
    assert len(top.place) == 26
    assert (np.diff(top.value) <= 0).all()
    assert top.value[-1] >= np.sort(surface.value.ravel())[-26]


def test_bad_settings_get_a_sentence():
    with pytest.raises(AnlanError, match="gaussian or quartic"):
        hotspots.kde(X, Y, bandwidth_m=50.0, kernel="cone")
    with pytest.raises(AnlanError, match="positive length"):
        hotspots.kde(X, Y, bandwidth_m=-1.0)
