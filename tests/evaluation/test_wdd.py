import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.evaluation.wdd import dispersion, placebo, wdd, wdd_harm

COUNT = st.integers(0, 500)
PAIR = st.tuples(COUNT, COUNT)


def test_the_published_example():
    result = wdd((308, 318), (207, 110), (150, 140), (178, 157))
    assert result.estimate == -118
    assert result.standard_error == pytest.approx(np.sqrt(1568))
    assert result.z == pytest.approx(-2.98, abs=0.005)


def test_periods_of_different_length():
    result = wdd((100, 50), (80, 20), time_weights=(2, 1))
    assert result.estimate == -20
    assert result.standard_error == pytest.approx(np.sqrt(115))


@given(PAIR, PAIR, PAIR, PAIR)
def test_without_displacement_is_the_sum_of_two_differences(control, treated, near_control, near_treated):
    whole = wdd(control, treated, near_control, near_treated)
    first, second = wdd(control, treated), wdd(near_control, near_treated)
    assert whole.estimate == first.estimate + second.estimate
    assert whole.standard_error**2 == pytest.approx(first.standard_error**2 + second.standard_error**2)


@given(PAIR, PAIR, st.floats(0.5, 20))
def test_doubling_an_area_and_its_weight_changes_no_estimate(control, treated, size):
    plain = wdd(control, treated)
    scaled = wdd(control, [treated[0] * size, treated[1] * size], area_weights=(1, size))
    assert scaled.estimate == pytest.approx(plain.estimate, abs=1e-9)


def test_dispersion_widens_the_interval_by_its_root():
    plain, wide = wdd((9, 9), (16, 4)), wdd((9, 9), (16, 4), dispersion=4)
    assert wide.estimate == plain.estimate
    assert wide.standard_error == pytest.approx(2 * plain.standard_error)


def test_harm_weights_add_categories_up():
    result = wdd_harm([[10, 10], [2, 2]], [[10, 6], [3, 1]], harm=[1, 100])
    assert result.estimate == -4 - 200
    assert result.standard_error == pytest.approx(np.sqrt(36 + 100**2 * 8))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (((1, 2), (-3, 4)), "-3"),
        (((1, 2), (3, 4, 5)), "3 figures"),
        (((1, 2), (3, 4), (5, 6)), "one displacement area"),
        (((1, 2), (3, float("nan"))), "not a number"),
    ],
)
def test_bad_figures_are_named(arguments, named):
    with pytest.raises(AnlanError, match=named):
        wdd(*arguments)


def test_poisson_counts_have_dispersion_near_one_and_gamma_mixed_ones_more():
    rng = np.random.default_rng(1)
    assert dispersion(rng.poisson(8.0, (300, 60))) == pytest.approx(1.0, abs=0.05)
    mixed = rng.poisson(rng.gamma(4.0, 2.0, (300, 60)))  # variance 8 + 16, mean 8
    assert dispersion(mixed) == pytest.approx(3.0, rel=0.1)


def test_placebos_restore_the_coverage_that_overdispersion_takes_from_the_plain_interval():
    # 80 like places, nothing happens anywhere; variance is five times the mean.
    held_plain = held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        series = rng.poisson(rng.gamma(2.0, 4.0, (80, 60)))
        result = placebo(series, [0, 1, 2], [3, 4, 5], 40, n_placebo=199, seed=seed)
        held += result.difference.interval[0] <= 0 <= result.difference.interval[1]
        held_plain += result.plain_coverage
    assert held_plain / 60 < 0.75
    assert held / 60 > 0.85


def test_placebos_need_untouched_places():
    with pytest.raises(AnlanError, match="untouched"):
        placebo(np.ones((5, 20)), [0], [1], 10)
