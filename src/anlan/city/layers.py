"""GeoParquet layers: columns and WKB geometry in WGS-84 degrees, readable by GeoPandas, QGIS and DuckDB.

The files follow GeoParquet 1.1.0 (https://geoparquet.org/releases/v1.1.0/): no ``crs`` member, which means
OGC:CRS84 (longitude, latitude), planar edges, the layer's bounding box.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from anlan.core.errors import AnlanError

GEOMETRY = "geometry"
_ROW_GROUP = 131_072
_KEYS = ("id", "code")
_TYPES = (
    "Point",
    "LineString",
    "LineString",  # a ring is written as a line
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)


@dataclass(frozen=True)
class LayerInfo:
    """What a layer's footer says, without reading its rows.

    Attributes
    ----------
    rows, bytes : int
    columns : tuple of str
    bounds : tuple of float or None
        West, south, east, north in degrees; None without any geometry.
    notes : mapping
        What the writer added, such as the number of junctions.
    """

    rows: int
    bytes: int
    columns: tuple[str, ...]
    bounds: tuple[float, float, float, float] | None
    notes: Mapping[str, Any]


def write_layer(
    path: Path,
    columns: Mapping[str, NDArray[Any]],
    geometry: NDArray[np.object_],
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write columns and geometry (shapely, lon/lat, None where unknown) as one GeoParquet file.

    NaN is written as null, text as UTF-8, rows in the order given, compressed with zstd.
    """
    arrays: dict[str, pa.Array] = {
        name: pa.array(values, type=pa.string() if values.dtype == object else None, from_pandas=True)
        for name, values in columns.items()
    }
    arrays[GEOMETRY] = pa.array(shapely.to_wkb(geometry), type=pa.binary())
    present = geometry[~shapely.is_missing(geometry)]
    about: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted({_TYPES[t] for t in np.unique(shapely.get_type_id(present)).tolist()}),
    }
    if len(present) and np.isfinite(bounds := shapely.total_bounds(present)).all():
        about["bbox"] = bounds.tolist()
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: about}}
    table = pa.table(arrays).replace_schema_metadata(
        {"geo": json.dumps(geo), "anlan": json.dumps(dict(notes or {}), ensure_ascii=False)}
    )
    # Dictionaries pay for words that repeat; ids and measures are written plainly.
    words = [n for n, v in columns.items() if v.dtype == object and n not in _KEYS]
    pq.write_table(
        table, path, compression="zstd", compression_level=6, use_dictionary=words, row_group_size=_ROW_GROUP
    )


def read_layer(path: Path, *, geometry: bool = True) -> dict[str, NDArray[Any]]:
    """Read a GeoParquet file as NumPy columns; ``geometry`` as shapely objects.

    Null numbers become NaN, null texts the empty string, timestamps Unix seconds. Words that repeat share
    one Python string.

    Parameters
    ----------
    geometry : bool
        Whether the geometry is wanted; without it points load three times as fast.

    Raises
    ------
    AnlanError
        If the file is not Parquet.
    """
    with _parquet(path) as file:
        schema = file.schema_arrow
        words = [f.name for f in schema if _is_text(f.type) and f.name not in _KEYS]
        names = [f.name for f in schema if geometry or f.name != GEOMETRY]
    table = pq.read_table(path, columns=names, read_dictionary=words)
    return {name: numpy_column(table[name], name) for name in table.column_names}


def numpy_column(column: pa.ChunkedArray, name: str = "") -> NDArray[Any]:
    """One Arrow column as NumPy; see `read_layer` for what becomes of nulls."""
    kind = column.type
    if name == GEOMETRY and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        wkb = column.to_numpy(zero_copy_only=False)
        return np.asarray(shapely.from_wkb(wkb), dtype=object)
    if pa.types.is_dictionary(kind):
        parts = [_words(chunk) for chunk in column.chunks]
        return np.concatenate(parts) if parts else np.empty(0, object)
    if _is_text(kind):
        values = pc.fill_null(column, "").to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=object)
    if pa.types.is_timestamp(kind):
        micros = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
        return np.asarray(micros.to_numpy(zero_copy_only=False), np.float64) / 1e6
    return np.asarray(column.to_numpy(zero_copy_only=False))


def layer_info(path: Path) -> LayerInfo:
    """Read a layer's footer.

    Raises
    ------
    AnlanError
        If the file is not Parquet.
    """
    with _parquet(path) as file:
        metadata = file.schema_arrow.metadata or {}
        geo = json.loads(metadata.get(b"geo", b"{}"))
        box = geo.get("columns", {}).get(GEOMETRY, {}).get("bbox")
        return LayerInfo(
            rows=file.metadata.num_rows,
            bytes=path.stat().st_size,
            columns=tuple(file.schema_arrow.names),
            bounds=tuple(box) if box else None,
            notes=json.loads(metadata.get(b"anlan", b"{}")),
        )


def column_range(path: Path, name: str) -> tuple[float, float] | None:
    """Smallest and largest value of a column from the footer's statistics; None where it has none."""
    with _parquet(path) as file:
        names = file.schema_arrow.names
        if name not in names:
            return None
        index = names.index(name)
        spans = [
            (s.min, s.max)
            for g in range(file.metadata.num_row_groups)
            if (s := file.metadata.row_group(g).column(index).statistics) is not None and s.has_min_max
        ]
    return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise AnlanError(
            f"{path}", "the file does not exist", "check the name", code="file_missing"
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise AnlanError(
            f"{path}",
            f"it is not a readable Parquet file ({str(error).splitlines()[0]})",
            "build the city again or restore the file",
            code="layer_unreadable",
        ) from None


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _words(chunk: pa.DictionaryArray) -> NDArray[np.object_]:
    words = np.append(np.asarray(chunk.dictionary.to_numpy(zero_copy_only=False), dtype=object), "")
    codes = pc.fill_null(chunk.indices, len(words) - 1).to_numpy(zero_copy_only=False)
    return words[codes]
