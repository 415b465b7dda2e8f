"""Parquet tables, GeoParquet points included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from anlan.city.readers.table import Cells, Origin, Table, no_sheet
from anlan.core.errors import AnlanError

_HEAD_ROWS = 200


def open_parquet(path: Path) -> Table:
    """Open a Parquet file.

    A GeoParquet geometry of points is offered as a column of well-known text, in the coordinates it has.

    Raises
    ------
    AnlanError
        If it is not a whole Parquet file.
    """
    try:
        file = pq.ParquetFile(path)
        geometry = geometry_column(file.schema_arrow)
        names = [f.name for f in file.schema_arrow if f.name == geometry or _is_plain(f.type)]
        head = next(file.iter_batches(_HEAD_ROWS, columns=names), None)
    except (pa.ArrowInvalid, OSError) as error:
        raise AnlanError(
            f"{path.name}",
            f"it is not a whole Parquet file ({str(error).splitlines()[0]})",
            "write it again",
            code="parquet_unreadable",
        ) from None
    preview: dict[str, list[str]] = {name: [] for name in names}
    if head is not None:
        for name in names:
            column = _plain(head.column(name), name == geometry)
            preview[name] = [str(v) for v in column.to_pylist() if v is not None and str(v).strip()]

    def load(wanted: Sequence[str]) -> Cells:
        table = pq.read_table(path, columns=list(wanted))
        columns = {name: _plain(_whole(table[name]), name == geometry) for name in wanted}
        return Cells(columns, np.arange(1, table.num_rows + 1, dtype=np.int64), no_sheet(table.num_rows))

    return Table(tuple(names), preview, Origin("parquet", header_row=0), load)


def geometry_column(schema: Any) -> str | None:
    """The primary geometry column of GeoParquet, if it is one."""
    geo = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
    name = geo.get("primary_column")
    return name if name in schema.names else None


def stated_crs(path: Path) -> str | None:
    """The coordinate system that a GeoParquet file states for its geometry, as PROJJSON; None for degrees."""
    schema = pq.read_schema(path)
    name = geometry_column(schema)
    if name is None:
        return None
    crs = json.loads(schema.metadata[b"geo"])["columns"][name].get("crs")
    return json.dumps(crs) if crs else None


def _is_plain(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _whole(column: Any) -> Any:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], type=column.type)
    return whole


def _plain(column: Any, geometry: bool) -> Any:
    """Dictionaries decoded, long strings as strings, points as ``POINT (x y)``."""
    if geometry and (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        points = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
        x, y = shapely.get_x(points), shapely.get_y(points)
        texts = [
            f"POINT ({a!r} {b!r})" if a == a else "" for a, b in zip(x.tolist(), y.tolist(), strict=True)
        ]
        return pa.array(texts, type=pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    return column
