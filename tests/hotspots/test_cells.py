import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.hotspots import Cells


@given(st.sampled_from(["square", "hexagon"]), st.floats(5.0, 900.0), st.integers(0, 2**31))
def test_a_point_lies_in_the_cell_with_the_nearest_centre(shape, cell_m, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-3000, 3000, (2, 40))
    cells = Cells.covering(x, y, cell_m, shape, margin_m=cell_m)
    if len(cells) > 20_000:
        return
    cx, cy = cells.centre()
    gap = np.hypot(x[:, None] - cx, y[:, None] - cy)
    found = cells.index(x, y)
    assert np.allclose(gap[np.arange(40), found], gap.min(axis=1))


@pytest.mark.parametrize("shape", ["square", "hexagon"])
def test_a_cell_keeps_its_id_when_the_city_grows(shape):
    x, y = np.array([510.0, 1333.0]), np.array([-200.0, 80.0])
    small = Cells.covering(x, y, 100, shape)
    large = Cells.covering(np.append(x, -9000.0), np.append(y, 7000.0), 100, shape)
    assert small.ids(small.index(x, y)).tolist() == large.ids(large.index(x, y)).tolist()


def test_hexagons_tile_the_plane():
    cells = Cells("hexagon", 10.0, 0, 0, 40, 40)
    cx, cy = cells.corners(np.array([820]))
    area = 0.5 * np.abs(np.sum(cx * np.roll(cy, -1) - np.roll(cx, -1) * cy))
    assert area == pytest.approx(cells.area_m2)
    x, y = np.random.default_rng(0).uniform(50, 250, (2, 200_000))
    count = np.bincount(cells.index(x, y), minlength=len(cells))
    assert count[820] == pytest.approx(200_000 * cells.area_m2 / 200**2, rel=0.15)


def test_far_points_are_refused_in_a_sentence():
    with pytest.raises(AnlanError, match="far outside the city"):
        Cells.covering(np.array([0.0, 1e8]), np.array([0.0, 1e8]), 10.0)
    with pytest.raises(AnlanError, match="projected coordinates"):
        Cells.covering(np.array([np.nan]), np.array([np.nan]), 10.0)
