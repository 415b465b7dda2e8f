from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.core.errors import AnlanError
from anlan.core.time import hour_of_week, to_unix, zone

NEW_YORK = zone("America/New_York")


def test_monday_midnight_is_slot_zero_in_local_time():
    monday = datetime(2022, 7, 4, 0, 30, tzinfo=zone("Asia/Shanghai"))
    assert hour_of_week(np.array([monday.timestamp()]), zone("Asia/Shanghai")).tolist() == [0]
    assert hour_of_week(np.array([monday.timestamp()]), zone("UTC")).tolist() == [6 * 24 + 16]


def test_unknown_time_has_no_slot():
    assert hour_of_week(np.array([np.nan]), NEW_YORK).tolist() == [-1]


@given(st.integers(0, 2**31))
def test_slot_agrees_with_the_calendar_across_daylight_saving(unix_s):
    local = datetime.fromtimestamp(unix_s, tz=NEW_YORK)
    assert hour_of_week(np.array([float(unix_s)]), NEW_YORK)[0] == local.weekday() * 24 + local.hour


def test_naive_time_is_refused():
    with pytest.raises(AnlanError, match="time zone"):
        to_unix(datetime(2022, 7, 4))  # noqa: DTZ001 - the point of the test


def test_unknown_zone_names_itself():
    with pytest.raises(AnlanError, match="Asia/Wuhan"):
        zone("Asia/Wuhan")
