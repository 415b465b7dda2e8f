"""When calls happened: ways to write it, day and month, time zones, daylight saving."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.city.readers.calls import read_calls
from anlan.city.readers.localise import to_instants
from anlan.city.readers.read import CallsRead
from anlan.city.readers.times import Shaped, TimesRead, read_clock, read_times
from anlan.core.errors import AnlanError

TZ = "Asia/Shanghai"
NEW_YORK = ZoneInfo("America/New_York")


def times(*texts: str, order: str | None = None) -> TimesRead:
    return read_times(Shaped.of(pa.array(texts, type=pa.string())), order)


def calls(tmp_path: Path, rows: list[str], header: str = "id,received,lon,lat", **options: Any) -> CallsRead:
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_calls(path, **{"tz": TZ, "source": "reported", **options})


@pytest.mark.parametrize(
    "text",
    [
        "2022-07-04 08:05:00", "2022-07-04T08:05", "2022/7/4 8:05", "2022/07/04  8:05:00", "2022.7.4 8:05",
        "2022年7月4日 8时5分", "2022年07月04日08时05分00秒", "2022年7月4日 8点5分", "2022-07-04，08:05",
        "２０２２－０７－０４　０８：０５", " 2022-07-04 08:05 ", "'2022-07-04 08:05", "20220704 080500",
        "20220704080500", "202207040805", "2022/7/4 上午8:05", "2022-07-04 8:05 AM", "4 Jul 2022 08:05",
        "04-JUL-22 08:05", "July 4, 2022 8:05 a.m.", "Mon, 4 July 2022 08:05:00", "2022/7/4 星期一 8:05",
        "2022-7-4 周一 8:05", "Mon Jul 04 08:05:00 CST 2022", "2022-07-04 08:05:00.000", "44746.336805556",
    ],
)  # fmt: skip
def test_one_moment_in_many_spellings(text):
    read = times(text)
    assert read.seconds[0] == pytest.approx(
        dt.datetime(2022, 7, 4, 8, 5, tzinfo=dt.UTC).timestamp(), abs=0.01
    )
    assert not read.instant[0]
    assert not read.unreadable[0]


@pytest.mark.parametrize(
    "text",
    [
        "2022-07-04T00:05:00Z", "2022-07-04T08:05:00+08:00", "2022-07-04 08:05:00+0800",
        "2022-07-03 20:05-04", "2022-07-04 00:05 UTC", "2022-07-04 00:05 GMT", "2022-07-04 08:05 UTC+8",
        "1656893100", "1656893100.0",
        "1656893100000", "1656893100000000",
    ],
)  # fmt: skip
def test_times_that_state_their_offset_are_instants(text):
    read = times(text)
    assert read.instant[0]
    assert read.seconds[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    ["2022-02-30", "2022-13-01", "2022-07-04 25:00", "2022-07-04 08:61", "7月4日 8:05", "soon", "12", "0",
     "1656-07-04 08:05", "2622-07-04", "2022-07-04 08:05 垃圾"],
)  # fmt: skip
def test_what_is_no_time_is_unreadable_and_nothing_is_guessed(text):
    read = times(text)
    assert np.isnan(read.seconds[0])
    assert read.unreadable[0]


def test_midnight_at_the_end_of_the_day_and_evening_hours():
    read = times(
        "2022-07-04 24:00", "2022-07-05 00:00", "2022年7月4日 晚上8点半", "2022-07-04 20:30", "", "无"
    )
    assert read.seconds[0] == read.seconds[1]
    assert read.seconds[2] == read.seconds[3]
    assert np.isnan(read.seconds[4:]).all()
    assert not read.unreadable[4:].any()


@settings(max_examples=150, deadline=None)
@given(
    st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2099, 12, 31)),  # noqa: DTZ001 - wall clocks
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S", "%Y年%m月%d日 %H时%M分%S秒", "%d %b %Y %H:%M:%S",
         "%B %d, %Y %I:%M:%S %p", "%Y%m%d%H%M%S", "%a %d-%b-%Y %H:%M:%S"]
    ),
)  # fmt: skip
def test_whatever_the_calendar_writes_is_read_back(when, way):
    when = when.replace(microsecond=0)
    assert times(when.strftime(way)).seconds[0] == when.replace(tzinfo=dt.UTC).timestamp()


def test_clocks_alone():
    texts = [
        "08:05:30",
        "8:05",
        "8时5分",
        "080530",
        "0805",
        "下午3:05",
        "3:05 pm",
        "0.5",
        "24:00",
        "25:00",
        "noon",
    ]
    seconds, unreadable = read_clock(Shaped.of(pa.array(texts)))
    expected = [29130, 29100, 29100, 29130, 29100, 54300, 54300, 43200, 86400]
    assert seconds[:9].tolist() == expected
    assert unreadable.tolist() == [False] * 9 + [True] * 2


# -- day and month -----------------------------------------------------------------------------------------


def test_day_first_is_seen_from_a_day_beyond_twelve_in_any_time_column(tmp_path):
    rows = [
        "1,04/07/2022 08:05,04/07/2022 08:10,114.3,30.6",
        "2,05/07/2022 08:05,13/07/2022 08:10,114.3,30.6",
    ]
    read = calls(tmp_path, rows, "id,received,closed,lon,lat")
    assert read.summary.mapping.date_order == "dmy"
    assert read.calls.received[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()
    assert list(read.summary.formats["received"]) == ["DD/MM/YYYY hh:mm"]


def test_month_first_is_seen_too(tmp_path):
    rows = ["1,7/4/2022 8:05:00 PM,114.3,30.6", "2,7/25/2022 12:05:00 AM,114.3,30.6"]
    read = calls(tmp_path, rows)
    assert read.summary.mapping.date_order == "mdy"
    assert read.calls.received[0] == dt.datetime(2022, 7, 4, 12, 5, tzinfo=dt.UTC).timestamp()


def test_when_nothing_tells_the_sentence_asks_and_the_answer_is_taken(tmp_path):
    rows = ["1,04/07/2022 08:05,114.3,30.6", "2,05/06/2022 08:05,114.3,30.6"]
    with pytest.raises(
        AnlanError, match=r"04/07/2022 08:05.*--date-order dmy or mdy \(date_order='dmy' from"
    ):
        calls(tmp_path, rows)
    read = calls(tmp_path, rows, date_order="mdy")
    assert dt.datetime.fromtimestamp(read.calls.received.min(), dt.UTC).month == 4
    with pytest.raises(AnlanError, match="dmy, mdy or ymd"):
        calls(tmp_path, rows, date_order="american")


def test_equal_day_and_month_are_no_question(tmp_path):
    assert len(calls(tmp_path, ["1,07/07/2022 08:05,114.3,30.6"]).calls) == 1


def test_two_digit_years_are_asked_about(tmp_path):
    with pytest.raises(AnlanError, match="date_order"):
        calls(tmp_path, ["1,04/07/22 08:05,114.3,30.6"])
    read = calls(tmp_path, ["1,22/07/04 08:05,114.3,30.6"], date_order="ymd")
    assert read.calls.received[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()


# -- columns -----------------------------------------------------------------------------------------------


def test_date_and_clock_in_two_columns(tmp_path):
    rows = ["1,2022-07-04,08:05,08:11,114.3,30.6", "2,2022-07-04,23:58,0:07,114.3,30.6"]
    read = calls(tmp_path, rows, "编号,日期,时间,到达时间,经度,纬度")
    assert read.summary.mapping.columns["received"] == ("日期", "时间")
    assert (read.calls.arrived - read.calls.received).tolist() == [360.0, 540.0]
    assert read.calls.received[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()


def test_a_received_column_of_clocks_takes_the_date_beside_it(tmp_path):
    rows = ["1,2022/7/4,8:05,114.3,30.6"]
    read = calls(tmp_path, rows, "编号,接警日期,接警时间,经度,纬度")
    assert read.summary.mapping.columns["received"] == ("接警日期", "接警时间")


def test_a_column_called_time_may_hold_the_date_too(tmp_path):
    read = calls(tmp_path, ["1,2022/7/4 8:05,114.3,30.6"], "编号,时间,经度,纬度")
    assert read.calls.received[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()


def test_a_date_without_a_clock_is_a_day_long_interval_and_says_so(tmp_path):
    read = calls(tmp_path, ["1,2022-07-04,114.3,30.6", "2,2022-07-04 08:00,114.3,30.6"])
    day = dt.datetime(2022, 7, 3, 16, tzinfo=dt.UTC).timestamp()
    assert (read.calls.received[0], read.calls.start[0], read.calls.end[0]) == (day, day, day + 86400)
    assert np.isnan(read.calls.start[1])
    assert [f.code for f in read.summary.findings] == ["dates_without_clock"]


def test_an_interval_in_which_it_happened_is_kept_without_a_moment(tmp_path):
    rows = [
        "1,2022-07-03 22:00,2022-07-04 07:00,114.3,30.6",
        "2,2022-07-04 07:00,2022-07-03 22:00,114.3,30.6",
    ]
    read = calls(tmp_path, rows, "id,occurred_from,occurred_to,lon,lat")
    assert len(read.calls) == 1
    assert read.calls.end[0] - read.calls.start[0] == 9 * 3600
    assert np.isnan(read.calls.received[0])
    assert read.summary.times["start"]["end_before_start"] == 1
    assert read.dropped.reason.tolist() == ["time_missing"]


def test_seconds_to_arrival_become_the_moment_of_arrival(tmp_path):
    rows = ["1,2022-07-04 08:00,360,114.3,30.6", "2,2022-07-04 09:00,-5,114.3,30.6"]
    read = calls(tmp_path, rows, "id,received,attendance,lon,lat", mapping={"arrived_after_s": "attendance"})
    assert (read.calls.arrived - read.calls.received)[0] == 360
    assert np.isnan(read.calls.arrived[1])


# -- time zones --------------------------------------------------------------------------------------------


def test_local_times_without_a_zone_are_refused(tmp_path):
    with pytest.raises(AnlanError, match=r"'received'.*time zone must be known.*Asia/Shanghai") as caught:
        calls(tmp_path, ["1,2022-07-04 08:00,114.3,30.6"], tz=None)
    assert caught.value.code == "time_zone"
    assert len(calls(tmp_path, ["1,2022-07-04T08:00Z,114.3,30.6"], tz=None).calls) == 1


def test_hours_that_daylight_saving_skips_and_repeats_are_counted(tmp_path):
    rows = [
        "1,2022-03-13 01:30,-73.9,40.8",
        "2,2022-03-13 02:30,-73.9,40.8",
        "3,2022-03-13 03:30,-73.9,40.8",
        "4,2022-11-06 00:30,-73.9,40.8",
        "5,2022-11-06 01:30,-73.9,40.8",
        "6,2022-11-06 02:30,-73.9,40.8",
    ]
    read = calls(tmp_path, rows, tz="America/New_York")
    found = {f.code: f.count for f in read.summary.findings}
    assert found == {"times_skipped": 1, "times_repeated": 1}
    by_id = dict(zip(read.calls.id.tolist(), read.calls.received.tolist(), strict=True))
    assert by_id["2"] == by_id["3"]
    assert by_id["5"] == dt.datetime(2022, 11, 6, 1, 30, tzinfo=NEW_YORK).timestamp()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 2**31), min_size=1, max_size=20),
    st.sampled_from(["America/New_York", "Asia/Shanghai", "Europe/London", "Australia/Lord_Howe", "UTC"]),
)
def test_wall_clocks_agree_with_the_standard_librarys(seconds, name):
    tz = ZoneInfo(name)
    wall = [dt.datetime.fromtimestamp(s, dt.UTC).replace(tzinfo=None) for s in seconds]
    unix, skipped, repeated = to_instants(np.array(seconds, float), tz)
    for at, value, gone, twice in zip(wall, unix, skipped, repeated, strict=True):
        first, second = at.replace(tzinfo=tz), at.replace(tzinfo=tz, fold=1)
        assert value == first.timestamp()
        back = dt.datetime.fromtimestamp(value, tz).replace(tzinfo=None)
        assert gone == (back != at)
        assert twice == (not gone and first.utcoffset() != second.utcoffset())


def test_a_year_in_new_york_skips_one_hour_and_repeats_one():
    wall = np.arange(0, 366 * 86400, 900.0) + dt.datetime(2022, 1, 1, tzinfo=dt.UTC).timestamp()
    _, skipped, repeated = to_instants(wall, NEW_YORK)
    assert (int(skipped.sum()), int(repeated.sum())) == (4, 4)
