import json
from typing import Any

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from anlan.city import City, Edges
from anlan.city.layers import column_range, layer_info, read_layer, write_layer
from anlan.city.nouns import from_columns
from anlan.city.projection import Projection
from anlan.city.streets import roads_of
from anlan.core.errors import AnlanError
from anlan.model import Areas, Calls


def ask(query: str) -> Any:
    """All rows of a query."""
    return duckdb.sql(query).fetchall()  # type: ignore[union-attr]


@pytest.fixture
def folder(tmp_path):
    """A saved city of two streets, one area and three calls, one of them without a place."""
    x, y = Projection("EPSG:32650").forward([114.30, 114.31, 114.31], [30.60, 30.60, 30.61])
    edges = Edges.make(
        id=["a", "b"], u=[0, 1], v=[1, 2], road_class=["primary", "residential"], length_m=[960.0, 1110.0],
        name=["中山路", ""],
    )  # fmt: skip
    roads = roads_of(edges, np.array([0, 2, 4]), x[[0, 1, 1, 2]], y[[0, 1, 1, 2]])
    calls = Calls.make(
        id=["1", "2", "3"], received=[1.6e9, np.nan, 1.7e9], category=["噪音", "噪音", "盗窃"],
        lon=[114.301, 114.302, np.nan], lat=[30.6, 30.6, np.nan],
    )  # fmt: skip
    area = shapely.box(114.2, 30.5, 114.4, 30.7)
    city = City.build(
        roads, name_zh="小城", tz="Asia/Shanghai", crs="EPSG:32650", calls=calls,
        areas=Areas.make(code=["420102"], level=["county"], geometry=[area]),
    )  # fmt: skip
    city.save(tmp_path / "city")
    return tmp_path / "city"


def test_geopandas_reads_every_layer(folder):
    roads = gpd.read_parquet(folder / "roads.parquet")
    assert roads.crs.to_authority() == ("OGC", "CRS84")
    assert set(roads.geom_type) == {"LineString"}
    assert roads.geometry.iloc[0].coords[0] == pytest.approx((114.30, 30.60), abs=1e-9)
    assert roads.to_crs("EPSG:32650").length.tolist() == pytest.approx([960, 1110], rel=0.01)
    areas = gpd.read_parquet(folder / "areas.parquet")
    assert areas.geometry.iloc[0].area == pytest.approx(0.04)
    calls = gpd.read_parquet(folder / "calls.parquet")
    assert calls.geometry.isna().sum() == 1
    assert calls.category.tolist() == ["噪音", "盗窃", "噪音"]


def test_duckdb_reads_every_layer(folder):
    query = (
        "select category, count(*), epoch(max(to_timestamp(received))) from '{}' group by 1 order by 2 desc"
    )
    rows = ask(query.format(folder / "calls.parquet"))
    assert [r[:2] for r in rows] == [("噪音", 2), ("盗窃", 1)]
    assert rows[0][2] == 1.6e9
    # The unknown time is null, not NaN: it must not spoil an average.
    mean = ask(f"select avg(received) from '{folder / 'calls.parquet'}'")
    assert mean == [(1.65e9,)]
    wkb = ask(f"select geometry from '{folder / 'roads.parquet'}'")[0][0]
    assert shapely.from_wkb(bytes(wkb)).geom_type == "LineString"


def test_the_metadata_is_that_of_geoparquet(folder):
    for name, types in (("roads", ["LineString"]), ("areas", ["Polygon"]), ("calls", ["Point"])):
        geo = json.loads(pq.read_schema(folder / f"{name}.parquet").metadata[b"geo"])
        assert geo["version"] == "1.1.0"
        column = geo["columns"][geo["primary_column"]]
        assert column["encoding"] == "WKB"
        assert column["geometry_types"] == types
        assert len(column["bbox"]) == 4
        assert column["bbox"][0] < column["bbox"][2] < 180
        assert (
            pq.ParquetFile(folder / f"{name}.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
        )


def test_calls_know_their_area_and_street(folder):
    calls = City.load(folder).calls
    assert calls.area.tolist() == ["420102", "", "420102"]
    assert calls.edge.tolist() == [0, -1, 0]
    assert calls.id.tolist() == ["1", "3", "2"]  # in order of time, the unknown last


def test_the_footer_answers_without_rows(folder):
    info = layer_info(folder / "roads.parquet")
    assert (info.rows, info.notes["nodes"]) == (2, 3)
    assert info.bounds == pytest.approx((114.30, 30.60, 114.31, 30.61))
    assert column_range(folder / "calls.parquet", "received") == (1.6e9, 1.7e9)
    assert column_range(folder / "calls.parquet", "nothing") is None


def test_a_hand_written_table_with_timestamps_and_nulls_is_read(tmp_path):
    path = tmp_path / "calls.parquet"
    table = pa.table(
        {
            "id": ["a", "b"],
            "received": pa.array([1_600_000_000_500, None], pa.timestamp("ms", "UTC")),
            "category": pa.array(["x", None]),
            "priority": pa.array([1, None], pa.int8()),
        }
    )
    pq.write_table(table, path)
    columns = read_layer(path)
    assert columns["received"][0] == 1_600_000_000.5
    assert np.isnan(columns["received"][1])
    assert columns["category"].tolist() == ["x", ""]
    calls = from_columns("calls", columns, Projection("EPSG:32650"), path)
    assert calls.priority.tolist() == [1, 2]  # the second takes the noun's default
    assert calls.edge.tolist() == [-1, -1]


def test_columns_of_a_later_version_are_left_aside(folder):
    path = folder / "calls.parquet"
    table = pq.read_table(path).append_column("mood", pa.array(["calm"] * 3))
    pq.write_table(table, path)
    assert len(City.load(folder).calls) == 3


def test_a_missing_column_is_named(folder):
    path = folder / "areas.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["level"]), path)
    with pytest.raises(AnlanError, match=r"areas\.parquet.*'level'"):
        _ = City.load(folder).areas


def test_a_file_that_is_not_parquet_says_so(folder):
    (folder / "roads.parquet").write_bytes(b"PAR1" + b"0" * 50)
    with pytest.raises(AnlanError, match=r"roads\.parquet.*not a readable Parquet"):
        _ = City.load(folder).roads


@pytest.mark.parametrize("shape", [None, shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]])])
def test_a_street_that_is_not_one_line_is_named(folder, shape):
    path = folder / "roads.parquet"
    roads = gpd.read_parquet(path)
    roads.loc[1, "geometry"] = shape
    roads.to_parquet(path)
    with pytest.raises(AnlanError, match=r"roads\.parquet, row 2: .* one line"):
        _ = City.load(folder).roads


def test_what_geopandas_writes_is_read_back(folder):
    path = folder / "roads.parquet"
    before = City.load(folder).roads
    gpd.read_parquet(path).to_parquet(path)
    after = City.load(folder).roads
    np.testing.assert_array_equal(after.x, before.x)
    assert after.edges.name.tolist() == before.edges.name.tolist()


def test_a_layer_without_any_geometry_has_no_bounds(tmp_path):
    write_layer(tmp_path / "l.parquet", {"id": np.array(["a"], dtype=object)}, np.array([None], dtype=object))
    assert layer_info(tmp_path / "l.parquet").bounds is None
    assert read_layer(tmp_path / "l.parquet")["geometry"].tolist() == [None]
    assert len(gpd.read_parquet(tmp_path / "l.parquet")) == 1
