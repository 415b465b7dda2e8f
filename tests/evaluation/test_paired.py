import numpy as np
import pytest

from anlan.core.errors import AnlanError
from anlan.evaluation.paired import Paired

DAYS = np.repeat(np.arange(28), 20)


def night(seed, gain=0.0, spread_by_day=60.0):
    """Four weeks of responses; each day is slow or quick as a whole; the second layout gains `gain` s."""
    rng = np.random.default_rng(seed)
    day = rng.normal(0, spread_by_day, 28)[DAYS]
    first = 300 + day + rng.normal(0, 80, (3, len(DAYS)))
    return first, first - gain + rng.normal(0, 20, first.shape)


def test_a_common_bad_day_cancels_and_the_gain_shows():
    first, second = night(1, gain=10.0)
    change = Paired(first, second, DAYS).change(("mean", 0))
    assert change.difference == pytest.approx(float((second - first).mean()))
    assert change.interval[0] < -10 < change.interval[1]
    assert change.real


def test_no_gain_is_rarely_called_real():
    real = sum(Paired(*night(seed), DAYS, draws=199).change(("mean", 0)).real for seed in range(60))
    assert real <= 8


def test_days_that_differ_widen_the_interval_of_an_unpaired_like_comparison():
    rng = np.random.default_rng(3)
    effect = rng.normal(0, 30, 28)[DAYS]  # the gain itself depends on the day
    first, _ = night(4)
    change = Paired(first, first - effect, DAYS).change(("mean", 0))
    by_call = 1.96 * effect.std() / np.sqrt(effect.size)
    assert change.interval[1] - change.interval[0] > 3 * by_call


def test_shares_and_quantiles_match_numpy():
    first, second = night(5, gain=30.0)
    paired = Paired(first, second, DAYS)
    share = paired.change(("share", 300.0))
    assert share.first == pytest.approx(float((first <= 300).mean()))
    late = paired.change(("quantile", 0.9))
    assert late.second == np.quantile(second, 0.9, method="inverted_cdf")
    assert late.interval[0] < late.difference < late.interval[1]


def test_a_part_of_the_calls_and_an_empty_part():
    first, second = night(6, gain=30.0)
    paired = Paired(first, second, DAYS)
    some = np.arange(len(DAYS)) % 3 == 0
    assert paired.change(("mean", 0), some).first == pytest.approx(float(first[:, some].mean()))
    assert np.isnan(paired.change(("mean", 0), np.zeros(len(DAYS), bool)).difference)


def test_few_days_are_refused():
    with pytest.raises(AnlanError, match="at least five"):
        Paired(np.ones((1, 4)), np.ones((1, 4)), np.arange(4))
