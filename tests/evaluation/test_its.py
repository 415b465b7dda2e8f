import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.evaluation import interrupted


def town(effect, seed, n=160, change=130):
    """Weekly calls of a town with a season and a slow trend; from `change` on a share `effect` is gone."""
    rng = np.random.default_rng(seed)
    week = np.arange(n)
    mean = 60 * np.exp(0.1 * week / 52 + 0.2 * np.sin(2 * np.pi * week / 52.1775))
    mean = np.where(week >= change, mean * (1 - effect), mean)
    return rng.poisson(mean).astype(float)


def test_a_planted_fall_is_found_and_its_size_is_in_the_interval():
    hits = 0
    for seed in range(20):
        result = interrupted(town(0.3, seed), 130)
        hits += result.level_interval[0] <= 0.7 <= result.level_interval[1]
        assert result.prevented_interval[0] > 0
    assert hits >= 16


def test_p_value_and_interval_of_the_same_estimate_agree():
    results = [interrupted(town(effect, seed), 130) for effect in (0.0, 0.05, 0.1) for seed in range(20)]
    for r in results:
        low, high = r.prevented_interval
        assert (r.prevented_p < 0.05) == (low > 0 or high < 0)
        low, high = r.level_interval
        assert (r.level_p < 0.05) == (low > 1 or high < 1)
    assert sum(r.prevented_p < 0.05 for r in results[:20]) <= 4
    assert {r.prevented_p < 0.05 for r in results} == {True, False}


def test_nothing_planted_is_rarely_called_a_change():
    wrong = sum(interrupted(town(0.0, seed), 130).level_p < 0.05 for seed in range(60))
    assert wrong <= 8


def test_exposure_of_a_short_week_is_allowed_for():
    y = town(0.0, 1)
    exposure = np.ones(160)
    y[140], exposure[140] = y[140] / 7, 1 / 7
    assert abs(interrupted(y, 130, exposure=exposure).level_ratio - 1) < 0.15


def test_a_short_history_is_refused():
    with pytest.raises(AnlanError, match="eight before"):
        interrupted(np.ones(10), 5)
