"""Figures printed by others, at the public names, with whatever sequence a caller has at hand."""

from typing import Any

import numpy as np
import pytest

from anlan import evaluation
from anlan.core.errors import AnlanError


@pytest.mark.parametrize("as_given", [list, tuple, np.array])
def test_weighted_displacement_difference(as_given: Any) -> None:
    result = evaluation.wdd(
        as_given([308, 318]), as_given([207, 110]), as_given([150, 140]), as_given([178, 157])
    )
    assert result.estimate == -118
    assert result.standard_error == pytest.approx(np.sqrt(1568))
    assert round(result.z, 2) == -2.98
    low, high = result.interval
    assert (low + high) / 2 == -118
    assert high - low == pytest.approx(2 * 1.959964 * np.sqrt(1568))


def test_periods_of_two_and_one_years() -> None:
    for result in (
        evaluation.wdd((100, 50), (80, 20), None, None, (2, 1)),
        evaluation.wdd([100, 50], [80, 20], time_weights=[2, 1]),
    ):
        assert result.estimate == -20
        assert result.standard_error == pytest.approx(np.sqrt(115))


def test_area_weights_stand_in_the_order_of_the_areas() -> None:
    """Twice the area, twice the counts: nothing changes but the variance (Wheeler and Ratcliffe 2018)."""
    once = evaluation.wdd((30, 31), (20, 11), (15, 14), (17, 15))
    result = evaluation.wdd(
        (60, 62), (40, 22), (30, 28), (34, 30), area_weights=(2, 2, 2, 2), time_weights=(1, 1)
    )
    assert result.estimate == once.estimate
    assert result.standard_error == pytest.approx(once.standard_error / np.sqrt(2))
    assert evaluation.wdd((60, 62), (20, 11), area_weights=[2, 1]).estimate == -9 - 1


@pytest.mark.parametrize(("a", "b", "p"), [(6, 2, 0.17487), (10, 5, 0.20616), (2, 6, 0.17487)])
def test_e_test(a: int, b: int, p: float) -> None:
    assert evaluation.e_test(a, b) == pytest.approx(p, abs=5e-6)
    assert evaluation.e_test(*np.array([a, b]).tolist()) == pytest.approx(p, abs=5e-6)


@pytest.mark.parametrize("bad", [(-1, 2), (1.5, 2), (float("nan"), 2)])
def test_counts_that_are_none_get_a_sentence(bad: tuple[float, float]) -> None:
    with pytest.raises(AnlanError, match=r"count|number"):
        evaluation.e_test(*bad)
    with pytest.raises(AnlanError, match=r"count|number"):
        evaluation.rate_ratio(*bad)
