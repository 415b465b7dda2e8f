import numpy as np
import pytest

from anlan import hotspots
from anlan.core.errors import AnlanError

BASE = [3.0, 5, 4, 6, 2, 4, 4]  # mean 4, standard deviation 1.2910


def test_c1_and_c2_by_hand():
    y = np.array([[*BASE, 9.0, 0, 0]])
    c1 = hotspots.ears(y, "C1")
    assert np.isnan(c1.statistic[0, 6])
    assert c1.statistic[0, 7] == pytest.approx((9 - 4) / np.std(BASE, ddof=1))
    assert c1.alarm[0, 7]
    c2 = hotspots.ears(np.array([[*BASE, 5, 5, 9.0]]), "C2")
    assert np.isnan(c2.statistic[0, 8])
    assert c2.statistic[0, 9] == pytest.approx((9 - 4) / np.std(BASE, ddof=1))
    assert c2.threshold[0, 9] == pytest.approx(4 + 3 * np.std(BASE, ddof=1))


def test_c3_sums_three_periods():
    rng = np.random.default_rng(0)
    y = rng.poisson(6.0, (20, 40))
    c2, c3 = hotspots.ears(y, "C2").statistic, hotspots.ears(y, "C3")
    by_hand = np.maximum(0, c2[:, 28:31] - 1).sum(axis=1)
    assert c3.statistic[:, 30] == pytest.approx(by_hand)
    assert (c3.alarm[:, 30] == (by_hand > 2)).all()
    # The threshold is the count at which C3 would be 2.
    for row in range(20):
        again = y.astype(float)
        again[row, 30] = c3.threshold[row, 30]
        if again[row, 30] > y[row, 23:30].mean() and by_hand[row] < 2:
            reached = hotspots.ears(again[row : row + 1], "C3").statistic[0, 30]
            assert reached == pytest.approx(2.0)


def test_a_flat_baseline_alarms_on_any_rise_only():
    y = np.array([[2.0] * 7 + [2, 3]])
    found = hotspots.ears(y, "C1")
    assert not found.alarm[0, 7]
    assert found.alarm[0, 8]


def test_recent_holds_its_level():
    rng = np.random.default_rng(1)
    for y in (rng.poisson(3.0, (4000, 20)), rng.negative_binomial(3.0, 0.5, (4000, 20))):
        p = hotspots.recent(y).p
        assert (p <= 0.01).mean() < 0.01 + 3 * np.sqrt(0.01 / 4000)
    y[:, -1] = 15
    assert np.median(hotspots.recent(y).p) < 0.01


def test_short_histories_get_a_sentence():
    with pytest.raises(AnlanError, match="load a longer history or shorten"):
        hotspots.ears(np.ones((1, 8)), "C2")
    with pytest.raises(AnlanError, match="at least 5 weeks"):
        hotspots.recent(np.ones((1, 4)))
    with pytest.raises(AnlanError, match="C1, C2 or C3"):
        hotspots.ears(np.ones((1, 20)), "C4")
