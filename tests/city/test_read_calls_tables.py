"""Call tables as files: encodings, delimiters, headers, ragged rows, workbooks."""
# ruff: noqa: DTZ001 - cells of a workbook have no time zone

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from anlan.city.readers.calls import read_calls
from anlan.city.readers.read import CallsRead
from anlan.city.readers.text import decode
from anlan.core.errors import AnlanError

TZ = "Asia/Shanghai"
CHINESE = """编号,接警时间,案由,经度,纬度
1,2022-07-04 08:05,盗窃,114.3,30.6
2,2022-07-04 09:05,纠纷,114.4,30.5
"""


def read(tmp_path: Path, content: str | bytes, name: str = "calls.csv", **options: Any) -> CallsRead:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_calls(path, **{"tz": TZ, "source": "reported", **options})


def codes(result: CallsRead) -> list[str]:
    return [f.code for f in result.summary.findings]


# -- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_the_encoding_is_found(tmp_path, written, said):
    result = read(tmp_path, CHINESE.encode(written))
    assert result.calls.category.tolist() == ["盗窃", "纠纷"]
    assert result.summary.origin.encoding == said
    assert codes(result) == []


def test_western_accents_are_not_taken_for_chinese(tmp_path):
    text = "id;received;category;lon;lat\n1;2022-07-04 08:05;Cambriolage à la résidence;2.35;48.85\n"
    result = read(tmp_path, text.encode("cp1252"), tz="Europe/Paris")
    assert result.calls.category.tolist() == ["Cambriolage à la résidence"]
    assert result.summary.origin.encoding == "cp1252"


@pytest.mark.parametrize(("main", "other"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_a_file_of_two_encodings_is_read_line_by_line_and_says_which_lines(tmp_path, main, other):
    head, *rows = CHINESE.splitlines()
    lines = [line.encode(main) for line in [head, *rows]]
    lines += [f"{i},2022-07-05 08:{i:02d},入室盗窃,114.3,30.6".encode(main) for i in range(3, 20)]
    lines[4] = "4,2022-07-05 08:04,交通事故,114.3,30.6".encode(other)
    result = read(tmp_path, b"\r\n".join(lines))
    assert set(result.calls.categories) == {"盗窃", "纠纷", "入室盗窃", "交通事故"}
    (finding,) = result.summary.findings
    assert (finding.code, finding.count) == ("mixed_encodings", 1)
    assert "(lines 5)" in finding.en


def test_damaged_bytes_are_counted_and_the_row_is_kept(tmp_path):
    lines = CHINESE.encode().replace("盗窃".encode(), b"\xff\xfe\xff")
    result = read(tmp_path, lines)
    assert len(result.calls) == 2
    assert codes(result) == ["damaged_text"]


def test_a_mark_that_was_decoded_as_latin_does_not_spoil_the_first_name(tmp_path):
    result = read(tmp_path, "ï»¿" + CHINESE)
    assert result.summary.mapping.columns["id"] == ("编号",)
    assert result.calls.id.tolist() == ["1", "2"]


def test_a_given_encoding_is_taken_and_an_unknown_one_refused(tmp_path):
    text = "id,received,category,lon,lat\n1,2022-07-04 08:05,竊盜,121.5,25.0\n"
    result = read(tmp_path, text.encode("big5"), encoding="big5")
    assert result.calls.category.tolist() == ["竊盜"]
    with pytest.raises(AnlanError, match="klingon"):
        read(tmp_path, CHINESE, encoding="klingon")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=4, max_size=12),
            st.sampled_from(["utf-8", "gb18030"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_line_of_chinese_is_read_in_its_own_encoding(lines):
    raw = b"\n".join(text.encode(encoding) for text, encoding in lines)
    assert decode(raw).data.decode().split("\n") == [text for text, _ in lines]


# -- delimiters, headers and ragged rows -------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "，"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    result = read(tmp_path, CHINESE.replace(",", delimiter))
    assert result.summary.origin.delimiter == delimiter
    assert result.calls.lon.tolist() == [114.3, 114.4]


def test_semicolons_win_over_decimal_commas(tmp_path):
    text = "id;received;lon;lat\n1;2022-07-04 08:05;2,35;48,85\n2;2022-07-04 09:05;2,36;48,86\n"
    result = read(tmp_path, text, tz="Europe/Paris")
    assert result.calls.lon.tolist() == [2.35, 2.36]


def test_the_line_that_excel_puts_first_declares_the_delimiter(tmp_path):
    result = read(tmp_path, "sep=;\n" + CHINESE.replace(",", ";"))
    assert result.row.tolist() == [3, 4]


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_every_kind_of_line_end(tmp_path, newline):
    result = read(tmp_path, CHINESE.replace("\n", newline))
    assert result.calls.lat.tolist() == [30.6, 30.5]


def test_titles_and_blank_rows_above_the_header_are_passed_over(tmp_path):
    result = read(tmp_path, "武汉市公安局2022年7月警情统计表,,,,\n制表日期：2022-08-01,,,,\n\n" + CHINESE)
    assert result.summary.origin.header_row == 4
    assert result.row.tolist() == [5, 6]
    assert len(result.calls) == 2


def test_row_numbers_are_the_spreadsheets_through_blank_short_and_multiline_rows(tmp_path):
    text = (
        "id,received,note,lon,lat,spare\n"
        '1,2022-07-04 08:00,"two\nlines, and a ""quote""",114.3,30.6,\n'
        "\n"
        "2,2022-07-04 08:01,,114.3,30.6\n"
        "3,2022-07-04 08:02,,0,0,,\n"
        "4,2022-07-04 08:03,a,b,114.3,30.6,x\n"
        "5,2022-07-04 08:04,,114.3,30.6,"
    )
    result = read(tmp_path, text)
    assert dict(zip(result.calls.id.tolist(), result.row.tolist(), strict=True)) == {"1": 2, "2": 4, "5": 7}
    assert list(zip(result.dropped.row.tolist(), result.dropped.reason.tolist(), strict=True)) == [
        (5, "coordinates_zero"),
        (6, "cells_too_many"),
    ]
    assert result.summary.blank == 1


def test_an_unclosed_quotation_mark_does_not_swallow_the_rest(tmp_path):
    rows = [f"{i},2022-07-04 08:{i:02d},plain,114.3,30.6" for i in range(30)]
    rows[3] = '3,2022-07-04 08:03,"never closed,114.3,30.6'
    result = read(tmp_path, "\n".join(["id,received,note,lon,lat", *rows]))
    assert len(result.calls) == 30
    (finding,) = result.summary.findings
    assert (finding.code, finding.count) == ("quotes_unclosed", 1)
    assert "(lines 5)" in finding.en


def test_rows_longer_than_the_header_throughout_are_still_rows(tmp_path):
    text = "id,received,lon,lat\n1,2022-07-04 08:00,114.3,30.6,\n2,2022-07-04 08:01,114.3,30.6,\n"
    assert len(read(tmp_path, text).calls) == 2


def test_names_that_repeat_and_cells_without_a_name(tmp_path):
    text = "id,时间,时间,lon,lat,\n1,2022-07-04 08:00,2022-07-04 08:10,114.3,30.6,x\n"
    result = read(tmp_path, text, mapping={"arrived": "时间.2"})
    assert result.summary.mapping.header == ("id", "时间", "时间.2", "lon", "lat", "column_6")
    assert result.calls.arrived[0] - result.calls.received[0] == 600


def test_without_a_header_the_sentence_says_what_to_do_and_it_works(tmp_path):
    text = "1,2022-07-04 08:00,114.3,30.6\n2,2022-07-04 08:01,114.3,30.6\n"
    with pytest.raises(AnlanError, match="--header 0, or header=0"):
        read(tmp_path, text)
    result = read(
        tmp_path,
        text,
        header=0,
        mapping={"id": "column_1", "received": "column_2", "lon": "column_3", "lat": "column_4"},
    )
    assert result.calls.id.tolist() == ["1", "2"]
    assert result.row.tolist() == [1, 2]


def test_a_header_row_can_be_named(tmp_path):
    text = "id,received,lon,lat\nnumber,when,x deg,y deg\n1,2022-07-04 08:00,114.3,30.6\n"
    mapping = {"received": "when", "lon": "x deg", "lat": "y deg"}
    assert len(read(tmp_path, text, header=2, mapping=mapping).calls) == 1


# -- workbooks ---------------------------------------------------------------------------------------------


def workbook(tmp_path: Path, fill: Callable[[Any], None], name: str = "calls.xlsx") -> Path:
    book = openpyxl.Workbook()
    fill(book)
    path = tmp_path / name
    book.save(path)
    return path


def test_a_workbook_as_offices_make_them(tmp_path):
    def fill(book):
        sheet = book.active
        sheet.title = "说明"
        sheet["A1"] = "本表由指挥中心导出"
        sheet = book.create_sheet("七月")
        sheet["A1"] = "2022年7月警情表"
        sheet.merge_cells("A1:G1")
        for column, name in enumerate(["警情编号", "日期", "时间", "到达时间", "案由", "经度", "纬度"], 1):
            sheet.cell(3, column, name)
        rows = [
            (
                "JQ1",
                dt.date(2022, 7, 4),
                dt.time(8, 5),
                dt.datetime(2022, 7, 4, 8, 11, 30),
                "盗窃",
                114.3,
                30.6,
            ),
            ("JQ2", None, dt.time(23, 50), 44747.00347222222, "盗窃", "114.31", "30.61"),
            (None,) * 7,
            (20220003, dt.date(2022, 7, 5), 0.5, None, "纠纷", "１１４．３２", " 30.62 "),
        ]
        for number, row in enumerate(rows, 4):
            for column, value in enumerate(row, 1):
                sheet.cell(number, column, value)
        sheet.merge_cells("B4:B5")  # one date for two calls
        sheet["A9"], sheet["E9"] = "合计", 3

    result = read_calls(workbook(tmp_path, fill), tz=TZ, source="reported")
    calls = result.calls
    assert result.summary.origin.sheets == ("七月",)
    assert result.summary.origin.header_row == 3
    assert calls.id.tolist() == ["JQ1", "JQ2", "20220003"]
    assert result.row.tolist() == [4, 5, 7]
    local = [dt.datetime.fromtimestamp(t, dt.timezone(dt.timedelta(hours=8))) for t in calls.received]
    assert [f"{t:%m-%d %H:%M}" for t in local] == ["07-04 08:05", "07-04 23:50", "07-05 12:00"]
    assert (calls.arrived - calls.received)[:2].tolist() == [390.0, 900.0]
    assert calls.lon.tolist() == [114.3, 114.31, 114.32]
    assert result.summary.dropped == {"total_row": 1}
    assert "merged_cells" in codes(result)


def test_months_on_sheets_are_all_read_when_asked_and_named_when_not(tmp_path):
    def fill(book):
        for month in (1, 2):
            sheet = book.active if month == 1 else book.create_sheet()
            sheet.title = f"{month}月"
            sheet.append(["id", "received", "lon", "lat"])
            sheet.append([month, f"2022-0{month}-04 08:00", 114.3, 30.6])
            sheet.append([month + 10, f"2022-0{month}-04 08:00", 0, 0])

    path = workbook(tmp_path, fill)
    first = read_calls(path, tz=TZ, source="reported")
    assert first.calls.id.tolist() == ["1"]
    found = {f.code: f.en for f in first.summary.findings}
    assert "2月 look like calls too" in found["sheets_not_read"]
    both = read_calls(path, tz=TZ, sheet="*")
    assert both.calls.id.tolist() == ["1", "2"]
    assert both.sheet.tolist() == ["1月", "2月"]
    assert sorted(both.dropped.sheet.tolist()) == ["1月", "2月"]
    assert read_calls(path, tz=TZ, sheet="2月").calls.id.tolist() == ["2"]
    assert read_calls(path, tz=TZ, sheet=2).calls.id.tolist() == ["2"]
    with pytest.raises(AnlanError, match="sheets 1月, 2月"):
        read_calls(path, tz=TZ, sheet="3月")


def test_an_empty_workbook_is_a_sentence(tmp_path):
    with pytest.raises(AnlanError, match="empty"):
        read_calls(workbook(tmp_path, lambda book: None), tz=TZ)


def test_a_workbook_is_known_by_its_content_not_its_name(tmp_path):
    def fill(book):
        book.active.append(["id", "received", "lon", "lat"])
        book.active.append([1, dt.datetime(2022, 7, 4, 8), 114.3, 30.6])

    path = workbook(tmp_path, fill)
    disguised = tmp_path / "export.csv"
    path.rename(disguised)
    assert read_calls(disguised, tz=TZ).summary.origin.kind == "excel"


# -- Parquet -----------------------------------------------------------------------------------------------


def test_a_parquet_table_keeps_its_types(tmp_path):
    path = tmp_path / "calls.parquet"
    local = [dt.datetime(2022, 7, 4, 8, 5), None]
    table = pa.table(
        {
            "incident_number": pa.array([7, 8], pa.int64()),
            "received": pa.array(local, pa.timestamp("us")),
            "call_type": pa.array(["a", "b"]).dictionary_encode(),
            "priority": pa.array([1, None], pa.int8()),
            "longitude": pa.array([114.3, 114.4], pa.float32()),
            "latitude": pa.array([30.6, 30.5], pa.float64()),
            "tags": pa.array([["x"], []]),
        }
    )
    pq.write_table(table, path)
    result = read_calls(path, tz=TZ)
    assert result.calls.id.tolist() == ["7"]
    assert result.calls.received[0] == dt.datetime(2022, 7, 4, 0, 5, tzinfo=dt.UTC).timestamp()
    assert result.calls.category.tolist() == ["a"]
    assert result.dropped.reason.tolist() == ["time_missing"]
    assert result.row.tolist() == [1]


def test_geoparquet_points_are_places_in_the_system_the_file_states(tmp_path):
    path = tmp_path / "calls.parquet"
    points = shapely.to_wkb(shapely.points([531350.0, 543750.0], [195850.0, 177750.0]))
    about = {"encoding": "WKB", "crs": CRS("EPSG:27700").to_json_dict()}
    geo = json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": about}})
    table = pa.table(
        {"id": ["a", "b"], "received": ["2009-01-01 00:16", "2009-01-01 00:33"], "geometry": pa.array(points)}
    )
    pq.write_table(table.replace_schema_metadata({"geo": geo}), path)
    result = read_calls(path, tz="Europe/London")
    assert np.allclose(result.calls.lon, [-0.1030, 0.0687], atol=1e-3)
    assert np.allclose(result.calls.lat, [51.6461, 51.4806], atol=1e-3)
