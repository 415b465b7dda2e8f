"""Density, hot cells and targets of three public data sets as PNG pictures.

    ANLAN_DATA=… ./run python examples/hotspots/pictures.py OUT

Reads Memphis robberies, New York shootings and London dwelling fires from the folder of real data, as the tests
do. Dark to yellow: kernel density; white outlines: cells that are hot at a false-discovery rate of 5 % (Gi*);
cyan outlines: the targets for 2 % of the ground.
"""

from __future__ import annotations

import csv
import os
import struct
import sys
import zlib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyproj

from anlan import hotspots
from anlan.model import Calls

STOPS = np.array([[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]])


def main(out: Path) -> None:
    """Draw the three."""
    data = Path(os.environ["ANLAN_DATA"])
    out.mkdir(parents=True, exist_ok=True)
    for name, cell_m, bandwidth_m, read in (
        ("memphis", 500.0, 800.0, memphis),
        ("new-york", 500.0, 800.0, new_york),
        ("london", 1000.0, 1500.0, london),
    ):
        calls, tz = read(data)
        print(f"{name}: {draw(calls, tz, cell_m, bandwidth_m, out / f'{name}.png')}")


def draw(calls: Calls, tz: ZoneInfo, cell_m: float, bandwidth_m: float, path: Path) -> str:
    """One picture, and what the targets are worth."""
    cells = hotspots.Cells.covering(calls.x, calls.y, cell_m)
    shape = (cells.n_row, cells.n_column)
    count = np.bincount(cells.of_calls(calls)[cells.of_calls(calls) >= 0], minlength=len(cells)).reshape(
        shape
    )
    near = np.isfinite(calls.x)
    density = hotspots.kde(calls.x[near], calls.y[near], cells=cells, bandwidth_m=bandwidth_m).value
    hot = hotspots.gi_star(count, hotspots.Disk(1.5)).hot()
    chosen = hotspots.targets(calls, cells, tz=tz, held_out_weeks=8)
    picked = np.zeros(len(cells), bool)
    picked[chosen.index] = True
    scale = max(1, 900 // max(shape))
    value = np.sqrt(density / density.max())
    rgb = np.stack([np.interp(value, np.linspace(0, 1, len(STOPS)), STOPS[:, c]) for c in range(3)], axis=-1)
    picture = np.kron(rgb, np.ones((scale, scale, 1)))
    for mask, colour in ((hot, (255, 255, 255)), (picked.reshape(shape), (0, 220, 220))):
        picture[_outline(mask, scale)] = colour
    path.write_bytes(png(picture[::-1].astype(np.uint8)))
    return chosen.sentence("en")


def _outline(mask: np.ndarray, scale: int) -> np.ndarray:
    big = np.pad(np.kron(mask, np.ones((scale, scale), bool)), 1)
    inner = big[1:-1, 1:-1] & big[:-2, 1:-1] & big[2:, 1:-1] & big[1:-1, :-2] & big[1:-1, 2:]
    return big[1:-1, 1:-1] & ~inner


def png(rgb: np.ndarray) -> bytes:
    """An array of (height, width, 3) bytes as a PNG file."""
    height, width, _ = rgb.shape
    rows = b"".join(b"\x00" + row.tobytes() for row in rgb)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return list(csv.DictReader(file))


def log(table: list[dict[str, str]], when: list[str], x: object, y: object, tz: ZoneInfo, word: str) -> Calls:
    """Calls of one category."""
    n = len(table)
    received = [datetime.fromisoformat(t).replace(tzinfo=tz).timestamp() for t in when]
    return Calls.make(
        n,
        id=[str(i) for i in range(n)],
        category=[word] * n,
        source=["reported"] * n,
        received=received,
        x=x,
        y=y,
    )


def projected(table: list[dict[str, str]], epsg: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes in metres, NaN where there are none."""
    lon, lat = ([float(r[k] or "nan") for r in table] for k in ("longitude", "latitude"))
    x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
    known = np.isfinite(x) & np.isfinite(y)
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def memphis(data: Path) -> tuple[Calls, ZoneInfo]:
    """Robberies of 2019; the file calls its local times UTC."""
    table, tz = rows(data / "memphis/incidents.csv"), ZoneInfo("America/Chicago")
    return log(table, [r["occurred_at"] for r in table], *projected(table, 32616), tz, "robbery"), tz


def new_york(data: Path) -> tuple[Calls, ZoneInfo]:
    """Shootings 2006–2023."""
    table, tz = rows(data / "manhattan/incidents.csv"), ZoneInfo("America/New_York")
    when = [f"{r['date']}T{r['time']}" for r in table]
    return log(table, when, *projected(table, 32618), tz, "shooting"), tz


def london(data: Path) -> tuple[Calls, ZoneInfo]:
    """Dwelling fires of 2009."""
    table, tz = rows(data / "london2009/lfb_dwelling_fires_2009.csv"), ZoneInfo("Europe/London")
    when = [f"{r['DateOfCall']}T{r['TimeOfCall']}" for r in table]
    x, y = ([float(r[k]) for r in table] for k in ("Easting_m", "Northing_m"))
    return log(table, when, x, y, tz, "dwelling fire"), tz


if __name__ == "__main__":
    main(Path(sys.argv[1]))
