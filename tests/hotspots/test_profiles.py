from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from anlan.core.time import WEEK_S
from anlan.hotspots import hour_profiles
from anlan.hotspots.profiles import slot_exposure_h, whole_days

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
MONDAY = datetime(2024, 1, 1, tzinfo=SHANGHAI).timestamp()


def test_whole_weeks_visit_every_hour_equally():
    assert slot_exposure_h((MONDAY, MONDAY + 5 * WEEK_S), SHANGHAI) == pytest.approx(np.full(168, 5.0))


def test_clock_changes_move_an_hour():
    year = (
        datetime(2024, 1, 1, tzinfo=LONDON).timestamp(),
        datetime(2024, 12, 30, tzinfo=LONDON).timestamp(),
    )
    hours = slot_exposure_h(year, LONDON)
    # Clocks go from 01:00 to 02:00 in March and from 02:00 to 01:00 in October, on a Sunday.
    assert hours.sum() == pytest.approx((year[1] - year[0]) / 3600)
    assert np.ptp(hours) == 0  # in London the hour lost and the hour won are the same slot
    summer = (year[0], datetime(2024, 7, 1, tzinfo=LONDON).timestamp())
    hours = slot_exposure_h(summer, LONDON)
    assert hours[6 * 24 + 1] == 25
    assert np.delete(hours, 6 * 24 + 1) == pytest.approx(np.full(167, 26.0))


def test_part_of_a_week_is_weighed():
    window = (MONDAY, MONDAY + 1.5 * WEEK_S)
    count = np.round(slot_exposure_h(window, SHANGHAI))[None] * 50
    assert hour_profiles(count, window, SHANGHAI).share[0] == pytest.approx(np.full(168, 1 / 168), rel=0.03)


def test_half_an_hour_is_half_an_hour():
    hours = slot_exposure_h((MONDAY + 900, MONDAY + 2700), SHANGHAI)
    assert hours[0] == pytest.approx(0.5)
    assert hours.sum() == pytest.approx(0.5)


def test_shrinking_brings_a_small_category_nearer_its_truth():
    rng = np.random.default_rng(3)
    truth = rng.dirichlet(np.full(168, 3.0))
    small = np.array([rng.dirichlet(200 * truth) for _ in range(20)])
    count = np.array([rng.multinomial(60, p) for p in small] + [rng.multinomial(40_000, truth)], float)
    fitted = hour_profiles(count).share[:20]
    raw = count[:20] / 60
    error = np.abs(fitted - small).sum(axis=1).mean()
    assert error < 0.6 * np.abs(raw - small).sum(axis=1).mean()


def test_a_large_category_keeps_its_own_rhythm():
    own = np.zeros((2, 168))
    own[0, :24], own[1, 100:] = 5000, 50
    share = hour_profiles(own).share
    assert share[0, :24].sum() > 0.99


def test_whole_days_begin_and_end_at_local_midnight():
    begin, end = whole_days(np.array([MONDAY + 4000.0, np.nan, MONDAY + 2 * 86400 + 60]), SHANGHAI)
    assert (begin, end) == (MONDAY, MONDAY + 3 * 86400)
