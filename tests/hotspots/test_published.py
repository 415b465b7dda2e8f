"""Figures printed by others, at the public names, with whatever sequence a caller has at hand."""

from typing import Any

import numpy as np
import pytest

from anlan import hotspots

BH_1995 = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
    *(0.324, 0.4262, 0.5719, 0.6528, 0.759, 1),
]
SEQUENCES = (list, tuple, np.array)


@pytest.mark.parametrize("as_given", SEQUENCES)
@pytest.mark.parametrize(("method", "stand"), [("bh", 4), ("by", 3), ("holm", 3)])
def test_fifteen_p_values_of_benjamini_and_hochberg(as_given: Any, method: str, stand: int) -> None:
    p = as_given(BH_1995)
    assert int(hotspots.rejected(p, 0.05, method).sum()) == stand
    assert int((hotspots.adjusted(p, method) <= 0.05).sum()) == stand
    shuffled = as_given(BH_1995[::-1])
    assert int(hotspots.rejected(shuffled, level=0.05, method=method).sum()) == stand


@pytest.mark.parametrize("as_given", SEQUENCES)
def test_generalised_gini_of_bernasco_and_steenbeek(as_given: Any) -> None:
    many = hotspots.concentration(as_given([10, 8, 2, *[0] * 7]))
    assert (round(many.gini, 2), round(many.generalised_gini, 2)) == (0.78, 0.78)
    few = hotspots.concentration(as_given([5, 2, 1, *[0] * 7]))
    assert (round(few.gini, 2), round(few.generalised_gini, 2)) == (0.80, 0.75)


def test_poisson_log_likelihood_ratios() -> None:
    assert hotspots.poisson_llr(10, 1, 1175) == pytest.approx(14.060436, abs=1e-6)
    assert hotspots.poisson_llr(2, 1, 1175) == pytest.approx(0.386720, abs=1e-6)
    assert hotspots.poisson_llr(1, 2, 1175) == 0.0


def test_naus() -> None:
    assert hotspots.naus(208, 2, 0.6, 6) == pytest.approx(0.039022, abs=5e-7)


@pytest.mark.parametrize("as_given", SEQUENCES)
def test_two_points_100_m_and_3_days_apart(as_given: Any) -> None:
    found = hotspots.knox(
        as_given([0.0, 100.0]),
        as_given([0.0, 0.0]),
        as_given([0.0, 3.0]),
        space_edges=as_given([0, 100, 200]),
        time_edges=as_given([0, 1, 2, 3, 4]),
        permutations=0,
    )
    assert found.observed.tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize("as_given", [list, np.array])
def test_a_scan_finds_ten_cases_where_one_is_expected(as_given: Any) -> None:
    """Ten calls in a place of one resident in 1,175: the ratio printed above, through the public scan."""
    place = [0] * 10 + [1] * 1165
    circles = hotspots.Circles.around(as_given([0.0, 1000.0]), as_given([0.0, 0.0]))
    told = hotspots.scan(
        as_given(place),
        None,
        circles,
        model="poisson",
        when="spatial",
        population=as_given([1.0, 1174.0]),
        replications=0,
    )
    assert told.clusters[0].llr == pytest.approx(14.060436, abs=1e-6)
    assert (told.clusters[0].observed, round(told.clusters[0].expected, 9)) == (10, 1.0)


def test_lists_do_for_every_function_of_places() -> None:
    grid = [[0, 0, 1, 0], [0, 5, 6, 0], [1, 4, 7, 1], [0, 0, 1, 0]]
    assert hotspots.gi_star(grid, hotspots.Box(1)).z.shape == (4, 4)  # type: ignore[arg-type]
    assert hotspots.local_moran(grid, hotspots.Box(1), permutations=99).i.shape == (4, 4)  # type: ignore[arg-type]
    x, y, t = [0.0, 10.0, 20.0, 900.0], [0.0, 0.0, 5.0, 900.0], [0.0, 1.0, 2.0, 3.0]
    surface = hotspots.kde(x, y, bandwidth_m=100.0, cell_m=50.0)  # type: ignore[arg-type]
    assert surface.value.max() > 0
    groups = hotspots.st_dbscan(x, y, t, eps_m=50.0, eps_s=5.0, min_points=3)
    assert groups.labels.tolist()[:3] == [0, 0, 0]
    steps = [grid] * 4
    assert hotspots.emerging(steps, hotspots.Box(1)).pattern.shape == (4, 4)  # type: ignore[arg-type]
    assert hotspots.mann_kendall([[1.0], [2.0], [3.0], [4.0]]).z.shape == (1,)  # type: ignore[arg-type]
    held = hotspots.stability([3, 1, 0], [2, 1, 1])
    assert held.held <= held.held_best
    assert hotspots.ears([[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 9]], "C1").alarm[0, -1]  # type: ignore[arg-type]
