import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.evaluation import staggered


def test_two_groups_and_two_periods_are_the_plain_difference_in_differences():
    y = np.array([[10.0, 4.0], [12.0, 8.0], [20.0, 19.0], [22.0, 23.0]])
    result = staggered(y, [1, 1, np.inf, np.inf], control="never")
    assert result.overall.estimate == pytest.approx((6.0 - 11.0) - (21.0 - 21.0))


def test_group_time_effects_against_their_definition():
    rng = np.random.default_rng(3)
    y = rng.normal(size=(30, 6))
    start = np.repeat([2.0, 4.0, np.inf], 10)
    result = staggered(y, start)
    for g, t, effect in zip(result.group, result.period, result.effect, strict=True):
        base = t - 1 if t < g else g - 1
        clean = start > max(t, base)
        change = y[:, t] - y[:, base]
        assert effect == pytest.approx(change[start == g].mean() - change[clean].mean())


def test_effects_that_grow_with_time_do_not_bias_the_average():
    # Two-way fixed effects would be pulled towards zero here; the group-time average is not.
    rng = np.random.default_rng(5)
    n, periods = 300, 10
    start = np.repeat([3.0, 6.0, np.inf], 100)
    y = rng.normal(size=(n, 1)) + np.arange(periods) * 0.5 + rng.normal(scale=0.3, size=(n, periods))
    since = np.arange(periods) - start[:, None]
    y += np.where(since >= 0, -1.0 * (since + 1), 0.0)
    truth = (-1.0 * (since + 1))[since >= 0].mean()
    result = staggered(y, start)
    assert result.overall.estimate == pytest.approx(truth, abs=0.1)
    assert result.overall.interval[0] <= truth <= result.overall.interval[1]
    assert result.dynamic[2].estimate == pytest.approx(-3.0, abs=0.15)
    assert result.parallel_p > 0.05


def test_diverging_trends_before_are_noticed():
    rng = np.random.default_rng(6)
    start = np.repeat([5.0, np.inf], 40)
    y = rng.normal(scale=0.3, size=(80, 8)) + np.where(start[:, None] == 5, np.arange(8) * 1.0, 0.0)
    assert staggered(y, start).parallel_p < 0.01


def test_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        start = np.repeat([2.0, 4.0, np.inf], 20)
        y = rng.normal(size=(60, 1)) + rng.normal(size=(60, 6))
        y += np.where(np.arange(6) >= start[:, None], 1.0, 0.0)
        low, high = staggered(y, start, draws=199, seed=seed).overall.interval
        covered += low <= 1.0 <= high
    assert covered >= 68


def test_no_untreated_area_left():
    with pytest.raises(AnlanError, match="untreated"):
        staggered(np.ones((4, 5)), [2, 2, 2, 2])
