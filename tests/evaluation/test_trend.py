import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.evaluation import regression_to_mean, trend, year_on_year


def test_a_planted_yearly_fall_is_measured():
    rng = np.random.default_rng(1)
    week = np.arange(52 * 4)
    y = rng.poisson(50 * np.exp(np.log(0.85) * week / 52.1775 + 0.3 * np.cos(2 * np.pi * week / 52.1775)))
    result = trend(y)
    assert result.interval[0] <= 0.85 <= result.interval[1]
    assert result.p_value < 1e-6


def test_slow_waves_are_not_called_a_trend_more_often_than_said():
    wrong = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        wave = np.zeros(156)
        for k in range(1, 156):
            wave[k] = 0.4 * wave[k - 1] + rng.normal(scale=0.1)
        wrong += trend(rng.poisson(30 * np.exp(wave))).p_value < 0.05
    assert wrong <= 14


def test_a_continuous_decline_needs_every_step():
    falls = year_on_year([[400.0], [300.0], [220.0]])
    assert falls.continuous_p < 0.001
    pause = year_on_year([[400.0], [300.0], [305.0], [220.0]])
    assert pause.continuous_p > 0.4
    assert pause.cumulative_p < 0.001
    assert pause.cumulative_ratio == pytest.approx(0.55)


def test_bursts_widen_year_on_year_intervals():
    rng = np.random.default_rng(2)
    steady = rng.poisson(20.0, (3, 26))
    bursty = rng.poisson(rng.gamma(1.0, 20.0, (3, 26)))
    assert year_on_year(bursty).dispersion > 3 * year_on_year(steady).dispersion


def test_an_empty_year_is_refused():
    with pytest.raises(AnlanError, match="calls in each"):
        year_on_year([[0.0, 0.0], [3.0, 1.0]])


def test_places_picked_for_their_count_fall_by_themselves_and_the_correction_takes_it_out():
    naive, corrected, held = [], [], 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        level = rng.gamma(3.0, 4.0, 200)
        before, after = rng.poisson(level), rng.poisson(level)
        worst = np.argsort(-before)[:20]
        result = regression_to_mean(before, after, worst)
        naive.append(result.naive)
        corrected.append(result.corrected)
        held += result.interval[0] <= 0 <= result.interval[1]
    assert np.mean(naive) < -40
    assert abs(np.mean(corrected)) < 0.12 * abs(np.mean(naive))
    assert held >= 360


def test_a_real_fall_is_left_standing():
    rng = np.random.default_rng(9)
    level = rng.gamma(3.0, 4.0, 300)
    before = rng.poisson(level)
    worst = np.argsort(-before)[:30]
    level[worst] *= 0.5
    result = regression_to_mean(before, rng.poisson(level), worst)
    assert result.interval[1] < 0
    assert result.naive < result.corrected
