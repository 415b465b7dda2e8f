from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from anlan import hotspots
from anlan.core.errors import AnlanError
from anlan.hotspots import farrington as detect
from anlan.hotspots.farrington import same_season, seasons
from anlan.hotspots.holidays import china, holiday_shares
from anlan.hotspots.tails import prediction_interval, upper_tail

MONDAY = date(2018, 1, 1)
WEEKS = 6 * 52 + 20
T = np.arange(WEEKS)


def plain(y: Any, at: int) -> tuple[float, float]:
    """The algorithm for one series, week by week, as the paper writes it: expected count and dispersion."""
    centres = same_season(MONDAY, at, 5, 3)
    rows = []
    for t in range(centres[-1] - 3, at - 26 + 1):
        # Season: nearest earlier centre, and how far past its window of ±3 weeks.
        level = 0
        if not any(abs(t - c) <= 3 for c in [*centres, at]):
            before = max(c for c in centres if c < t)
            after = min(c for c in [*centres, at] if c > t)
            length = (after - 3) - (before + 4)
            level = 1 + (t - before - 4) * 9 // length
        rows.append((t, level))
    X = np.array([[1.0, t - at] + [float(level == k) for k in range(1, 10)] for t, level in rows])
    X[:, 1] /= 52.18 * len(centres)
    obs = y[[t for t, _ in rows]].astype(float)

    def glm(w: Any, X: Any) -> Any:
        mu = obs + 0.1
        for _ in range(60):
            z = np.log(mu) + (obs - mu) / mu
            root = np.sqrt(w * mu)
            beta = np.linalg.lstsq(X * root[:, None], z * root, rcond=None)[0]
            mu = np.exp(X @ beta)
        phi = (w * (obs - mu) ** 2 / mu).sum() / (len(obs) - X.shape[1])
        hat = (w * mu)[:, None] * X @ np.linalg.inv((X * (w * mu)[:, None]).T @ X)
        return beta, mu, phi, (hat * X).sum(1)

    def both(X: Any) -> Any:
        _, mu, phi, h = glm(np.ones(len(obs)), X)
        r = 1.5 * (obs ** (2 / 3) * mu ** (-1 / 6) - mu**0.5) / np.sqrt(max(phi, 1) * (1 - h))
        w = np.where(r > 2.58, np.maximum(r, 1e-9) ** -2.0, 1.0)
        return glm(w * len(w) / w.sum(), X)

    beta, _, phi, _ = both(X)
    if np.exp(beta[0]) > obs.max():
        beta, _, phi, _ = both(np.delete(X, 1, axis=1))
    return float(np.exp(beta[0])), float(phi)


def test_equal_to_the_paper_written_out_for_one_series():
    rng = np.random.default_rng(0)
    season = np.exp(0.4 * np.sin(2 * np.pi * T / 52.18))
    growth = np.array([0.0, 0.1, -0.1, 1.2])[:, None] * T / 260
    means = np.array([2.0, 8.0, 40.0, 15.0])[:, None] * season * np.exp(growth)
    y = rng.poisson(means)
    y[1, 60] = 90  # an outbreak of the past, to be weighed down
    y[2] = rng.negative_binomial(means[2] / 2, 1 / 3)
    found = detect(y, MONDAY, seasonal_sd=None)
    for row in range(4):
        expected, _ = plain(y[row], WEEKS - 1)
        assert found.expected[row] == pytest.approx(expected, rel=1e-5)
    assert found.years == 5


def test_seasons_are_ten_and_the_window_is_the_first():
    centres = same_season(MONDAY, WEEKS - 1, 5, 3)
    assert len(centres) == 5
    season = seasons(centres, WEEKS - 1, 3)
    for c in centres:
        assert (season[c - 3 : c + 4] == 0).all()
    inner = season[centres[-1] + 4 : centres[-2] - 3]
    assert set(inner.tolist()) == set(range(1, 10))
    assert set(np.bincount(inner)[1:].tolist()) <= {4, 5, 6}
    tested = MONDAY + timedelta(days=7 * (WEEKS - 1))
    for back, c in enumerate(centres, 1):
        then = MONDAY + timedelta(days=7 * c)
        assert abs((then - tested.replace(year=tested.year - back)).days) <= 3


@pytest.mark.parametrize("mean", [0.1, 4.0])
def test_false_alarms_are_no_more_frequent_than_claimed(mean):
    rng = np.random.default_rng(1)
    lam = mean * np.exp(0.3 * np.sin(2 * np.pi * T / 52.18))
    for y in (rng.poisson(lam, (1000, WEEKS)), rng.negative_binomial(lam, 0.5, (1000, WEEKS))):
        p = detect(y, MONDAY).p
        for level in (0.05, 0.01):
            # Three binomial standard errors above the level.
            assert (p <= level).mean() < level + 3 * np.sqrt(level / 1000)


def test_a_doubled_week_is_found_and_its_season_is_not():
    lam = 20 * np.exp(0.7 * np.cos(2 * np.pi * (T - WEEKS + 1) / 52.18))  # the tested week is the peak
    rng = np.random.default_rng(2)
    y = rng.poisson(lam, (200, WEEKS))
    plain_weeks = detect(y, MONDAY)
    assert (plain_weeks.p < 0.01).mean() < 0.04
    assert plain_weeks.expected.mean() == pytest.approx(lam[-1], rel=0.05)
    y[:, -1] = rng.poisson(2 * lam[-1], 200)
    assert (detect(y, MONDAY).p < 1e-4).mean() > 0.9
    # Against the twenty-six weeks before, the seasonal peak alone would look like a rise.
    y[:, -1] = rng.poisson(lam[-1], 200)
    assert (hotspots.recent(y).p < 0.1).mean() > 0.5


def test_a_series_that_was_silent_gets_a_finite_p_value():
    y = np.zeros((3, WEEKS))
    y[:, -1] = [0, 1, 4]
    p = detect(y, MONDAY).p
    assert p[0] == 1
    assert 1e-4 < p[1] < 0.02
    assert 0 < p[2] < p[1] ** 2


def test_a_season_of_zeros_does_not_predict_zero():
    rng = np.random.default_rng(3)
    y = rng.poisson(0.4, (1, WEEKS)).astype(float)
    y[:, seasons(same_season(MONDAY, WEEKS - 1, 5, 3), WEEKS - 1, 3) == 0] = 0
    y[:, -1] = 1
    assert detect(y, MONDAY).p[0] > 1e-3
    assert detect(y, MONDAY, seasonal_sd=None).expected[0] < 1e-6


def test_half_a_week_is_expected_to_bring_half():
    y = np.full((1, WEEKS), 40.0)
    exposure = np.ones(WEEKS)
    exposure[-1] = 0.5
    y[:, -1] = 20
    found = detect(y, MONDAY, exposure=exposure)
    assert found.expected[0] == pytest.approx(20, rel=0.02)
    assert found.p[0] > 0.3
    assert detect(y, MONDAY).p[0] == 1 or detect(y, MONDAY).expected[0] > 35


def test_weeks_that_were_not_recorded_teach_nothing():
    rng = np.random.default_rng(4)
    y = rng.poisson(30.0, (5, WEEKS)).astype(float)
    lost = y.copy()
    lost[:, 100:110] = 0
    exposure = np.ones(WEEKS)
    exposure[100:110] = 0
    assert detect(lost, MONDAY, exposure=exposure).expected == pytest.approx(
        detect(y, MONDAY).expected, rel=0.1
    )


def test_a_moving_holiday_is_not_an_outbreak():
    """Fireworks calls triple in the week of the Spring Festival, whose date moves by a month."""
    days = china()["spring_festival"]
    _, share = holiday_shares({"spring": days}, MONDAY, WEEKS + 10)
    festival = np.flatnonzero(share[:, 0] > 0.5)
    at = int(festival[festival < WEEKS][-1])
    lam = 20.0 * np.exp(np.log(3.0) * share[: at + 1, 0])
    y = np.random.default_rng(5).poisson(lam, (300, at + 1))
    blind = detect(y, MONDAY).p
    knowing = detect(y, MONDAY, holidays=share[: at + 1]).p
    assert np.median(blind) < 1e-3
    assert (knowing < 0.01).mean() < 0.05


def test_weeks_after_the_tested_one_are_not_looked_at():
    y = np.random.default_rng(6).poisson(9.0, (4, WEEKS))
    assert detect(y, MONDAY, at=300).p.tolist() == detect(y[:, :301], MONDAY).p.tolist()


def test_short_and_bad_histories_get_a_sentence():
    with pytest.raises(AnlanError, match="same season of an earlier year"):
        detect(np.ones((2, 30)), MONDAY)
    with pytest.raises(AnlanError, match="cannot be negative"):
        detect(-np.ones((2, WEEKS)), MONDAY)
    with pytest.raises(AnlanError, match="too few weeks were counted"):
        detect(np.ones((2, WEEKS)), MONDAY, exposure=np.where(T == WEEKS - 1, 1.0, 0.0))


def test_tails_equal_scipys():
    y = np.array([0, 1, 5, 30, 200])
    for mean, variance in ((3.0, 3.0), (3.0, 9.0), (0.02, 0.05), (50.0, 51.0)):
        if variance == mean:
            exact, mass = stats.poisson.sf(y - 1, mean), stats.poisson.pmf(y, mean)
        else:
            r = mean**2 / (variance - mean)
            exact, mass = stats.nbinom.sf(y - 1, r, r / (r + mean)), stats.nbinom.pmf(y, r, r / (r + mean))
        m, v = np.full(5, mean), np.full(5, variance)
        assert upper_tail(y, m, v) == pytest.approx(exact, rel=1e-7)
        assert upper_tail(y, m, v, mid=True) == pytest.approx(exact - mass / 2, rel=1e-7, abs=1e-300)
    assert upper_tail(np.array([200.0]), np.array([5.0]), np.array([5.0]))[0] > 0
    low, high = prediction_interval(np.array([10.0]), np.array([10.0]))
    assert stats.poisson.cdf(high[0], 10) - stats.poisson.cdf(low[0] - 1, 10) >= 0.95
