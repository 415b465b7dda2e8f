"""A call table as an analyst would have it, and what each row of it becomes."""

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anlan.city.readers.calls import read_calls
from anlan.core.errors import AnlanError

TZ = "Asia/Shanghai"
HEADER = "警情编号,接警时间,派警时间,到达时间,结束时间,案由,优先级,报警方式,经度,纬度"


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text + "+08:00").timestamp()


def table(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "calls.csv") -> Path:
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


TIMES = "2022-07-04 08:05:00,2022-07-04 08:06:00,2022-07-04 08:11:30,2022-07-04 08:40:00"
ROW = f"JQ1,{TIMES},盗窃,1,群众报警,114.30,30.60"


def test_a_clean_row_becomes_the_call_it_says(tmp_path):
    read = read_calls(table(tmp_path, ROW), tz=TZ)
    call = read.calls.row(0)
    assert (call.id, call.category, call.priority, call.source) == ("JQ1", "盗窃", 1, "reported")
    assert call.received == at("2022-07-04 08:05:00")
    assert call.dispatched == at("2022-07-04 08:06:00")
    assert call.arrived == at("2022-07-04 08:11:30")
    assert call.cleared == at("2022-07-04 08:40:00")
    assert (call.lon, call.lat, call.edge) == (114.30, 30.60, -1)
    assert np.isnan(call.x)
    assert read.row.tolist() == [2]
    assert len(read.dropped) == 0
    assert not [f for f in read.summary.findings if f.severity == "warning"]


def test_every_row_is_kept_or_dropped_with_its_reason_and_its_text(tmp_path):
    path = table(
        tmp_path,
        ROW,
        "JQ2,2022-07-04 09:00,,,,纠纷,2,群众报警,0,0",
        "JQ3,2022-07-04 09:01,,,,纠纷,2,群众报警,,30.6",
        "JQ4,2022-07-04 09:02,,,,纠纷,2,群众报警,东湖路,30.6",
        "JQ5,,,,,纠纷,2,群众报警,114.3,30.6",
        "JQ6,昨天,,,,纠纷,2,群众报警,114.3,30.6",
        "JQ7,2022-07-04 09:03,,,,纠纷,2,群众报警,1143,30.6",
        "JQ8,2022-07-04 09:04,,,,纠纷,2,群众报警,114.3,30.6,多余",
        ROW,
        ROW.replace("114.30", "114.31"),
        "合计,,,,,8,,,,",
        ",,,,,,,,,",
        "",
    )
    read = read_calls(path, tz=TZ)
    assert dict(zip(read.dropped.row.tolist(), read.dropped.reason.tolist(), strict=True)) == {
        3: "coordinates_zero",
        4: "coordinates_missing",
        5: "coordinates_unreadable",
        6: "time_missing",
        7: "time_unreadable",
        8: "coordinates_out_of_range",
        9: "cells_too_many",
        10: "duplicate",
        11: "duplicate_id",
        12: "total_row",
    }
    summary = read.summary
    assert (summary.rows, summary.kept, summary.blank) == (11, 1, 2)
    assert summary.rows == summary.kept + sum(summary.dropped.values())
    assert summary.duplicates == 2
    assert read.dropped.cells["经度"].tolist()[2] == "东湖路"
    assert "接警时间=昨天" in read.dropped.text[4]
    path = tmp_path / "dropped.csv"
    read.dropped.write_csv(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["row"], rows[0]["reason"], rows[0]["警情编号"]) == ("3", "coordinates 0, 0", "JQ2")


def test_impossible_steps_are_set_to_missing_and_the_call_is_kept(tmp_path):
    read = read_calls(
        table(
            tmp_path,
            # arrived before received; cleared three days later; dispatched fine but arrived before it
            "A,2022-07-04 08:00,2022-07-04 08:01,2022-07-04 07:50,2022-07-04 09:00,盗窃,1,群众,114.3,30.6",
            "B,2022-07-04 08:00,2022-07-04 08:01,2022-07-04 08:05,2022-07-07 08:00,盗窃,1,群众,114.3,30.6",
            "C,2022-07-04 08:00,2022-07-04 08:05,2022-07-04 08:03,2022-07-04 09:00,盗窃,1,群众,114.3,30.6",
            "D,2022-07-04 08:00,不详,,2022-07-04 xx,盗窃,1,群众,114.3,30.6",
        ),
        tz=TZ,
    )
    calls = read.calls
    assert len(calls) == 4
    assert np.isnan(calls.arrived).tolist() == [True, False, True, True]
    assert np.isnan(calls.cleared).tolist() == [False, True, False, True]
    times = read.summary.times
    assert times["arrived"] == {"missing": 3, "before_received": 1, "before_the_step_before": 1}
    assert times["cleared"] == {"missing": 2, "over_a_day_later": 1, "unreadable": 1}
    assert times["dispatched"] == {"missing": 1}
    assert {f.code: f.count for f in read.summary.findings} == {"times_impossible": 3, "times_unreadable": 1}


def test_who_noticed_it_and_how_urgent_it_was_are_understood_in_both_languages(tmp_path):
    said = [
        ("群众报警", "1"), ("巡逻发现", "P2"), ("技防报警", "三级"), ("Officer-Initiated", "Ⅱ"),
        ("911", "urgent"), ("网格员转来", "12"), ("", ""), ("其他", "high"),
    ]  # fmt: skip
    rows = [f"{i},2022-07-04 08:0{i},{word},{level},114.3,30.6" for i, (word, level) in enumerate(said)]
    path = table(tmp_path, *rows, header="编号,接警时间,来源,优先级,经度,纬度")
    read = read_calls(path, tz=TZ)
    assert read.calls.source.tolist() == [
        "reported", "discovered", "device", "discovered", "reported", "unknown", "unknown", "unknown",
    ]  # fmt: skip
    assert read.calls.priority.tolist() == [1, 2, 3, 2, 1, 2, 2, 1]
    found = {f.code: f for f in read.summary.findings}
    assert found["sources_strange"].count == 1
    assert "网格员转来" in found["sources_strange"].zh
    assert found["priorities_out_of_range"].count == 1
    told = read_calls(path, tz=TZ, sources={"网格员转来": "discovered"}, source="reported")
    assert told.calls.source.tolist()[5:] == ["discovered", "reported", "reported"]
    with pytest.raises(AnlanError, match="one of reported, discovered"):
        read_calls(path, tz=TZ, source="police")


def test_a_table_that_does_not_say_who_noticed_warns_that_hot_spots_need_it(tmp_path):
    path = table(tmp_path, "1,2022-07-04 08:00,114.3,30.6", header="id,received,lon,lat")
    assert "source_unknown" in [f.code for f in read_calls(path, tz=TZ).summary.findings]
    read = read_calls(path, tz=TZ, source="reported")
    assert read.calls.source.tolist() == ["reported"]
    assert read.summary.findings == ()


def test_categories_are_trimmed_and_made_narrow(tmp_path):
    path = table(
        tmp_path,
        "1,2022-07-04 08:00, 盗窃 ,114.3,30.6",
        "2,2022-07-04 08:01,盗窃　,114.3,30.6",
        "3,2022-07-04 08:02,Ｔｈｅｆｔ   of  bike,114.3,30.6",
        header="id,received,category,lon,lat",
    )
    assert read_calls(path, tz=TZ).calls.categories == ("Theft of bike", "盗窃")


def test_personal_columns_are_neither_read_nor_kept_with_dropped_rows(tmp_path):
    path = table(
        tmp_path,
        "1,2022-07-04 08:00,张三,13800000000,114.3,30.6,"
        "当事人张三称其电动车于昨晚停放在楼下被盗，民警到场后制作笔录并受理案件，现场已勘查，联系人李四",
        "2,2022-07-04 08:00,李四,13900000000,0,0,已调解",
        "3,2022-07-04 08:03,李四,13900000000,114.3,30.6,已调解",
        header="id,接警时间,报警人,联系电话,经度,纬度,处理结果",
    )
    read = read_calls(path, tz=TZ)
    assert read.summary.mapping.personal == ("报警人", "联系电话")
    assert set(read.dropped.cells) == {"id", "接警时间", "经度", "纬度", "处理结果"}
    assert read.calls.disposition.tolist() == ["", "已调解"]
    assert "dispositions_left_out" in [f.code for f in read.summary.findings]


def test_rows_without_an_id_get_one_from_their_content_and_repeats_fall_away(tmp_path):
    path = table(
        tmp_path,
        "2022-07-04 08:00:00,盗窃,114.300000,30.6",
        "2022-07-04 08:00:00,盗窃,114.3,30.60",
        "2022-07-04 08:00:00,纠纷,114.3,30.6",
        "2022-07-04 08:00:01,盗窃,114.3,30.6",
        "2022-07-04 08:00:00,盗窃,114.301,30.6",
        header="接警时间,案由,经度,纬度",
    )
    read = read_calls(path, tz=TZ)
    assert len(read.calls) == 4
    assert len(set(read.calls.id.tolist())) == 4
    assert not read.own_id.any()
    assert read.dropped.reason.tolist() == ["duplicate"]
    assert read.dropped.row.tolist() == [3]
    # The same call has the same id when it comes from another kind of file.
    other = tmp_path / "same.parquet"
    when = pa.array([1656892800000], pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"received": when, "type": ["盗窃"], "lng": [114.3], "lat": [30.6]}), other)
    assert read_calls(other).calls.id[0] == read.calls.id[0]


def test_a_column_that_is_no_id_is_refused(tmp_path):
    rows = [f"{i % 3},2022-07-04 08:{i:02d},114.3,30.6" for i in range(20)]
    path = table(tmp_path, *rows, header="id,received,lon,lat")
    with pytest.raises(AnlanError, match=r"17 of 20 rows.*mapping=\{'id': None\}"):
        read_calls(path, tz=TZ)
    assert len(read_calls(path, tz=TZ, mapping={"id": None}).calls) == 20


def test_ids_that_a_spreadsheet_shortened_are_warned_of(tmp_path):
    path = table(tmp_path, "4.20101E+17,2022-07-04 08:00,114.3,30.6", header="id,received,lon,lat")
    assert "ids_mangled" in [f.code for f in read_calls(path, tz=TZ).summary.findings]


def test_calls_come_in_order_of_time_with_their_rows(tmp_path):
    path = table(
        tmp_path,
        "b,2022-07-05 08:00,114.3,30.6",
        "a,2022-07-04 08:00,114.3,30.6",
        header="id,received,lon,lat",
    )
    read = read_calls(path, tz=TZ)
    assert read.calls.id.tolist() == ["a", "b"]
    assert read.row.tolist() == [3, 2]


@pytest.mark.parametrize("body", ["", "\n\n", "   \n"])
def test_an_empty_file_is_a_sentence(tmp_path, body):
    path = tmp_path / "calls.csv"
    path.write_text(body)
    with pytest.raises(AnlanError, match="empty"):
        read_calls(path, tz=TZ)


def test_a_header_without_calls_is_a_sentence(tmp_path):
    with pytest.raises(AnlanError, match="a header but no calls"):
        read_calls(table(tmp_path), tz=TZ)
    with pytest.raises(AnlanError, match="a header but no calls"):
        read_calls(table(tmp_path, ",,,,,,,,,", ",,,,,,,,,"), tz=TZ)


def test_a_table_without_coordinates_names_its_columns_and_the_remedy(tmp_path):
    path = table(tmp_path, "1,2022-07-04 08:00,武珞路1号", header="编号,接警时间,地址")
    with pytest.raises(AnlanError, match=r"'编号', '接警时间', '地址'.*coordinates.*mapping="):
        read_calls(path, tz=TZ)


def test_a_table_without_times_names_its_columns_and_the_remedy(tmp_path):
    path = table(tmp_path, "1,114.3,30.6", header="编号,经度,纬度")
    with pytest.raises(AnlanError, match=r"'编号', '经度', '纬度'.*time of a call.*mapping="):
        read_calls(path, tz=TZ)


def test_files_that_are_no_tables_are_sentences(tmp_path):
    with pytest.raises(AnlanError, match="does not exist"):
        read_calls(tmp_path / "missing.csv", tz=TZ)
    with pytest.raises(AnlanError, match="folder"):
        read_calls(tmp_path, tz=TZ)
    for name, content, what in (
        ("page.xls", b"<html><table><tr><td>id</td></tr></table></html>", "web page"),
        ("calls.json", b'[{"id": 1}]', "neither CSV, Excel nor Parquet"),
        ("photo.csv", bytes(range(256)) * 4, "neither CSV, Excel nor Parquet"),
        ("broken.xlsx", b"PK\x03\x04 not a zip at all", "not a whole Excel workbook"),
        ("broken.parquet", b"PAR1 cut off", "not a whole Parquet file"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(AnlanError, match=what):
            read_calls(path, tz=TZ)


def test_the_account_can_be_read_in_both_languages_and_by_programs(tmp_path):
    path = table(tmp_path, ROW, "JQ2,2022-07-04 09:00,,,,纠纷,2,群众报警,0,0")
    summary = read_calls(path, tz=TZ).summary
    english, chinese = summary.render("en"), summary.render("zh")
    assert "2 rows read, 1 kept, 1 dropped" in english
    assert "YYYY-MM-DD hh:mm:ss" in english
    assert "读取 2 行，保留 1，剔除 1" in chinese
    assert "坐标为 0, 0" in chinese
    plain = summary.to_dict()
    assert plain["dropped"] == {"coordinates_zero": 1}
    assert plain["columns"]["received"] == ["接警时间"]
    assert (plain["encoding"], plain["delimiter"]) == ("utf-8", ",")
