"""Vector files as columns and shapely geometry: GeoParquet, GeoPackage, GeoJSON, shapefile, CSV with WKT."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from anlan.city.layers import numpy_column
from anlan.city.projection import LONLAT, read_crs
from anlan.city.readers.text import decode
from anlan.core.errors import AnlanError

_WKT_COLUMNS = ("wkt", "geometry", "geom", "shape", "the_geom")


@dataclass(frozen=True, eq=False)
class Features:
    """A vector layer in memory.

    Attributes
    ----------
    columns : dict of str to ndarray
        Attributes; text as objects, null as the empty string, null numbers NaN.
    geometry : ndarray of object, shape (n,)
        Shapely geometries or None.
    crs : pyproj.CRS or None
        None where the file states none.
    """

    columns: dict[str, NDArray[Any]]
    geometry: NDArray[np.object_]
    crs: CRS | None

    def __len__(self) -> int:
        return len(self.geometry)


def read_features(path: Path, layer: str | None = None) -> Features:
    """Read a vector file.

    Parameters
    ----------
    path : Path
    layer : str, optional
        Which layer of a file with several; by default the first.

    Raises
    ------
    AnlanError
        If the file does not exist or is none of the formats.
    """
    path = Path(path)
    if not path.exists():
        raise AnlanError(f"{path}", "the file does not exist", "check the name", code="file_missing")
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".geoparquet"):
        return _parquet(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return _wkt_csv(path)
    import pyogrio  # here: with pandas installed it takes a second, and GeoParquet needs none of it

    try:
        about, _, wkb, fields = pyogrio.raw.read(path, layer=layer, force_2d=True)
    except (ValueError, RuntimeError) as error:  # pyogrio's own errors are RuntimeErrors
        raise unreadable(path, str(error)) from None
    columns = {str(n): _clean(v) for n, v in zip(about["fields"], fields, strict=True)}
    return Features(columns, _from_wkb(path, wkb), _crs(about["crs"]))


def unreadable(path: Path, why: str) -> AnlanError:
    """The sentence for a file that is not what its name says."""
    return AnlanError(
        f"{path}",
        f"it cannot be read as a vector layer ({' '.join(why.split())[:160]})",
        "give GeoParquet, GeoPackage, GeoJSON, a shapefile with its .shx and .dbf, or CSV with a WKT column",
        code="format",
    )


def _parquet(path: Path) -> Features:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(path, str(error)) from None
    geo = json.loads((table.schema.metadata or {}).get(b"geo", b"{}"))
    name = geo.get("primary_column") or next((c for c in _WKT_COLUMNS if c in table.column_names), None)
    if name is None or name not in table.column_names:
        raise unreadable(path, "it has no geometry column")
    about = geo.get("columns", {}).get(name, {})
    if about.get("encoding", "WKB") != "WKB":
        raise unreadable(path, f"its geometry is encoded as {about['encoding']}, and WKB is read")
    # A missing crs member means longitude and latitude (GeoParquet 1.1); a null one means unknown.
    stated = about.get("crs", LONLAT) if geo else None
    wkb = table[name].to_numpy(zero_copy_only=False)
    columns = {c: numpy_column(table[c]) for c in table.column_names if c != name and _plain(table[c].type)}
    return Features(columns, _from_wkb(path, wkb), None if stated is None else read_crs(stated))


def _wkt_csv(path: Path) -> Features:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        text = decode(path.read_bytes()).data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        table = pa.csv.read_csv(
            pa.BufferReader(text),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(strings_can_be_null=False),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(path, str(error)) from None
    lower = {c.lower().strip("\ufeff "): c for c in table.column_names}
    name = next((lower[c] for c in _WKT_COLUMNS if c in lower), None)
    if name is None:
        raise unreadable(path, f"it has none of the columns {', '.join(_WKT_COLUMNS)}")
    if len(set(table.column_names)) < len(table.column_names):
        raise unreadable(path, "two of its columns have the same name")
    texts = numpy_column(table[name])
    if texts.dtype != object:
        raise unreadable(path, f"its column {name!r} holds no WKT")
    geometry = shapely.from_wkt([t or None for t in texts.tolist()], on_invalid="ignore")
    columns = {c: numpy_column(table[c]) for c in table.column_names if c != name}
    return Features(columns, np.asarray(shapely.force_2d(geometry), dtype=object), None)


def _from_wkb(path: Path, wkb: NDArray[np.object_]) -> NDArray[np.object_]:
    try:
        geometry = shapely.force_2d(shapely.from_wkb(wkb))
    except (shapely.errors.GEOSException, TypeError) as error:
        raise unreadable(path, str(error)) from None
    return np.asarray(geometry, dtype=object)


def _plain(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind) and not pa.types.is_binary(kind)


def _clean(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype != object:
        return values
    out = np.empty(len(values), dtype=object)
    out[:] = ["" if v is None or v != v else v for v in values.tolist()]
    return out


def _crs(text: str | None) -> CRS | None:
    return None if text is None else read_crs(text)
