"""Which column means what: by name, given, saved and used again."""

import os
from pathlib import Path

import numpy as np
import pytest

from anlan.city.readers.calls import read_calls
from anlan.city.readers.mapping import FIELDS, CallMapping, find_columns, find_saved
from anlan.city.readers.words import COLUMNS, MEANING, is_personal, plain
from anlan.core.errors import AnlanError

DATA = Path(os.environ.get("ANLAN_DATA", "/nonexistent"))
real = pytest.mark.skipif(not DATA.is_dir(), reason="ANLAN_DATA names no folder of real data")


def found(*names: str, **given: str) -> dict[str, str]:
    return {k: v[0] for k, v in find_columns(names, {n: ["x"] for n in names}, given or None, "t").items()}


def test_the_words_are_plain_and_each_means_one_thing():
    for meaning, words in COLUMNS.items():
        for word in words.split():
            assert plain(word) == word, f"{word} under {meaning} is not in plain form"
    listed = [word for words in COLUMNS.values() for word in words.split()]
    twice = {word for word in listed if listed.count(word) > 1}
    assert twice == set()
    assert set(COLUMNS) - {"date", "time"} <= set(FIELDS)
    assert set(MEANING) == set(listed)


def test_chinese_and_english_names_are_known_however_they_are_spelt():
    chinese = {
        "id": "警情编号", "received": "接警时间", "arrived": "到达现场时间", "category": "案由",
        "priority": "优先级", "source": "报警来源", "lon": "经度", "lat": "纬度", "area": "管辖派出所",
    }  # fmt: skip
    assert found(*chinese.values()) == chinese
    english = {
        "id": "Call_Number", "received": "Received DtTm", "arrived": "On Scene DtTm",
        "category": "CALL TYPE", "lon": "Longitude (deg)", "lat": "LATITUDE",
    }  # fmt: skip
    assert found(*english.values()) == english


def test_the_better_name_wins():
    assert found("编号", "警情编号", "lon", "lat")["id"] == "警情编号"
    assert found("发生时间", "接警时间", "lon", "lat")["received"] == "接警时间"
    # A running number is no id: next week's begins at 1 again.
    assert "id" not in found("序号", "接警时间", "lon", "lat")


def test_a_column_that_begins_empty_yields_to_a_filled_one():
    names = ("经度", "高德经度", "纬度", "高德纬度")
    preview = {"高德经度": ["114.3"], "高德纬度": ["30.6"], "经度": [], "纬度": []}
    assert find_columns(names, preview, None, "t")["lon"] == ("高德经度",)


def test_given_columns_win_and_take_their_column_from_other_meanings():
    columns = found("id", "time_a", "type", "lon", "lat", received="time_a", area="type")
    assert columns["received"] == "time_a"
    assert columns["area"] == "type"
    assert "category" not in columns


def test_a_field_can_be_left_out():
    columns = find_columns(("id", "received", "lon", "lat"), {}, {"id": None}, "t")
    assert "id" not in columns


def test_the_other_way_round_is_understood():
    names = ("a", "b", "c", "d")
    columns = find_columns(names, {}, {"a": "received", "b": "lon", "c": "lat"}, "t")
    assert {k: v[0] for k, v in columns.items()} == {"received": "a", "lon": "b", "lat": "c"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"when": "a", "lon": "b"}, r"fields of a call are id, received"),
        ({"received": "z"}, r"received = 'z'.*has the columns 'a', 'b'"),
        ({"lon": ["a", "b"]}, r"a time may have two columns"),
    ],
)
def test_a_mapping_that_cannot_be_is_a_sentence(given, sentence):
    with pytest.raises(AnlanError, match=sentence):
        find_columns(("a", "b"), {}, given, "t")


def test_personal_columns_are_recognised_and_others_left_in_peace():
    for name in (
        "报警人姓名",
        "联系电话",
        "身份证号",
        "CallerName",
        "victim_age",
        "Phone No",
        "suspect race",
    ):
        assert is_personal(name), name
    for name in ("案由", "Suppression Personnel", "Trace", "Passage", "Call Type", "Message", "Priority"):
        assert not is_personal(name), name


def test_a_mapping_is_saved_found_by_header_and_used_for_next_weeks_file(tmp_path):
    first, second, other = (tmp_path / name for name in ("w1.csv", "w2.csv", "other.csv"))
    header = "Nr,Wann,X,Y,Wer"
    assert (
        CallMapping.load(CallMapping({"id": ("Nr",)}, source="device").save(tmp_path, "s")).source == "device"
    )
    (tmp_path / "s.toml").unlink()
    first.write_text(header + "\n1,04/07/2022 08:00,531350,195850,Bürger\n", encoding="utf-8")
    second.write_text(header + "\n2,05/07/2022 08:00,531350,195850,Bürger\n", encoding="utf-8")
    other.write_text("Nr,Wann,X,Y\n2,05/07/2022 08:00,531350,195850\n", encoding="utf-8")
    read = read_calls(
        first,
        tz="Europe/London",
        crs="EPSG:27700",
        date_order="dmy",
        mapping={"id": "Nr", "received": "Wann", "source": "Wer"},
        sources={"Bürger": "reported"},
    )
    folder = tmp_path / "mappings"
    path = read.mapping.save(folder, "w1")
    assert CallMapping.load(path).columns == read.mapping.columns
    again = read_calls(second, saved=folder)
    assert again.calls.source.tolist() == ["reported"]
    assert again.calls.received[0] - read.calls.received[0] == 86400
    assert [f.code for f in again.summary.findings] == ["mapping_reused"]
    assert find_saved(folder, ("Nr", "Wann", "X", "Y")) is None
    with pytest.raises(AnlanError):
        read_calls(other, saved=folder)
    by_path = read_calls(second, mapping=path)
    assert by_path.calls.id.tolist() == ["2"]


def test_a_saved_mapping_that_does_not_fit_says_what_is_missing(tmp_path):
    path = CallMapping({"received": ("Wann",), "lon": ("X",), "lat": ("Y",)}, ("Wann", "X", "Y")).save(
        tmp_path, "m"
    )
    table = tmp_path / "t.csv"
    table.write_text("When,X,Y\n2022-07-04 08:00,114.3,30.6\n")
    with pytest.raises(AnlanError, match="'Wann'"):
        read_calls(table, tz="Asia/Shanghai", mapping=path)
    path.write_text("columns = 3")
    with pytest.raises(AnlanError, match="not a mapping file"):
        read_calls(table, tz="Asia/Shanghai", mapping=path)


# -- real tables -------------------------------------------------------------------------------------------


@real
def test_memphis_robberies():
    read = read_calls(DATA / "memphis/incidents.csv", tz="America/Chicago")
    assert (read.summary.rows, read.summary.kept) == (2245, 2245)
    assert read.calls.categories
    assert np.abs(read.calls.lon + 89.9).max() < 0.5


@real
def test_new_york_shootings_with_date_and_clock_apart():
    read = read_calls(DATA / "manhattan/incidents.csv", tz="America/New_York")
    # A shooting with several victims is listed once for each of them.
    assert (read.summary.rows, read.summary.kept, read.summary.duplicates) == (27898, 21874, 6024)
    assert read.summary.mapping.columns["received"] == ("date", "time")


@real
def test_london_fires_in_metres_with_seconds_to_arrival():
    read = read_calls(
        DATA / "london2009/lfb_dwelling_fires_2009.csv",
        tz="Europe/London",
        crs="EPSG:27700",
        mapping={"arrived_after_s": "FirstPumpArriving_AttendanceTime"},
    )
    assert (read.summary.rows, read.summary.kept) == (6708, 6708)
    assert read.summary.mapping.columns["received"] == ("DateOfCall", "TimeOfCall")
    attendance = read.calls.arrived - read.calls.received
    assert np.nanmedian(attendance) == 296  # the median of the file's own column
    assert np.all((read.calls.lat > 51.2) & (read.calls.lat < 51.8))


@real
def test_san_francisco_fires_under_a_twice_written_byte_order_mark():
    read = read_calls(DATA / "sanfrancisco/fire_incidents-csv-small.csv", tz="America/Los_Angeles")
    assert read.summary.kept == 100
    columns = read.summary.mapping.columns
    assert (columns["id"], columns["received"], columns["arrived"], columns["cleared"]) == (
        ("Incident Number",), ("Alarm DtTm",), ("Arrival DtTm",), ("Close DtTm",),
    )  # fmt: skip
    assert np.all(read.calls.arrived >= read.calls.received)
