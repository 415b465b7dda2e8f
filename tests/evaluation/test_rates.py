import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.evaluation.rates import e_test, rate_ratio


def test_published_e_tests():
    assert e_test(6, 2) == pytest.approx(0.17487, abs=5e-6)
    assert e_test(10, 5) == pytest.approx(0.20616, abs=5e-6)
    assert e_test(0, 0) == 1.0


@given(st.integers(0, 60), st.integers(0, 60))
def test_e_test_is_symmetric(a, b):
    assert e_test(a, b) == pytest.approx(e_test(b, a), abs=1e-9)


def test_rate_ratio_uses_the_length_of_the_periods():
    assert rate_ratio(100, 40, exposure=(2, 1)).ratio == pytest.approx(0.8)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_exact_interval_holds_the_estimate(before, after):
    result = rate_ratio(before, after)
    if before + after == 0:
        assert math.isnan(result.ratio)
    else:
        assert result.interval[0] <= result.ratio <= result.interval[1]


def test_nothing_before_gives_an_open_interval():
    assert rate_ratio(0, 5).interval[1] == math.inf
